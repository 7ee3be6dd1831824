"""The account and our own properties in it, through the official client, against the sandbox."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from manual_clock import NOW, ManualClock

from connector import sandbox
from connector.errors import MissingScope, ServerFault, Unauthorised, Unreachable
from connector.hubspot import account
from connector.hubspot.transport import Transport
from connector.model import PropertyDef, Secret
from connector.sandbox import Portal, rows

SCORE = PropertyDef("lq_score", "Score", "number", "number")
HEAT = PropertyDef(
    "lq_temperature",
    "Temperature",
    "enumeration",
    "select",
    options=(("cold", "Cold"), ("warm", "Warm"), ("hot", "Hot")),
)
READING = ["crm.objects.contacts.read", "crm.objects.companies.read", "crm.objects.deals.read"]


@pytest.fixture
def peopled() -> Iterator[Portal]:
    """An account with owners, companies, deals."""
    with sandbox.start(contacts=20, seed=7, now=NOW) as running:
        yield running


@pytest.fixture
def p(peopled: Portal, clock: ManualClock) -> Transport:
    return Transport(peopled.url, Secret(peopled.token), clock)


async def test_the_account_says_who_it_is(portal: Portal, t: Transport) -> None:
    portal_id, ui_domain, time_zone = await account.details(t)
    assert portal_id == str(portal.state()["portalId"])
    assert (ui_domain, time_zone) == ("app-eu1.hubspot.com", "Europe/Paris")


async def test_schema_and_owners(peopled: Portal, p: Transport) -> None:
    async with p:
        found = await account.account(p)
        assert found.stage_order("lifecyclestage")[:4] == (
            "subscriber",
            "lead",
            "51439524",  # the account's own
            "marketingqualifiedlead",
        )
        email, merged = (found.properties["contacts"][n] for n in ("email", "hs_merged_object_ids"))
        assert (email.type, email.field_type, email.read_only) == ("string", "text", False)
        assert merged.read_only
        assert set(found.properties) == {"contacts", "companies", "deals"}
        assert len(found.owners) == peopled.counts["owners"] - 1  # one has left > 0
        assert all("@" in address for address in found.owners.values())
        assert p.requests == len(peopled.journal()) == 5


async def test_owners_come_in_pages(portal: Portal, t: Transport) -> None:
    portal.load(rows.Owner(41_000_000 + n, f"o{n}@example.fr", "Zoé", "Lefèvre") for n in range(130))
    found = await account.account(t, objects=["contacts"])
    assert len(found.owners) == 130


async def test_options_come_in_display_order(t: Transport) -> None:
    await account.provision(t, [HEAT])
    found = await account.account(t, objects=["contacts"])
    assert found.properties["contacts"]["lq_temperature"].options == HEAT.options


async def test_pipelines_know_their_stages(t: Transport) -> None:
    [default] = await account.pipelines(t)
    assert [(stage.id, stage.probability, stage.closed) for stage in default.stages][-2:] == [
        ("closedwon", 1.0, True),
        ("closedlost", 0.0, True),
    ]
    assert default.stages[0].id == "appointmentscheduled"


# -- provision -----------------------------------------------------------------------------------------


async def test_properties_are_made_once(portal: Portal, t: Transport) -> None:
    made = await account.provision(t, [SCORE, HEAT])
    assert [(one.name, one.action) for one in made] == [("lq_score", "made"), ("lq_temperature", "made")]
    there = await account.provision(t, [SCORE, HEAT])
    assert [one.action for one in there] == ["there", "there"]
    writes = [e["path"] for e in portal.journal() if e["method"] != "GET"]
    assert writes == ["/crm/v3/properties/contacts/groups", *["/crm/v3/properties/contacts"] * 2]
    assert dict(t.counts) == {"read": 3, "write": 3}


async def test_missing_options_are_added_and_the_others_kept(t: Transport) -> None:
    older = PropertyDef(
        HEAT.name, HEAT.label, HEAT.type, HEAT.field_type, options=(("hot", "Chaud"), ("tepid", "Tiède"))
    )
    await account.provision(t, [older])
    [one] = await account.provision(t, [HEAT])
    assert (one.action, one.said) == ("made", "options added: cold, warm")
    found = await account.account(t, objects=["contacts"])
    assert found.properties["contacts"][HEAT.name].options == (
        ("hot", "Chaud"),
        ("tepid", "Tiède"),
        ("cold", "Cold"),
        ("warm", "Warm"),
    )


async def test_another_type_is_left_as_it_is(t: Transport) -> None:
    await account.provision(t, [PropertyDef("lq_score", "Ours", "string", "text")])
    [one] = await account.provision(t, [SCORE])
    assert one.action == "differs"
    assert "of type string, not number" in one.said
    found = await account.account(t, objects=["contacts"])
    assert found.properties["contacts"]["lq_score"].type == "string"


async def test_a_computed_property_of_the_name_differs(t: Transport) -> None:
    [one] = await account.provision(t, [PropertyDef("hs_analytics_num_visits", "Visits", "number", "number")])
    assert (one.action, "read-only" in one.said) == ("differs", True)


async def test_one_made_by_somebody_in_between_is_there(portal: Portal, t: Transport) -> None:
    await account.provision(t, [SCORE])
    nothing_yet = {"results": []}
    portal.faults([{"method": "GET", "path": "/properties/contacts", "status": 200, "body": nothing_yet}])
    [one] = await account.provision(t, [SCORE])
    assert one.action == "there"


async def test_without_the_scope_it_says_what_to_make_by_hand(portal: Portal, t: Transport) -> None:
    portal.grant([*READING, "crm.objects.contacts.write"])
    with pytest.raises(MissingScope, match=r"crm\.schemas\.contacts\.write") as raised:
        await account.provision(t, [SCORE, HEAT])
    assert "lq_score (number), lq_temperature (enumeration)" in raised.value.fix
    assert raised.value.scopes == ("crm.schemas.contacts.write",)


# -- what the official client meets --------------------------------------------------------------------


async def test_owners_are_no_reason_to_stop(portal: Portal, t: Transport) -> None:
    portal.grant(READING)
    assert (await account.account(t)).owners == {}


async def test_without_the_scope_of_companies_the_rest_is_known(portal: Portal, t: Transport) -> None:
    portal.grant(["crm.objects.contacts.read", "crm.objects.owners.read"])
    assert set((await account.account(t)).properties) == {"contacts"}


async def test_without_the_scope_of_contacts_it_stops(portal: Portal, t: Transport) -> None:
    portal.grant(["crm.objects.companies.read", "crm.objects.owners.read"])
    with pytest.raises(MissingScope):
        await account.account(t, objects=["contacts", "deals"])


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 502, "html": True},
        {"status": 429, "headers": {"Retry-After": "1"}},
        {"cut": "before"},
        {"truncate": True},
    ],
)
async def test_passing_faults_are_repeated_by_our_policy_alone(
    portal: Portal, t: Transport, fault: dict[str, object]
) -> None:
    portal.faults([{"path": "/crm/v3/pipelines", "times": 2, **fault}])
    assert [pipeline.id for pipeline in await account.pipelines(t)] == ["default"]
    assert t.requests == len(portal.journal()) == 3


async def test_lasting_faults_end_after_six(portal: Portal, t: Transport) -> None:
    portal.faults([{"path": "/crm/v3/pipelines", "times": 20, "status": 503}])
    with pytest.raises(ServerFault, match="GET /crm/v3/pipelines/deals: 503"):
        await account.pipelines(t)
    assert t.requests == len(portal.journal()) == 6


async def test_a_creation_whose_answer_is_lost_is_not_repeated(portal: Portal, t: Transport) -> None:
    portal.faults([{"method": "POST", "path": "/properties/contacts", "skip": 1, "cut": "after"}])
    with pytest.raises(Unreachable):
        await account.provision(t, [SCORE])
    [one] = await account.provision(t, [SCORE])
    assert one.action == "there"


async def test_a_wrong_token_stops_and_is_not_shown(portal: Portal, clock: ManualClock) -> None:
    async with Transport(portal.url, Secret("pat-wrong-secret"), clock) as t:
        with pytest.raises(Unauthorised) as raised:
            await account.pipelines(t)
    assert "pat-wrong-secret" not in f"{raised.value} {raised.value.fix}"
    assert "pat-wrong-secret" not in repr(raised.value.__context__)


async def test_nobody_there_is_unreachable(clock: ManualClock) -> None:
    with sandbox.start(now=NOW) as gone:
        url = gone.url
    async with Transport(url, Secret("pat-x"), clock) as t:
        with pytest.raises(Unreachable, match="did not answer") as raised:
            await account.pipelines(t)
        assert "pat-x" not in str(raised.value)
        assert t.requests == 6
