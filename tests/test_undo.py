"""`plan --undo`: the way back to where a plan found its contacts; the CRM's own stage never goes back."""

from __future__ import annotations

from pathlib import Path

import pytest
from accounts import DAY, House, contact, form, house, rules_in, submission

from connector.errors import BadCommand
from connector.store import decisions, plans
from connector.undo import starts_before

ROWS = [
    form("demo-download"),
    contact(1, jobtitle="Directrice"),
    contact(2),
    submission("demo-download", "c1@acme.fr", 2 * DAY),
]
DEARER = {"workflows/qualification.yaml": [("            points: 25", "            points: 130")]}


def undo(h: House, plan: plans.PlanRow) -> plans.PlanRow:
    starts = starts_before(h.db, h.rules, plan, h.clock.now())
    return h.plan(only=sorted(starts), starts=starts)


async def test_a_plan_of_mistaken_rules_is_undone(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as h:
        await h.sync()
        right = h.rules
        h.rules = rules_in(tmp_path / "wrong", DEARER)
        mistake = h.plan()
        await h.apply(mistake)
        assert (h.held(1, "lq_stage"), h.held(1, "lq_score")) == ("mql", "130")

        h.rules = right
        back = undo(h, mistake)
        await h.apply(back)
        assert (h.held(1, "lq_stage"), h.held(1, "lq_score"), h.held(1, "lq_temperature")) == (
            "lead",
            "25",
            "cold",
        )
        assert h.held(1, "lifecyclestage") == "marketingqualifiedlead"  # the CRM's own is only moved forward
        last = decisions.transitions(h.db, "1")[-1]
        assert (last["from_stage"], last["to_stage"]) == ("mql", "lead")
        assert last["why"] == f"plan {mistake.id} was undone"

        again = await h.sync()
        assert again.plan.summary["changed"] == 0


async def test_the_way_back_is_a_preview_like_any_other(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as h:
        first = (await h.sync()).plan
        before = h.tables("plan", "plan_item")
        back = undo(h, first)
        assert h.tables("plan", "plan_item") == before
        assert back.status == "open"


async def test_a_plan_that_sent_nothing_has_no_way_back(tmp_path: Path) -> None:
    async with house(tmp_path, ROWS) as h:
        await h.sync()
        with pytest.raises(BadCommand, match="sent nothing"):
            undo(h, h.plan(everyone=True))


UNSAID = {
    "mappings/write_back.yaml": [
        ("    temperature: lq_temperature\n", ""),
        ("    stage:       lq_stage\n", ""),
    ]
}


async def test_without_a_stage_of_ours_in_the_crm_there_is_still_a_way_back(tmp_path: Path) -> None:
    """A line of write_back may be dropped: then the standing is not undone, the points are."""
    async with house(tmp_path, ROWS, edits=UNSAID) as h:
        await h.sync()
        right = h.rules
        h.rules = rules_in(tmp_path / "wrong", {**UNSAID, **DEARER})
        mistake = h.plan()
        await h.apply(mistake)
        h.rules = right
        await h.apply(undo(h, mistake))
        assert h.held(1, "lq_score") == "25"
