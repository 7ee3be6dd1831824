"""What bad input gets: an exit code, a sentence, what to do about it; never a crash, never a silent zero."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import Folder, Ran, finish, stop

from connector import sandbox
from connector.cli.door import Door
from connector.cli.walk import walk
from connector.clock import Clock, SystemClock
from connector.errors import Unreachable
from connector.hubspot import paths
from connector.model import Secret
from connector.sandbox.rows import Object, PropertyDef
from connector.sandbox.state import SCOPES
from connector.settings import Settings
from connector.store.lock import run_lock

ASKING = (["check", "--crm"], ["provision"], ["backfill"], ["pull"], ["sync"], ["run"])
BATCH_UPDATE = "/batch/update"
CONTACTS = paths.OBJECTS.format(object="contacts")


def refused(ran: Ran, code: int, *words: str) -> None:
    """The exit code, and every one of the words on stderr; nothing on stdout, no traceback."""
    assert ran.code == code, ran
    assert ran.stdout == ""
    assert "Traceback" not in ran.stderr
    for word in words:
        assert word in ran.stderr, f"{word!r} is not in {ran.stderr!r}"


def updates(portal: sandbox.Portal) -> int:
    return sum(entry["path"].endswith(BATCH_UPDATE) for entry in portal.journal())


# -- the token and the account -------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ASKING, ids=" ".join)
def test_without_a_token_the_variable_is_named_and_where_to_make_one(cli: Folder, verb: list[str]) -> None:
    cli.write_env(HUBSPOT_ACCESS_TOKEN="")
    refused(cli(*verb), 2, "HUBSPOT_ACCESS_TOKEN is not set", "Settings > Development > Keys > Service keys")
    assert cli.portal is not None
    assert cli.portal.journal() == []


def test_a_wrong_token(cli: Folder) -> None:
    cli.write_env(HUBSPOT_ACCESS_TOKEN="pat-eu1-wrong-secret")
    ran = cli("sync")
    refused(ran, 4, "does not know this token", "Service keys")
    assert "wrong-secret" not in ran.stderr
    told = cli("sync", "--json")
    assert told.code == 4
    assert "wrong-secret" not in told.stdout
    assert told.document["diagnostics"][0]["code"] == "unauthorised"


def test_a_missing_scope_to_provision_is_named(cli: Folder) -> None:
    assert cli.portal is not None
    cli.portal.grant(set(SCOPES) - {"crm.schemas.contacts.write"})
    refused(cli("provision"), 4, "crm.schemas.contacts.write", "Add the scope")
    cli.portal.grant(SCOPES)
    assert cli("provision").code == 0


def test_a_missing_scope_to_write_stops_and_the_next_run_goes_on(cli: Folder) -> None:
    assert cli.portal is not None
    for verb in ("provision", "backfill", "plan"):
        assert cli(verb).code == 0
    cli.portal.grant(set(SCOPES) - {"crm.objects.contacts.write"})
    refused(cli("apply", "--yes"), 4, "crm.objects.contacts.write", "Scopes: add")
    cli.portal.grant(SCOPES)
    done = cli("apply", "--yes", "--json")
    assert done.code == 0
    assert done.summary["sent"] == 150


def test_a_source_that_the_token_may_not_read_is_left_out_and_said(cli: Folder) -> None:
    assert cli.portal is not None
    cli.portal.grant(set(SCOPES) - {"forms"})
    ran = cli("backfill")
    assert ran.code == 0, ran.stderr
    assert "- forms:" in ran.stdout
    assert "forms" in cli("doctor").stdout
    sources = {s["source"]: s["state"] for s in cli.json("status")["summary"]["sources"]}
    assert sources["forms"] == "absent"
    assert sources["contacts"] == "ok"
    cli.portal.grant(SCOPES)
    assert "- forms:" not in cli("pull").stdout


def test_the_token_of_another_portal(applied: Folder) -> None:
    with sandbox.start(contacts=3, seed=8) as other:
        assert applied.portal is not None
        mine, theirs = (str(p.state()["portalId"]) for p in (applied.portal, other))
        applied.write_env(HUBSPOT_BASE_URL=other.url, HUBSPOT_ACCESS_TOKEN=other.token)
        refused(applied("sync"), 2, f"belongs to portal {mine}", f"opens portal {theirs}")
        refused(applied("backfill"), 2, mine, theirs)
        assert updates(other) == 0


class Impatient(SystemClock):
    """Notes how long it was asked to wait, and does not."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


class Without(Settings):
    """Settings with a clock that does not wait."""

    waited = Impatient()

    def clock(self) -> Clock:
        return self.waited


def test_an_unreachable_crm_is_given_up_after_the_retry_policy(
    tmp_path: Path, nobody: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path)
    folder.rules()
    monkeypatch.chdir(tmp_path)
    door = Door("sync", quiet=True)
    door.use(Without(token=Secret("pat-x"), base_url=nobody, db=tmp_path / "c.db", rules=tmp_path))

    async def never(way: Any) -> Any:
        return await way.t.call("GET", "/account-info/2026-03/details")

    with pytest.raises(Unreachable, match="did not answer") as found:
        walk(door, never)
    assert found.value.exit_code == 4
    assert "safe to run again" in found.value.fix
    assert len(Without.waited.slept) == 5, "six attempts"
    assert sum(Without.waited.slept) < 30, "seconds"


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address at which nobody listens any more."""
    with sandbox.start() as gone:
        url = gone.url
    yield url


@pytest.mark.long
def test_an_unreachable_crm_in_real_time(applied: Folder, nobody: str) -> None:
    applied.write_env(HUBSPOT_BASE_URL=nobody)
    refused(applied("sync"), 4, "did not answer", "safe to run again")
    assert applied.json("runs", "--limit", "1")["items"][0]["status"] == "failed"


# -- the rules -----------------------------------------------------------------------------------------


def misspell(folder: Folder) -> None:
    folder.edit("workflows/qualification.yaml", "floor: -50 ", "flor: -50 ")
    folder.edit("mappings/signals.yaml", "email_open:   ", "email_opn:   ")


def cut(folder: Folder) -> None:
    """As an editor leaves it that died while it saved."""
    file = folder.path / "workflows" / "qualification.yaml"
    said = file.read_text("utf-8")
    file.write_text(said[: said.index("signal: demo_download") + 8], "utf-8")


def no_yaml(folder: Folder) -> None:
    (folder.path / "mappings" / "fields.yaml").write_text("contact: [1, 2\nfields: }", "utf-8")


def no_text(folder: Folder) -> None:
    (folder.path / "mappings" / "zz.yaml").write_bytes(b"\xff\xfe\x00\x01")


def empty(folder: Folder) -> None:
    (folder.path / "workflows" / "qualification.yaml").write_text("", "utf-8")


def no_folder(folder: Folder) -> None:
    (folder.path / "mappings").rename(folder.path / "elsewhere")


MISTAKES = (misspell, cut, no_yaml, no_text, empty, no_folder)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_broken_rules_send_nothing(cli: Folder, mistake: Callable[[Folder], None]) -> None:
    mistake(cli)
    assert cli.portal is not None
    for verb in (["check"], ["sync"], ["provision"]):
        ran = cli(*verb)
        refused(ran, 2, "Nothing was sent.", "error[")
    told = cli("check", "--json")
    assert told.code == 2
    assert told.document["status"] == "failed"
    assert all(d["file"] and d["line"] and d["what"] and d["fix"] for d in told.document["diagnostics"])
    assert cli.portal.journal() == []
    assert not (cli.path / "connector.db").exists()


def test_every_mistake_of_every_file_is_told_at_once(cli: Folder) -> None:
    misspell(cli)
    ran = cli("check")
    refused(ran, 2, "unknown-key", "`flor`", "unknown-signal", "`email_open`", "mistakes in", "^")


def test_the_old_rules_are_not_quietly_used(applied: Folder) -> None:
    assert applied.portal is not None
    contact = applied.json("contacts", "--limit", "1")["items"][0]["contact"]
    applied.advance(60)
    applied.portal.edit(contact, {"lq_score": "1"})
    cut(applied)
    refused(applied("sync"), 2, "Nothing was sent.")
    assert applied.portal.journal() == []
    status = applied("status")
    assert status.code == 0
    assert "The rules do not load" in status.stdout


# -- the command ---------------------------------------------------------------------------------------

WRONG = {
    "unknown verb": (["synch"], "synch"),
    "unknown flag": (["sync", "--fast"], "--fast"),
    "unknown contact": (["explain", "nobody@nowhere.fr"], "No contact n***@nowhere.fr in the cache."),
    "unknown id": (["explain", "123"], "No contact 123 in the cache."),
    "no contact": (["explain"], "CONTACT"),
    "unknown stage": (["contacts", "--stage", "mqll"], "Use one of contact, lead, mql"),
    "unknown band": (["contacts", "--band", "boiling"], "Use one of hot, warm, cold"),
    "unknown part": (["backfill", "everything"], "everything"),
    "no date": (["explain", "jane@acme.fr", "--at", "yesterday"], "Write 2026-11-16"),
    "too far back": (["backfill", "--since", "99999999999d"], "99999999999d"),
    "before time": (["explain", "jane@acme.fr", "--at", "1950-01-01"], "1950-01-01"),
    "unknown plan": (["apply", "ffff"], "There is no plan ffff."),
    "only whom": (["plan", "--only", "123,456"], "No contact 123 in the cache."),
    "rows of a list": (["outbox", "list", "3"], "outbox list"),
    "not a number": (["contacts", "--limit", "0"], "--limit"),
}


def test_a_command_that_asks_for_what_is_not_there(applied: Folder) -> None:
    assert applied.portal is not None
    for what, (args, said) in WRONG.items():
        ran = applied(*args)
        assert (what, ran.code, ran.stdout) == (what, 2, ""), ran
        assert said in ran.stderr, what
        assert "Traceback" not in ran.stderr, what
    assert applied.portal.journal() == []


def test_apply_asks_and_without_a_terminal_says_how_to_answer(applied: Folder) -> None:
    assert applied.portal is not None
    applied.edit("workflows/qualification.yaml", "floor: -50 ", "floor: -40 ")
    assert applied("plan", "--exit-code").code == 3
    refused(applied("apply"), 2, "Send ", "changes to portal", "--yes")
    assert updates(applied.portal) == 0


def test_settings_that_cannot_be_read(cli: Folder) -> None:
    for name, value in {
        "CONNECTOR_BRAKE": "twenty",
        "CONNECTOR_SYNC_EVERY": "5",
        "CONNECTOR_RATE_SHARE": "2",
        "HUBSPOT_BASE_URL": "localhost",
        "CONNECTOR_NOW": "soon",
    }.items():
        before = cli.settings.get(name, "")
        cli.write_env(**{name: value})
        refused(cli("sync"), 2, name, value)
        cli.write_env(**{name: before})


# -- the cache -----------------------------------------------------------------------------------------


def test_a_cache_where_none_can_be(cli: Folder) -> None:
    refused(cli("sync", "--db", "no/such/folder/c.db"), 2, "there is no folder no/such/folder")
    refused(cli("sync", "--db", "mappings"), 4, "mappings: ")
    (cli.path / "c.db").write_text("stage,contacts\nmql,12\n" * 100, "utf-8")
    refused(cli("sync", "--db", "c.db"), 4, "not a cache of ours", "--db")
    assert (cli.path / "c.db").read_text("utf-8").startswith("stage,contacts")
    refused(cli("status"), 2, "There is no cache at connector.db yet", "connector backfill all")
    assert cli.portal is not None
    assert updates(cli.portal) == 0


@pytest.mark.skipif(
    not Path("/sys").is_dir(), reason="runs where /sys is: a folder that even root cannot write to"
)
def test_a_folder_that_is_read_only(cli: Folder) -> None:
    refused(cli("sync", "--db", "/sys/connector.db"), 4, "/sys/connector.db")
    refused(cli("init", "/sys/rules"), 2, "/sys/rules", "Name a folder that you may write to.")


def test_another_run_holds_the_lock(applied: Folder) -> None:
    applied.edit("workflows/qualification.yaml", "floor: -50 ", "floor: -40 ")
    with run_lock(applied.path / "connector.db", "run"):
        refused(applied("sync"), 5, "`connector run` (process ", "is at work on connector.db")
        refused(applied("outbox", "drop"), 5, "`connector run`")
        for verb in ("plan", "status", "doctor", "contacts", "check", "runs"):
            assert applied(verb).code == 0, verb
        waiting = applied.start("apply", "--yes")
        assert waiting.stderr is not None
        assert "waiting up to 60 s: `connector run` (process " in waiting.stderr.readline()
    assert finish(waiting).code == 0


# -- people --------------------------------------------------------------------------------------------


def test_ctrl_c_stops_a_backfill_and_a_later_one_goes_on(cli: Folder) -> None:
    portal = cli.portal
    assert portal is not None
    portal.faults([{"method": "GET", "path": CONTACTS, "skip": 1, "delay": 1.5}])
    process = cli.start("backfill", "contacts")
    while not any(entry["path"] == CONTACTS for entry in portal.journal()):
        assert process.poll() is None
    ran = stop(process, signal.SIGINT)
    assert ran.code == 130, ran
    assert "stopping after this batch" in ran.stderr
    assert "goes on from here" in ran.stderr
    assert [run["status"] for run in cli.json("runs")["items"]] == ["interrupted"]
    before = len(portal.journal())
    assert cli("backfill", "contacts").code == 0
    lists = [entry for entry in portal.journal()[before:] if entry["path"] == CONTACTS]
    assert ["after=" in entry["query"] for entry in lists] == [True] * 2, "the first page is not read again"
    assert cli.json("status")["summary"]["cached"]["contact"] == 150


# -- what stands in the CRM ----------------------------------------------------------------------------


def test_odd_contacts_are_kept_counted_and_listed(cli: Folder) -> None:
    portal = cli.portal
    assert portal is not None
    assert cli("provision").code == 0
    nameless, late, strange = 70_000_000_001, 70_000_000_002, 70_000_000_003
    at = portal.state()["now"] - 86_400_000
    portal.load(
        [
            PropertyDef("contacts", "list_origin", "List origin", "string", "text"),
            Object("contacts", nameless, {"firstname": "Zoé", "lifecyclestage": "lead"}, at, at),
            Object("contacts", late, {"email": "a@b.fr", "bant_timing": "bientôt"}, at, at),
            Object("contacts", strange, {"email": "c@d.fr", "lifecyclestage": "ambassadeur"}, at, at),
        ]
    )
    assert cli("backfill").code == 0
    assert cli("plan").code == 0
    assert cli("apply", "--yes").code == 0
    found = cli.json("status", "-v")
    summary, items = found["summary"], {(i["record"], i["property"]): i for i in found["items"]}
    assert summary["cached"]["contact"] == 153
    assert sum(summary["stages"].values()) == 153
    assert items[str(late), "bant_timing"]["value"] == "bientôt"
    assert items[str(strange), "lifecyclestage"]["value"] == "ambassadeur"
    assert (str(nameless), "email") in items
    assert summary["oddities"] == 1
    assert summary["unknown_stages"] == 1
    assert summary["without_email"] == sum(i["property"] == "email" for i in found["items"])
    text = cli("status", "-v").stdout
    assert f"contacts {late}: bant_timing `bientôt` is not a date" in text
    assert f"contacts {strange}: lifecyclestage `ambassadeur`" in text
    now = portal.record("contacts", strange)["properties"]
    assert now["lifecyclestage"] == "ambassadeur", "left alone"
    assert now["lq_stage"] == "contact"


def test_a_contact_without_a_modification_date_is_kept(cli: Folder) -> None:
    portal = cli.portal
    assert portal is not None
    at = portal.state()["now"] - 86_400_000
    portal.load([Object("contacts", 70_000_000_009, {"email": "z@z.fr"}, at, at)])
    page = {"results": [{"id": "70000000009", "properties": {"email": "z@z.fr"}}]}
    portal.faults([{"method": "GET", "path": CONTACTS, "status": 200, "body": page}])
    assert cli("backfill", "contacts").code == 0
    assert "70000000009: (modified)" in cli("status", "-v").stdout
    assert cli.json("explain", "z@z.fr")["summary"]["points"] == 0
