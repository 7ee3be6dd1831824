"""The hand-off against an account: what is pulled for it, what people are told, what a new cache knows."""

from __future__ import annotations

from pathlib import Path

from accounts import DAY, NOW, QUIET, WORKFLOW, House, beside, contact, form, house, submission

from connector import report
from connector.explain import explain
from connector.model import HOUR, iso
from connector.sandbox.rows import Link, Object
from connector.store import decisions, handoffs

UNSIGNALLED = {
    "mappings/signals.yaml": [("    - {event: sales_email, where: {direction: {is: outbound}}}\n", "")],
}
NO_HAND_OFF = {**UNSIGNALLED, WORKFLOW: [QUIET]}
SQL_IN_FOUR_HOURS = {
    **UNSIGNALLED,
    WORKFLOW: [
        QUIET,
        (
            "        - sales_set: sql\n",
            "        - sales_set: sql\n    sla: {first_touch: 4h, calendar: business}\n",
        ),
        (
            "overrides: {sales_wins: true, hold: 90d}",
            "overrides: {sales_wins: true, hold: 90d}\n"
            'calendar: {business: {days: [mon, tue, wed, thu, fri], hours: "09:00-18:00"}}',
        ),
    ],
}
QUOTE = (form("devis"), submission("devis", "c100@acme.fr", 0))  # at ten in Paris, on a Monday
NEW = contact(100, age=HOUR, hubspot_owner_id="7")


def letter(id: int, at: int, **said: str) -> list[Object | Link]:
    values = {"hs_timestamp": str(at), "hs_email_direction": "EMAIL", "hs_email_status": "SENT", **said}
    return [Object("emails", id, values, at, at), Link("emails", id, "contacts", 100)]


async def wait(here: House, hours: float) -> None:
    here.seconds(hours * 3600)
    await here.sync()


async def test_what_sales_writes_is_read_though_no_signal_is_made_of_it(tmp_path: Path) -> None:
    async with house(tmp_path, [NEW, *QUOTE], edits=SQL_IN_FOUR_HOURS) as here:
        await here.sync()
        [offered] = handoffs.of(here.db, ["100"])["100"]
        assert (offered.stage, offered.owner, offered.state) == ("sql", "7", "offered")
        assert offered.due_at == NOW + 4 * HOUR
        here.portal.load(letter(1, NOW + HOUR // 2, hs_sequence_id="3"))
        await wait(here, 1)
        assert handoffs.of(here.db, ["100"])["100"] == (offered,)
        here.portal.load(letter(2, NOW + 3 * HOUR // 2))
        await wait(here, 1)
        [taken] = handoffs.of(here.db, ["100"])["100"]
        assert (taken.state, taken.first_touch_at) == ("accepted", NOW + 3 * HOUR // 2)
        await wait(here, 24)
        assert handoffs.of(here.db, ["100"])["100"] == (taken,)


async def test_without_a_hand_off_in_the_rules_the_letters_of_sales_are_not_read(tmp_path: Path) -> None:
    async with house(tmp_path, [NEW, *QUOTE, *letter(1, NOW)], edits=NO_HAND_OFF) as here:
        await here.sync()
        assert handoffs.of(here.db, ["100"]) == {}
        assert not [r for r in here.requests() if "emails" in r["path"]]


async def test_a_breach_is_found_by_the_clock_and_told(tmp_path: Path) -> None:
    async with house(tmp_path, [NEW, contact(101), *QUOTE], edits=SQL_IN_FOUR_HOURS) as here:
        await here.sync()
        here.seconds(4 * 3600)
        assert decisions.to_judge(here.db, here.clock.now()) == ["100"]
        await here.sync()
        now = here.clock.now()
        [late] = handoffs.of(here.db, ["100"])["100"]
        assert late.breached_at == NOW + 4 * HOUR

        figures = report.status(here.db, here.rules, now)[0]["handoffs"]
        assert {n: figures[n] for n in ("open", "breached", "offered", "late", "timed")} == {
            **{"open": 1, "breached": 1, "offered": 1, "late": 1, "timed": 0}
        }
        assert figures["buyer_wait"] == {"median": None, "p90": None}
        found, [row] = report.contacts(here.db, here.rules, now, breached=True)
        assert (found, row["contact"], row["handoff"]["breached_at"]) == (1, "100", iso(NOW + 4 * HOUR))

        here.portal.load(letter(1, NOW + 5 * HOUR))
        await wait(here, 2)
        assert report.contacts(here.db, here.rules, here.clock.now(), breached=True) == (0, [])
        [told] = explain(here.db, here.rules, "100", here.clock.now()).summary["handoffs"]
        assert (told["state"], told["breached_at"], told["why"]) == (
            "accepted",
            iso(NOW + 4 * HOUR),
            "first touch",
        )
        assert (told["buyer_wait"], told["rep_response"]) == (5 * 3600, 5 * 3600)
        figures = report.status(here.db, here.rules, here.clock.now())[0]["handoffs"]
        assert (figures["breached"], figures["late"], figures["accepted"]) == (0, 1, 1)
        assert figures["rep_response"] == {"median": 5 * 3600, "p90": 5 * 3600}
        assert report.status(here.db, None, here.clock.now())[0]["handoffs"]["rep_response"]["p90"] is None


async def test_a_new_cache_asks_nobody_a_second_time_and_writes_nothing(tmp_path: Path) -> None:
    async with house(tmp_path, [NEW, *QUOTE], edits=SQL_IN_FOUR_HOURS) as here:
        await here.sync()
        assert handoffs.count_open(here.db, NOW) == (1, 0)
        here.requests()
        async with beside(here.portal, here.rules, tmp_path / "new.db") as new:
            synced = await new.sync()
            assert synced.plan.summary["changed"] == 0
            assert decisions.standings(new.db, ["100"])["100"].stage == "sql"
            assert handoffs.of(new.db, ["100"]) == {}
            assert here.writes() == []
            new.seconds(2 * DAY / 1000)
            await new.sync()
            assert handoffs.of(new.db, ["100"]) == {}


async def test_what_was_offered_is_in_the_plan_and_stored_when_it_is_accepted(tmp_path: Path) -> None:
    async with house(tmp_path, [NEW, *QUOTE], edits=SQL_IN_FOUR_HOURS) as here:
        await here.pull()
        plan = here.plan()
        assert here.plan().id == plan.id
        assert handoffs.of(here.db, ["100"]) == {}
        here.accept(plan)
        [one] = handoffs.of(here.db, ["100"])["100"]
        assert (one.journey, one.told_at, one.under_way) == (1, NOW, False)
