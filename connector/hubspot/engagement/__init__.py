"""What contacts did, from every source behind one shape (`source.Source`)."""

from __future__ import annotations

from connector.hubspot.engagement.activity_kinds import ACTIVITIES
from connector.hubspot.engagement.deals import deal_engagement
from connector.hubspot.engagement.email_events import EmailEvents
from connector.hubspot.engagement.forms import Forms
from connector.hubspot.engagement.lists import Lists
from connector.hubspot.engagement.marketing_events import MarketingEvents
from connector.hubspot.engagement.page_views import PageViews
from connector.hubspot.engagement.source import OVERLAP, EngagementPage, Source, Wanted

SOURCES: tuple[Source, ...] = (
    Forms(),
    EmailEvents(),
    PageViews(),
    *ACTIVITIES,
    Lists(),
    MarketingEvents(),
)

__all__ = ["ACTIVITIES", "OVERLAP", "SOURCES", "EngagementPage", "Source", "Wanted", "deal_engagement"]
