"""Deals as events: a contact's deal entered a stage (HUBSPOT.md 5.9). Deals themselves come as records."""

from __future__ import annotations

from collections.abc import Sequence

from connector.hubspot import wire
from connector.hubspot.objects.records import PROPERTY_STAGE_ENTERED
from connector.model import Engagement, Record


def deal_engagement(record: Record, contact_ids: Sequence[str]) -> list[Engagement]:
    """`deal_stage` for each contact of a deal, at the moment it entered its present stage.

    attrs: pipeline, stage, probability (0 to 1), amount. The id holds deal and stage: the same stage told
    again is the same event. Where the CRM does not say when the stage was entered, the deal's last
    modification stands for it; a deal without any time gives nothing.
    """
    said = record.properties
    stage = said.get("dealstage")
    at = wire.moment(said.get(PROPERTY_STAGE_ENTERED)) or record.modified_at
    if stage is None or at is None:
        return []
    attrs = {
        "pipeline": said.get("pipeline"),
        "stage": stage,
        "probability": wire.number(said.get("hs_deal_stage_probability")),
        "amount": wire.number(said.get("amount")),
    }
    label = said.get("dealname") or ""
    return [
        Engagement("deals", f"{record.id}:{stage}", "deal_stage", at, contact, None, attrs, label)
        for contact in contact_ids
    ]
