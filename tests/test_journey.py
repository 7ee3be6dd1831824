"""The command line against an account on a socket, as a stranger walks it."""

from __future__ import annotations

import csv
import io
import json
import re
import signal
from typing import Any

from command_line import Folder, Ran, finish, on, stop

from connector import sandbox
from connector.sandbox import Portal
from connector.sandbox.state.records import Writer

STAGE = "lifecyclestage"
MQL, SQL, LEAD = "marketingqualifiedlead", "salesqualifiedlead", "lead"


def writes(portal: sandbox.Portal, since: int = 0) -> list[str]:
    """The paths of requests that changed records."""
    return [
        entry["path"]
        for entry in portal.journal(since)
        if entry["method"] in ("POST", "PATCH", "PUT", "DELETE")
        and entry["path"].rsplit("/", 1)[-1] not in ("read", "search")
    ]


def values(portal: sandbox.Portal, contact: str) -> dict[str, Any]:
    found = portal.record("contacts", contact)["properties"]
    assert isinstance(found, dict)
    return found


def one_of(folder: Folder, stage: str) -> str:
    """The hottest contact that stands at a stage."""
    [item] = folder.json("contacts", "--stage", stage, "--limit", "1")["items"]
    return str(item["contact"])


def said(ran: Ran, code: int = 0) -> str:
    assert ran.code == code, f"{ran.code}: {ran.stdout}{ran.stderr}"
    return ran.stdout


# -- from nothing --------------------------------------------------------------------------------------


def test_a_stranger_gets_from_nothing_to_a_silent_sync(portal: sandbox.Portal, tmp_path: Any) -> None:
    outside = Folder(tmp_path)
    assert "put a token into .env" in said(outside("init", "my-rules"))
    assert (tmp_path / "my-rules" / ".env").stat().st_mode & 0o777 == 0o600
    folder = Folder(tmp_path / "my-rules", portal=portal)
    assert "HUBSPOT_ACCESS_TOKEN=" in (folder.path / ".env").read_text("utf-8")
    assert "5 files were there" in said(outside("init", "my-rules"))

    folder.write_env(HUBSPOT_BASE_URL=portal.url, HUBSPOT_ACCESS_TOKEN=portal.token)
    folder.advance(0)
    assert "were not checked" in said(folder("check"))
    checked = folder.json("check", "--crm")
    assert checked["summary"]["checked_against"] == "crm"
    assert {d["severity"] for d in checked["diagnostics"]} == {"note"}  # our properties are not made yet

    assert folder.json("provision")["summary"] == {"made": 13, "there": 0, "differs": 0}
    assert folder.json("provision")["summary"] == {"made": 0, "there": 13, "differs": 0}
    assert folder.json("check", "--crm")["diagnostics"] == []

    assert "Next: connector plan" in said(folder("backfill", "all"))
    before = len(portal.journal())
    planned = folder("plan")
    assert len(portal.journal()) == before, "a plan asks nothing of the CRM"
    assert said(folder("plan", "--exit-code"), 3) == said(planned)
    assert "150 to change, 0 held, 0 unchanged." in planned.stdout
    plan = planned.stdout.split("connector apply ")[1].strip()
    assert writes(portal, before) == []

    applied = folder("apply", plan, "--yes")
    assert said(applied) == f"Applied {plan}: 150 sent, 0 held, 0 dropped.\n"
    assert said(folder("apply", "--yes")) == f"already applied {plan}; nothing sent\n"
    assert said(folder("apply", plan)) == f"already applied {plan}; nothing sent\n"

    wrote = len(portal.journal())
    assert "No changes. The CRM already says what the rules want." in said(folder("sync"))
    assert writes(portal, wrote) == []
    assert said(folder("plan", "--exit-code")).endswith("The CRM already says what the rules want.\n")


def test_the_cache_is_disposable(applied: Folder) -> None:
    """Deleted and rebuilt by a backfill: the CRM is not changed by one value."""
    assert applied.portal is not None
    for file in applied.path.glob("connector.db*"):
        file.unlink()
    assert "There is no cache" in applied("plan").stderr
    assert applied("backfill", "all").code == 0
    planned = applied("plan")
    assert said(planned).endswith("The CRM already says what the rules want.\n")
    assert said(applied("apply")).endswith(": 0 sent, 0 held, 0 dropped.\n")
    assert writes(applied.portal) == []


# -- who reads it --------------------------------------------------------------------------------------


def test_every_point_is_explained_by_id_and_by_address(applied: Folder) -> None:
    applied.edit("mappings/fields.yaml", "language: en ", "language: fr ")
    by_address = applied.json("explain", "JANE@acme.fr", "-v")
    jane = by_address["summary"]["contact"]
    assert applied.json("explain", jane, "-v") == by_address
    assert by_address["summary"]["email"] == "jane@acme.fr"
    total = sum(round(item["points"] * 100_000) for item in by_address["items"])
    assert total == by_address["summary"]["points"] * 100_000
    for item in by_address["items"]:
        name, line = item["place"].split(":")
        assert (applied.path / name).read_text("utf-8").splitlines()[int(line) - 1]
        counted = sum(round(s["points"] * 100_000) for s in item["signals"] if s["counted"])
        assert not item["signals"] or counted == round(item["points"] * 100_000)
    text = said(applied("explain", "jane@acme.fr"))
    assert "Téléchargement de démo" in text
    assert "j***@acme.fr" in text
    assert "jane@acme.fr" not in text


def test_an_address_with_accents_is_found(applied: Folder) -> None:
    assert applied.portal is not None
    new = applied.portal.create("contacts", {"email": "élodie.jané@société.fr", "firstname": "Élodie"})
    applied.advance(60)
    assert applied("sync").code == 0
    assert applied.json("explain", "Élodie.JANÉ@société.fr")["summary"]["contact"] == str(new)


def test_contacts_are_listed_by_stage_and_as_csv(applied: Folder) -> None:
    counts = applied.json("status")["summary"]["stages"]
    for stage in ("mql", "customer"):
        found = applied.json("contacts", "--stage", stage)
        assert found["summary"]["found"] == counts[stage] == len(found["items"])
        assert {item["stage"] for item in found["items"]} == {stage}
    rows = list(csv.DictReader(io.StringIO(said(applied("contacts", "--csv")))))
    assert len(rows) == 150 == sum(counts.values())
    assert "jane@acme.fr" in {row["email"] for row in rows}
    points = [int(row["points"]) for row in rows]
    assert points == sorted(points, reverse=True)
    text = said(applied("contacts", "--stage", "mql"))
    assert "***@" in text
    assert "jane@acme.fr" not in text


def test_it_says_how_it_is_and_what_was_done(applied: Folder) -> None:
    status = said(applied("status"))
    assert "150 contacts" in status
    assert "Nothing needs you." in status
    assert [run["verb"] for run in applied.json("runs")["items"]] == ["sync", "apply", "backfill"]
    assert "16 Nov 2026 10:00" in said(applied("runs")), "in the mapping's time zone"
    assert "All is well." in said(applied("doctor"))
    assert said(applied("outbox")).startswith("Outbox: 0 pending, 0 sending, 1,0")


def written(portal: sandbox.Portal, since: int) -> set[str]:
    """The properties of contacts that were written."""
    told = [e for e in portal.journal(since, bodies=True) if e["path"].endswith("/contacts/batch/update")]
    return {name for e in told for one in json.loads(e["body"])["inputs"] for name in one["properties"]}


# -- people --------------------------------------------------------------------------------------------


def test_a_stage_that_a_person_sets_back_is_held_and_said_until_when(applied: Folder) -> None:
    portal = applied.portal
    assert portal is not None
    contact = one_of(applied, "mql")
    assert values(portal, contact)[STAGE] == MQL
    applied.advance(3600)
    portal.edit(contact, {STAGE: LEAD}, by="userId:5")
    before = len(portal.journal())
    synced = applied("sync")
    assert values(portal, contact)[STAGE] == LEAD, "people win"
    assert STAGE not in written(portal, before)
    assert f"{contact}  held until 14 Feb 2027: set back to lead by hand in the CRM" in said(synced, 1)

    assert said(applied("sync")).endswith("The CRM already says what the rules want.\n"), "said once"
    assert values(portal, contact)[STAGE] == LEAD
    listed = said(applied("contacts", "--held"))
    assert contact in listed
    assert "held until 14 Feb 2027" in listed
    assert "held until 14 Feb 2027: set back to lead by hand in the CRM" in said(applied("explain", contact))
    assert "1 contact held for a person's sake" in said(applied("status"))

    applied.advance(91 * 86_400)
    assert applied("sync").code == 0
    assert applied.json("contacts", "--held")["items"] == []


def test_a_persons_forward_move_is_adopted(applied: Folder) -> None:
    portal = applied.portal
    assert portal is not None
    contact = one_of(applied, "lead")
    applied.advance(3600)
    portal.edit(contact, {STAGE: SQL})
    assert applied("sync").code == 0
    now = values(portal, contact)
    assert (now[STAGE], now["lq_stage"]) == (SQL, "sql")
    summary = applied.json("explain", contact)["summary"]
    assert summary["stage"] == "sql"
    assert "salesqualifiedlead" in summary["note"]
    assert "by hand" in summary["note"]


def test_the_crms_own_automation_is_adopted_and_an_import_is_a_note(applied: Folder) -> None:
    portal = applied.portal
    assert portal is not None
    [first, second] = [i["contact"] for i in applied.json("contacts", "--stage", "contact")["items"][:2]]
    applied.advance(3600)
    portal.change(first, {STAGE: "opportunity"}, Writer("AUTOMATION_PLATFORM", "flow"))
    portal.change(second, {STAGE: MQL}, Writer("IMPORT", "list.csv"))
    assert applied("sync").code == 0
    assert values(portal, first)["lq_stage"] == "qualified_prospect"
    assert values(portal, second)["lq_stage"] == "contact"
    assert values(portal, second)[STAGE] == MQL


def test_a_property_of_ours_that_somebody_changed_is_put_back_and_counted(applied: Folder) -> None:
    portal = applied.portal
    assert portal is not None
    contact = one_of(applied, "customer")
    ours = values(portal, contact)
    applied.advance(3600)
    portal.edit(contact, {"lq_score": "999", "lq_why": "because"})
    synced = applied("sync", "--json")
    assert synced.code == 0
    assert synced.summary["overwritten"] == 2
    again = values(portal, contact)
    assert (again["lq_score"], again["lq_why"]) == (ours["lq_score"], ours["lq_why"])
    applied.advance(3600)
    portal.edit(contact, {"lq_score": "998"})
    assert "1 value of ours was changed by others and put back." in said(applied("sync"))


def test_a_contact_created_meanwhile_is_scored(applied: Folder) -> None:
    portal = applied.portal
    assert portal is not None
    applied.advance(3600)
    new = str(portal.create("contacts", {"email": "zoé@neuf.fr", "hs_persona": "decision_maker"}))
    synced = applied("sync")
    assert said(synced).endswith("1 sent, 0 held, 0 dropped.\n")
    now = values(portal, new)
    assert (now["lq_stage"], now["lq_temperature"]) == ("contact", "cold")
    assert now["lq_why"] == "+20 Decision maker"
    assert float(now["lq_score"]) == 20


# -- the brake -----------------------------------------------------------------------------------------


def test_one_edit_cannot_move_everyone(applied: Folder) -> None:
    portal = applied.portal
    assert portal is not None
    applied.edit("workflows/qualification.yaml", "floor: -50  ", "floor: 5    ")
    applied.edit(
        "workflows/qualification.yaml",
        "total: {of: [fit, engagement], floor: 0}",
        "total: {of: [fit, engagement], floor: 7}",
    )
    before = len(portal.journal())
    braked = applied("sync")
    text = said(braked, 1)
    assert "Nothing was sent." in text
    assert "(limit 20%)" in text
    assert writes(portal, before) == []
    assert [run["status"] for run in applied.json("runs", "--limit", "1")["items"]] == ["braked"]
    plan = text.split("connector apply ")[1].strip()
    assert "braked" in said(applied("status"))

    sent = applied("apply", plan, "--yes")
    assert "0 held, 0 dropped." in said(sent)
    assert min(float(values(portal, i["contact"])["lq_score"]) for i in _all(applied)) == 7
    assert "No changes." in said(applied("sync"))


def _all(folder: Folder) -> list[dict[str, Any]]:
    found = folder.json("contacts", "--limit", "1000")["items"]
    assert isinstance(found, list)
    return found


def test_a_preview_on_edited_rules_is_never_sent_by_a_sync(applied: Folder) -> None:
    """A plan stores itself and decides nothing: with the old rules back, a sync finds nothing to do."""
    assert applied.portal is not None
    rule = ("signal: pricing_visit\n            points: 15", "signal: pricing_visit\n            points: 16")
    applied.edit("workflows/qualification.yaml", *rule)
    assert said(applied("plan", "--exit-code"), 3)
    applied.edit("workflows/qualification.yaml", *reversed(rule))
    before = len(applied.portal.journal())
    assert "No changes." in said(applied("sync"))
    assert writes(applied.portal, before) == []
    refused = applied("apply", "--yes")
    assert refused.code in (0, 2)
    assert writes(applied.portal, before) == []


# -- the daemon ----------------------------------------------------------------------------------------


def test_the_daemon_stops_after_the_tick_in_hand(applied: Folder) -> None:
    assert applied.portal is not None
    applied.write_env(CONNECTOR_SYNC_EVERY="1h")
    process = applied.start("run", "--json")
    events = []
    assert process.stdout is not None
    for line in process.stdout:
        events.append(json.loads(line))
        if len(events) == 2:
            break
    ran = stop(process, signal.SIGTERM)
    events += [json.loads(line) for line in ran.stdout.splitlines()]
    assert ran.code == 0, ran.stderr
    assert [event["status"] for event in events] == ["started", "done", "stopped"]
    assert applied("sync").code == 0, "the lock is free again"


def test_the_daemon_lives_through_broken_rules_and_says_so(applied: Folder) -> None:
    assert applied.portal is not None
    before = len(applied.portal.journal())
    applied.write_env(CONNECTOR_SYNC_EVERY="1s")
    applied.edit("workflows/qualification.yaml", "version: 1", "version: 1\nnonsense: 1")
    process = applied.start("run")
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(2)]
    assert "failed: 1 mistake in 1 file. Nothing was sent." in lines[1]
    assert len(applied.portal.journal()) == before
    assert "failed" in said(applied("status"))
    applied.edit("workflows/qualification.yaml", "version: 1\nnonsense: 1", "version: 1")
    while "done" not in lines[-1]:
        lines.append(process.stdout.readline())
        assert lines[-1], "the daemon ended"
    process.send_signal(signal.SIGINT)
    assert finish(process).code == 0


def test_two_folders_of_rules_side_by_side(applied: Folder) -> None:
    other = on(portal_of(applied), applied.path / "other")
    other.edit("workflows/qualification.yaml", "at_least: 100", "at_least: 60")
    ran = applied("plan", "--against", "other", "--exit-code")
    assert ran.code == 3
    assert re.search(r"^mql +\d+ +\d+ +\+\d+$", ran.stdout, re.M)
    assert ran.stdout.endswith("would stand elsewhere. Nothing was sent.\n")
    assert applied("plan", "--against", ".", "--exit-code").code == 0
    assert applied("plan", "--against", "nowhere").code == 2


def test_a_plan_of_mistaken_rules_is_undone(applied: Folder) -> None:
    file = "workflows/qualification.yaml"
    applied.edit(file, "points: 15", "points: 75")
    mistake = applied.json("plan")["summary"]["plan"]
    assert applied("apply", "--yes").code == 0
    applied.edit(file, "points: 75", "points: 15")
    back = applied.json("plan", "--undo", mistake)["summary"]
    assert back["stage_changes"] > 0
    assert applied("apply", back["plan"], "--yes").code == 0
    assert applied.json("plan", "--undo", mistake)["summary"]["changed"] == 0
    assert applied("sync").code == 0


def test_ways_of_planning_do_not_go_together(applied: Folder) -> None:
    ran = applied("plan", "--against", ".", "--undo", "abc")
    assert ran.code == 2
    assert "do not go together" in ran.stderr


def portal_of(folder: Folder) -> Portal:
    assert folder.portal is not None
    return folder.portal
