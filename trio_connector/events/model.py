"""The vocabulary of the event log: what an event is, and what a sender says about an attempt to deliver it.

Pure. Owned here: the structs. Not here: storage (``store``), retry decisions (``events/retry.py``), transport
(``senders``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One entry of the event log (design section 6): committed together with the change it tells of.

    ``position`` grows by at least one from event to event and is never reused; ``id`` is the stable id of the event
    (``EVT`` plus 17 characters) and becomes ``webhook-id`` and AMQP ``message_id``. ``data`` is the DTO as JSON text;
    empty when the event carries none. ``entity`` names what the event is about (a relationship or peer id) and keys
    parallel lanes.
    """

    position: int
    id: str
    namespace: str
    occurred_at: str
    correlation_id: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"")
    entity: str | None = None


class NewEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as a use case hands it to a unit of work; the log adds position, id and time.

    ``data`` is the DTO (anything msgspec can encode, or prepared JSON as ``msgspec.Raw``), ``None`` for none.
    """

    namespace: str
    data: object = None
    entity: str | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one attempt to deliver one event.

    ``status`` is the receiver's status code, where it has one. ``reason`` says in a few words, without secrets, what
    went wrong; at most 512 characters are kept. ``permanent`` means that no later attempt can succeed (HTTP 410).
    ``away`` means that what the receiver depends on cannot be reached, which says nothing about the event: it is tried
    until that is back.
    """

    accepted: bool
    status: int | None = None
    reason: str = ""
    permanent: bool = False
    away: bool = False
    retry_after_seconds: float | None = None


class Sender(Protocol):
    """Moves events to one receiver. It decides nothing: retries, order and giving up belong to the subscriber."""

    max_batch: int
    """How many events one ``send`` may be given; 1 where the receiver takes one at a time."""

    async def send(self, events: Sequence[Event]) -> Sequence[Answer]:
        """Try to deliver ``events`` in order; one answer each, in the same order.

        Raises nothing for a receiver's failure: that is an answer. A cancellation leaves open whether the receiver
        has them, so they will be sent again.
        """
        ...
