"""``delivery`` of a webhook target or a broker, and the event log's own options (design section 4)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from .section import Section


class DeliverySettings(Section, frozen=True, kw_only=True, rename="camel"):
    """How hard, how fast and in which order one receiver is served."""

    retry_after_seconds: Annotated[
        tuple[Annotated[float, Meta(ge=0)], ...],
        Meta(
            max_length=100,
            description="Pauses before the second, third, ... attempt, in seconds; "
            "after the last one the event is given up. `[]` means one attempt.",
        ),
    ] = (5, 30, 120, 600, 3600, 10_800, 21_600, 43_200)
    jitter: Annotated[
        float,
        Meta(ge=0, le=1, description="Each pause is lengthened by a random part of up to this fraction of it."),
    ] = 0.1
    max_retry_after_seconds: Annotated[
        float, Meta(ge=0, description="Longest pause that a receiver may ask for by `Retry-After`, in seconds.")
    ] = 43_200
    timeout_seconds: Annotated[
        float, Meta(gt=0, le=600, description="Longest time one attempt may take in total, in seconds.")
    ] = 15
    lanes: Annotated[
        int,
        Meta(
            ge=1,
            le=64,
            description="Parallel lanes; events of one relationship or peer stay in one lane and so in order.",
        ),
    ] = 1
    ordered: Annotated[
        bool,
        Meta(description="Let later events wait while one waits for its retry. `false`: deliver them meanwhile."),
    ] = True


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
