"""Webinars, messages, notes and tasks from the account to the points: told late, of people who merge, of
people not known yet, by a key that may not read them; and nothing that was written here counts."""

from __future__ import annotations

from pathlib import Path

from accounts import DAY, NOW, QUIET, WORKFLOW, Edits, House, contact, form, house, submission
from command_line import Folder

from connector import report
from connector.explain import explain
from connector.sandbox.rows import Link, MarketingEvent, Object, Owner, Participation, PropertyDef, Row
from connector.sandbox.state import SCOPES

HOUR = 3_600
WEBINAR = 30_000_000_001
SIGNALS = """signals:
  webinar_attended:
    event: marketing_event
    where: {all: [{name: {matches: ["webinaire*"]}}, {state: {is: ATTENDED}}]}
  webinar_registered: {event: marketing_event, where: {state: {in: [REGISTERED, NO_SHOW]}}}
  chatted: {event: communication, where: {channel: {in: [whatsapp, linkedin]}}}
  noted: {event: note}
  planned: {event: task, where: {type: {is: todo}}}
"""
POINTS = {
    "webinar_attended": ("Webinar attended", 30),
    "webinar_registered": ("Signed up", 10),
    "chatted": ("Message", 4),
    "noted": ("Note", 2),
    "planned": ("Task", 1),
}
RULES = "".join(
    f'          - {{id: p_{kind}, label: {{fr: "{said}", en: "{said}"}}, signal: {kind}, points: {points}}}\n'
    for kind, (said, points) in POINTS.items()
)
EDITS: Edits = {
    "mappings/signals.yaml": [("signals:\n", SIGNALS)],
    WORKFLOW: [("          # at_most 3", f"{RULES}          # at_most 3")],
}


def webinar(*took_part: Participation) -> list[Row]:
    start = NOW - 2 * DAY
    made = MarketingEvent(WEBINAR, "Webinaire RGPD", start, start, NOW - 60 * DAY)
    return [contact(101), contact(102), made, *took_part]


def state(id: int, said: str, at: int = NOW - 2 * DAY) -> Participation:
    return Participation(WEBINAR, id, said, at, NOW - 9 * DAY)


def about(kind: str, id: int, **said: str) -> list[Row]:
    at = NOW - DAY
    made = Object(kind, id, {"hs_timestamp": str(at), **said}, at, at)
    return [made, Link(kind, id, "contacts", 101)]


def points(here: House, id: int) -> list[tuple[str, float]]:
    found = explain(here.db, here.rules, str(id), here.clock.now())
    return [(line["label"], line["points"]) for line in found.items]


def kept(folder: Path) -> bytes:
    """The cache and its write-ahead log."""
    return b"".join(file.read_bytes() for file in folder.glob("connector.db*"))


async def test_who_attended_gets_points_and_explain_tells_them(tmp_path: Path) -> None:
    rows = webinar(state(101, "ATTENDED"), state(102, "REGISTERED", NOW - 9 * DAY))
    async with house(tmp_path, rows, edits=EDITS) as here:
        await here.sync()
        assert here.held(101, "lq_score") == "30"
        assert points(here, 101) == [("Webinar attended", 30.0)]
        found = explain(here.db, here.rules, "101", NOW)
        [signal] = found.items[0]["signals"]
        assert (signal["label"], signal["at"], signal["counted"]) == (
            "Webinaire RGPD",
            "2026-11-14T09:00:00Z",
            True,
        )
        assert points(here, 102) == [("Signed up", 10.0)]


async def test_who_attended_after_all_is_not_counted_as_registered_too(tmp_path: Path) -> None:
    async with house(tmp_path, webinar(state(101, "NO_SHOW")), edits=EDITS) as here:
        await here.sync()
        assert points(here, 101) == [("Signed up", 10.0)]
        here.portal.load([state(101, "ATTENDED")])  # a list that was handed in late
        here.seconds(HOUR)
        await here.sync()
        assert points(here, 101) == [("Webinar attended", 30.0)]


async def test_what_no_counter_shows_comes_with_the_second_look(tmp_path: Path) -> None:
    async with house(tmp_path, webinar(state(101, "ATTENDED"), state(102, "CANCELLED")), edits=EDITS) as here:
        await here.sync()
        here.portal.load([state(101, "CANCELLED", NOW), state(102, "ATTENDED", NOW)])
        here.seconds(HOUR)
        await here.sync()
        assert points(here, 102) == []
        here.seconds(6 * HOUR)
        await here.sync()
        assert (points(here, 101), points(here, 102)) == ([], [("Webinar attended", 30.0)])


async def test_a_merge_leaves_one_who_attended_once(tmp_path: Path) -> None:
    async with house(tmp_path, webinar(state(101, "ATTENDED")), edits=EDITS) as here:
        await here.sync()
        new = here.portal.merge(101, 102)
        for hours in (1, 7, 1):
            here.seconds(hours * HOUR)
            await here.sync()
        assert points(here, new) == [("Webinar attended", 30.0)]
        assert here.rows("SELECT DISTINCT contact_id FROM engagement") == [{"contact_id": str(new)}]


async def test_somebody_whom_the_search_does_not_show_yet_gets_it_later(tmp_path: Path) -> None:
    async with house(tmp_path, webinar(), edits=EDITS) as here:
        await here.sync()
        here.seconds(60)
        here.portal.lag(600)
        new = here.portal.create("contacts", {"email": "neu@acme.fr"})
        here.portal.load([state(new, "ATTENDED")])
        here.seconds(60)
        await here.sync()
        assert here.rows("SELECT id FROM contact WHERE id = ?", str(new)) == []
        here.seconds(HOUR)
        await here.sync()
        assert points(here, new) == [("Webinar attended", 30.0)]


async def test_a_key_that_may_not_read_webinars_reads_all_the_rest(tmp_path: Path) -> None:
    rows = [*webinar(state(101, "ATTENDED")), *about("notes", 51, hs_note_body="Secret")]
    async with house(tmp_path, rows, edits=EDITS) as here:
        here.portal.grant(set(SCOPES) - {"crm.objects.marketing_events.read"})
        done = await here.sync()
        assert list(done.pulled.absent) == ["marketing_events"]
        assert "crm.objects.marketing_events.read" in done.pulled.absent["marketing_events"]
        assert points(here, 101) == [("Note", 2.0)]
        here.portal.grant(SCOPES)
        here.seconds(HOUR)
        done = await here.sync()
        assert done.pulled.absent == {}
        assert points(here, 101) == [("Webinar attended", 30.0), ("Note", 2.0)]


async def test_messages_notes_and_tasks_count_and_no_word_of_them_is_kept(tmp_path: Path) -> None:
    rows = [
        *webinar(),
        *about("communications", 51, hs_communication_channel_type="WHATS_APP", hs_communication_body="Chut"),
        *about("communications", 52, hs_communication_channel_type="SMS", hs_communication_body="Chut"),
        *about("notes", 53, hs_note_body="Chut"),
        *about("tasks", 54, hs_task_type="TODO", hs_task_body="Chut", hs_task_status="NOT_STARTED"),
    ]
    async with house(tmp_path, rows, edits=EDITS) as here:
        await here.sync()
        assert points(here, 101) == [("Message", 4.0), ("Note", 2.0), ("Task", 1.0)]
        assert b"Chut" not in kept(tmp_path)
        here.portal.archive(53, "notes")
        for _ in range(3):  # a day: whatever is known is asked for once
            here.seconds(12 * HOUR)
            await here.sync()
        assert points(here, 101) == [("Message", 4.0), ("Task", 1.0)]


async def test_they_are_read_only_where_the_mapping_names_them(tmp_path: Path) -> None:
    async with house(tmp_path, webinar(state(101, "ATTENDED"))) as here:
        await here.sync()
        paths = {request["path"] for request in here.requests()}
        words = ("marketing-events", "communications", "notes", "tasks/")
        assert not [path for path in paths if any(word in path for word in words)]


async def test_a_task_that_was_made_here_is_no_signal(tmp_path: Path) -> None:
    """A hand-off makes a task; counting tasks, it would feed on itself."""
    told = {
        **EDITS,
        WORKFLOW: [
            QUIET,
            *EDITS[WORKFLOW],
            ("        - meeting_request\n", "        - meeting_request\n    notify: [boss]\n"),
            (
                "overrides: {sales_wins: true, hold: 90d}\n",
                "overrides: {sales_wins: true, hold: 90d}\n"
                'notify: {boss: {task: {to: owner, fallback: "sales@acme.fr", subject: "x", due: 4h}}}\n',
            ),
        ],
    }
    rows = [*webinar(), form("newsletter"), Owner(7, "sales@acme.fr", "Zoé", "Dupont")]
    async with house(tmp_path, rows, edits=told) as here:
        await here.sync()
        here.seconds(60)
        here.portal.happen([submission("newsletter", "c101@acme.fr", -60_000)])
        here.seconds(60)
        done = await here.sync()
        assert done.sent is not None
        assert (done.sent.actions, here.portal.counts["tasks"]) == (1, 1)
        for _ in range(3):
            here.seconds(HOUR)
            again = await here.sync()
            assert (again.plan.status, again.plan.summary["judged"]) == ("empty", 0)
        assert here.rows("SELECT * FROM engagement WHERE source = 'tasks'") == []


async def test_a_subscription_of_one_kind_of_mail_is_a_field_like_any_other(tmp_path: Path) -> None:
    """There is no feed of it: the CRM shows its state on the contact."""
    property = "hs_email_optout_2849"
    edits: Edits = {
        "mappings/fields.yaml": [
            ("    opted_out:", f"    letter_left: {{property: {property}, type: bool}}\n    opted_out:")
        ],
        WORKFLOW: [
            (
                "          - id: decision_maker\n",
                '          - {id: letter, label: {fr: "Lettre", en: "Left the letter"}, '
                "when: {letter_left: {is: true}}, points: 7}\n          - id: decision_maker\n",
            )
        ],
    }
    rows = [
        PropertyDef("contacts", property, "Opted out: lettre", "bool", "booleancheckbox"),
        contact(101, **{property: "true"}),
        contact(102),
    ]
    async with house(tmp_path, rows, edits=edits) as here:
        await here.sync()
        assert points(here, 101) == [("Left the letter", 7.0)]
        assert points(here, 102) == []


async def test_status_names_each_source(tmp_path: Path) -> None:
    async with house(tmp_path, webinar(state(101, "ATTENDED")), edits=EDITS) as here:
        await here.sync()
        summary, _ = report.status(here.db, here.rules, NOW)
        states = {one["source"]: one["state"] for one in summary["sources"]}
        ours = ("marketing_events", "communications", "notes", "tasks")
        assert [states[name] for name in ours] == ["ok"] * 4


def test_the_command_line_from_the_webinar_to_the_points(cli: Folder) -> None:
    for file, changes in EDITS.items():
        for old, new in changes:
            cli.edit(file, old, new)
    assert cli.portal is not None
    found = cli.portal.account.participations.some("state = 'ATTENDED' and event = 30000000303", (), 0, 1)
    who = cli.portal.record("contacts", found[0].contact)["properties"]["email"]
    assert cli("provision").code == 0
    assert cli.json("pull")["summary"]["absent"] == {}
    told = cli("explain", who, "-v")
    assert told.code == 0, told.stderr
    assert "Webinar attended" in told.stdout
    assert "Webinaire RGPD : un an après" in told.stdout
    sources = {one["source"]: one["state"] for one in cli.json("status")["summary"]["sources"]}
    assert sources["marketing_events"] == "ok"
