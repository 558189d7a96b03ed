"""``events``: how long the event log is kept (design section 4)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from trio_connector.settings.section import Section


class EventLogSettings(Section, frozen=True, kw_only=True, rename="camel"):
    """How long events are kept."""

    retention_days: Annotated[
        float, Meta(gt=0, description="Events older than this are removed once everybody has them, in days.")
    ] = 30
    retention_megabytes: Annotated[
        float, Meta(gt=0, description="The oldest events are removed when the log is larger than this, in megabytes.")
    ] = 1024
    remove_undelivered: Annotated[
        bool, Meta(description="Remove also what a subscriber has not got yet; it then misses those events.")
    ] = False
