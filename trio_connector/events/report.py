"""What operators see of a subscriber (design section 6, ``GET Subscribers``)."""

from __future__ import annotations

import msgspec

from trio_connector.events.model import Event


class AttemptReport(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One attempt to deliver one event."""

    position: int
    event_id: str
    namespace: str | None = None
    number: int
    at: str
    accepted: bool
    status: int | None = None
    reason: str = ""
    next_at: str | None = None


class GivenUpReport(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One event on the give-up list, with every refused attempt to deliver it, oldest first.

    ``event`` is absent when retention removed it.
    """

    position: int
    event_id: str
    given_up_at: str
    attempts: int
    reason: str
    event: Event | None = None
    history: tuple[AttemptReport, ...] = ()


class SubscriberState(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How one subscriber is doing.

    ``state`` is ``running``, ``waiting`` (for a retry), ``paused`` or ``stopped``. ``lag`` counts the events that are
    not done for it; events it does not want count until it has looked at them. ``replaying`` counts those of replays.
    ``attempts`` are the newest ones since the start, newest first.
    """

    name: str
    kind: str
    receiver: str
    patterns: tuple[str, ...]
    state: str
    position: int
    head: int
    lag: int
    replaying: int
    in_flight: int
    given_up: int
    next_attempt_at: str | None
    accepted_at: str | None
    attempts: tuple[AttemptReport, ...]
