"""Communications, notes and tasks: what becomes of one record, and what of it is never kept."""

from __future__ import annotations

import pytest
from engagement_reader import whole
from manual_clock import NOW
from test_sources import ANNE, activity

from connector.hubspot import objects
from connector.hubspot.transport import Transport
from connector.model import DAY, HOUR, iso
from connector.sandbox import Portal

SECRET = "Divorce en cours, ne pas rappeler avant mars."


@pytest.mark.parametrize(
    ("said", "channel"),
    [
        ({"hs_communication_channel_type": "WHATS_APP"}, "whatsapp"),
        ({"hs_communication_channel_type": "LINKEDIN_MESSAGE"}, "linkedin"),
        ({"hs_communication_channel_type": "SMS"}, "sms"),
        ({"hs_communication_channel_type": "CUSTOM_CHANNEL_CONVERSATION"}, "customchannelconversation"),
        ({}, None),
    ],
)
async def test_a_communication_tells_its_channel(
    portal: Portal, t: Transport, said: dict[str, str], channel: str | None
) -> None:
    portal.load(activity("communications", 31, [ANNE], hs_communication_body=SECRET, **said))
    [row] = (await whole("communications", t)).rows.values()
    assert (row.event, row.at, row.contact_id) == ("communication", NOW - DAY, str(ANNE))
    assert (row.attrs, row.label) == ({"channel": channel}, channel or "")


async def test_of_a_note_nothing_is_kept_but_that_it_was_written(portal: Portal, t: Transport) -> None:
    portal.load(activity("notes", 32, [ANNE], hs_note_body=SECRET))
    [row] = (await whole("notes", t)).rows.values()
    assert (row.event, row.at, row.attrs, row.label) == ("note", NOW - DAY, {}, "")
    assert not any("hs_note_body" in entry["query"] for entry in portal.journal())


async def test_a_task_is_of_the_day_on_which_it_was_made_and_then_of_that_on_which_it_was_done(
    portal: Portal, t: Transport
) -> None:
    due = {"hs_timestamp": iso(NOW + 9 * DAY), "hs_task_subject": "Relancer Anne", "hs_task_type": "CALL"}
    portal.load(activity("tasks", 33, [ANNE], hs_task_status="NOT_STARTED", hs_task_body=SECRET, **due))
    reader = await whole("tasks", t)
    [row] = reader.rows.values()
    assert (row.event, row.at, row.label) == ("task", NOW - DAY, "Relancer Anne")
    assert row.attrs == {"type": "call", "status": "NOT_STARTED"}
    done = {"hs_task_completion_date": iso(NOW + HOUR), "hs_task_status": "COMPLETED"}
    portal.advance(HOUR / 1000)
    portal.edit(33, done, kind="tasks")
    await reader.run(until=NOW + 2 * HOUR)
    [row] = reader.rows.values()
    assert (row.at, row.attrs["status"]) == (NOW + HOUR, "COMPLETED")
    assert SECRET not in str(reader.rows)


@pytest.mark.parametrize("when", ["at first", "later"])
async def test_our_own_tasks_are_no_act_of_anybody(portal: Portal, t: Transport, when: str) -> None:
    portal.load(activity("tasks", 33, [ANNE], hs_task_type="TODO", hs_task_body="Rappeler"))
    if when == "later":
        reader = await whole("tasks", t)
        portal.advance(60)
    marker = f"[connector 4711 {ANNE} 1 mql]"
    made = await objects.create_task(t, str(ANNE), objects.Task("New MQL", [marker], NOW + HOUR))
    laid_out = f"<p>Fait&nbsp;!</p><div>{marker.replace(' ', '&nbsp;')}</div>"
    portal.edit(made, {"hs_task_body": laid_out}, kind="tasks")
    if when == "later":
        await reader.run(until=NOW + 2 * HOUR)
    else:
        reader = await whole("tasks", t)
    assert ([row.id for row in reader.rows.values()], reader.skipped) == (["33"], 0)
