"""The properties that we make in the CRM."""

from __future__ import annotations

from pathlib import Path

from accounts import house, rules_in
from journey_diary import rules_of

from connector.hubspot import account
from connector.provision import properties


def test_ours_come_first_in_the_order_of_the_files_then_the_fields_to_provision(tmp_path: Path) -> None:
    made = {p.name: p for p in properties(rules_in(tmp_path))}
    assert list(made) == [
        *(
            "lq_score",
            "lq_fit",
            "lq_engagement",
            "lq_temperature",
            "lq_stage",
            "lq_why",
            "lq_epoch",
            "lq_rules",
        ),
        *("bant_budget_confirmed", "bant_authority_confirmed", "bant_need_confirmed", "bant_timing"),
        "sales_rejection_reason",
    ]
    assert {name: p.type for name, p in made.items() if name.startswith("lq_")} == {
        "lq_score": "number",
        "lq_fit": "number",
        "lq_engagement": "number",
        "lq_temperature": "enumeration",
        "lq_stage": "enumeration",
        "lq_why": "string",
        "lq_epoch": "datetime",
        "lq_rules": "string",
    }
    assert made["lq_stage"].options[0] == ("contact", "Contact")
    assert [value for value, _ in made["lq_stage"].options][-2:] == ["customer", "disqualified"]
    assert made["lq_temperature"].options == (("hot", "Hot"), ("warm", "Warm"), ("cold", "Cold"))
    assert made["bant_budget_confirmed"].options == (("true", "Yes"), ("false", "No"))
    assert made["bant_timing"].type == "date"
    assert ("not_now", "Not now") in made["sales_rejection_reason"].options


def test_where_rules_disqualify_our_stage_can_say_so(tmp_path: Path) -> None:
    made = {p.name: p for p in properties(rules_of(tmp_path))}
    assert made["lq_stage"].options[-1] == ("disqualified", "Disqualified")


async def test_the_crm_takes_them_and_has_them_the_second_time(tmp_path: Path) -> None:
    async with house(tmp_path, provisioned=False) as here:
        wanted = properties(here.rules)
        first = await account.provision(here.t, wanted)
        assert [(p.name, p.action) for p in first] == [(p.name, "made") for p in wanted]
        second = await account.provision(here.t, wanted)
        assert {p.action for p in second} == {"there"}
