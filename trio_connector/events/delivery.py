"""How a subscriber delivers, and what a module asks the daemon to run: settings and specification (design section 4).

Pure. Owned here: the settings an operator writes under ``delivery`` of a webhook target or broker, and the
specification of one subscriber. Not here: the decision about one attempt (``events/retry.py``) and the loop
(``events/subscriber.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Annotated

import msgspec

from trio_connector.events.model import Sender

DEFAULT_SCHEDULE_SECONDS = (5.0, 30.0, 120.0, 600.0, 3600.0, 10800.0, 21600.0, 43200.0)
"""When a refused delivery is tried again: 5 s, 30 s, 2 min, 10 min, 1 h, 3 h, 6 h, 12 h after the attempt before."""

BROKER_SCHEDULE_SECONDS = (1.0, 2.0, 5.0, 10.0)
"""A broker that is away says nothing about the event: it is tried every ten seconds until it is back."""

Seconds = Annotated[float, msgspec.Meta(ge=0, le=604800)]


class DeliverySettings(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """How events go to one receiver. All times in seconds."""

    timeout_seconds: Annotated[float, msgspec.Meta(gt=0, le=600, description="Total time of one attempt.")] = 15.0
    retry_schedule_seconds: Annotated[
        tuple[Seconds, ...], msgspec.Meta(max_length=100, description="Pauses before the second, third, ... attempt.")
    ] = DEFAULT_SCHEDULE_SECONDS
    keep_trying: Annotated[
        bool, msgspec.Meta(description="Repeat the last pause of the schedule for ever instead of giving up.")
    ] = False
    jitter: Annotated[
        float, msgspec.Meta(ge=0, le=1, description="Up to this fraction of a pause is added to it at random.")
    ] = 0.1
    retry_after_limit_seconds: Annotated[
        Seconds, msgspec.Meta(description="The longest pause a receiver can ask for with Retry-After.")
    ] = 43200.0
    lanes: Annotated[int, msgspec.Meta(ge=1, le=64, description="Parallel lanes, keyed by what an event is about.")] = 1
    ordered: Annotated[
        bool, msgspec.Meta(description="While one event waits for its retry, later ones of its lane wait with it.")
    ] = True


DEFAULT_DELIVERY = DeliverySettings()
"""The default of webhooks."""

BROKER_DELIVERY = DeliverySettings(retry_schedule_seconds=BROKER_SCHEDULE_SECONDS, keep_trying=True)
"""The default of brokers."""

OpenSender = Callable[[], AbstractAsyncContextManager[Sender]]


@dataclass(frozen=True)
class SubscriberSpec:
    """One subscriber as a module's configuration asks for it; the daemon turns it into a running one.

    ``name`` is stable over restarts and over reordering of the configuration, unique among all subscribers, and made
    of characters that need no escaping in a URL path, except ``*``. An event is delivered when its namespace matches
    one of ``patterns`` (connector spec section 9), once.

    ``open_sender`` is entered once by the subscriber's own task and left when the subscriber ends. It connects lazily
    or in the background: a receiver that is away makes ``send`` answer so, it never makes opening fail.

    ``pace_seconds`` > 0 collects: at most one ``send`` per that time, with all events that came meanwhile (up to the
    sender's ``max_batch``); the first after that time from the start. A refused batch goes together with what came
    meanwhile.
    """

    name: str
    patterns: tuple[str, ...]
    open_sender: OpenSender = field(repr=False)
    delivery: DeliverySettings = DEFAULT_DELIVERY
    kind: str = "module"
    """``webhook``, ``webhookV1``, ``amqp``, ``mqtt``, ``redis``, ``pubSub`` or ``module``: for people and metrics."""
    receiver: str = ""
    """Where events go, for people: a URL without user, password and query."""
    pace_seconds: float = 0.0
