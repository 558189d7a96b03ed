"""Who is told of events, how everybody is doing, and what can be done about it (design sections 4 and 6).

To look at a subscriber takes ``events:read`` or ``events:operate``; its give-up list shows events, so it takes
``events:read``; to change something takes ``events:operate``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from trio_connector.api.answer import Answer
from trio_connector.api.call import Call
from trio_connector.api.routes.events import MAX_POSITION, limit_of, only_known, position_of, shown_event
from trio_connector.api.routing import Kind, Route
from trio_connector.errors import ConnectorError, ValidationFailed, runtime_record_not_found
from trio_connector.events.bus import EventBus
from trio_connector.events.delivery import DeliverySettings
from trio_connector.events.given_up import given_up_ranges
from trio_connector.events.report import GivenUpReport, SubscriberState
from trio_connector.events.subscriber import Subscriber, TooManyReplays, UnknownEvent
from trio_connector.usecases.validation.schema import Boolean, ListOf, Number, Shape, any_of
from trio_connector.usecases.validation.types import NUMBER, TEXT

OPERATE_ROLE: Final = "events:operate"
MAX_IDS: Final = 1000

_BY_IDS: Final = Shape({"ids": ListOf(TEXT, min_items=1)})
_BY_RANGE: Final = Shape({"after": Number(minimum=0), "until?": Number(minimum=0)})
_ALL_GIVEN_UP: Final = Shape({"givenUp": Boolean(only=True)})
_REPLAY: Final = any_of(_BY_IDS, _BY_RANGE, _ALL_GIVEN_UP)
_PAGE: Final = {"after": NUMBER, "limit": NUMBER}


class SubscriberDTO(SubscriberState, frozen=True, kw_only=True, rename="camel"):
    """How one subscriber is doing, and how it delivers. ``behind`` is what the log warned about."""

    behind: bool
    delivery: dict[str, Any]


async def subscriber_dto(subscriber: Subscriber, bus: EventBus) -> SubscriberDTO:
    """What operators see of ``subscriber``."""
    attempts = await subscriber.last_attempts()
    state = {**msgspec.structs.asdict(subscriber.state()), "attempts": attempts}
    return SubscriberDTO(
        **state, behind=subscriber.name in bus.behind, delivery=_shown_delivery(subscriber.spec.delivery)
    )


def _shown_delivery(delivery: DeliverySettings) -> dict[str, Any]:
    """All settings, those with their default value too."""
    return {field.encode_name: getattr(delivery, field.name) for field in msgspec.structs.fields(delivery)}


def looking_routes(bus: EventBus) -> tuple[Route, ...]:
    """How everybody who listens is doing."""

    async def list_all(call: Call) -> Answer:
        return call.result([await subscriber_dto(subscriber, bus) for subscriber in bus.subscribers.values()])

    async def get(call: Call) -> Answer:
        return call.result(await subscriber_dto(_named(bus, call), bus))

    return (
        Route("GET", "", list_all, "Everybody who listens to events.", Kind.LIST, result="Subscriber"),
        Route("GET", "{name}", get, "One subscriber.", result="Subscriber"),
    )


def given_up_routes(bus: EventBus) -> tuple[Route, ...]:
    """What somebody did not get."""

    async def given_up(call: Call) -> Answer:
        subscriber = _named(bus, call)
        only_known(call.query, *_PAGE)
        after = position_of(call.query, "after") or 0
        return call.result(_shown_given_up(await subscriber.given_up_events(after, limit_of(call.query))))

    return (
        Route(
            "GET",
            "{name}/GivenUp",
            given_up,
            "Events that a subscriber is not tried with any more.",
            Kind.LIST,
            query=_PAGE,
            result="GivenUpEvent",
        ),
    )


def operating_routes(bus: EventBus) -> tuple[Route, ...]:
    """What can be done about it."""

    async def replay(call: Call) -> Answer:
        subscriber = _named(bus, call)
        try:
            await _replay(subscriber, call)
        except UnknownEvent as error:
            raise runtime_record_not_found("Event") from error
        except TooManyReplays as error:
            raise ConnectorError(
                "error.connector.events.tooManyReplays",
                f"{error}. Wait until some are done, or give one range instead of many events.".capitalize(),
            ) from error
        return call.nothing()

    async def pause(call: Call) -> Answer:
        subscriber = _named(bus, call)
        await subscriber.pause()
        return call.result(await subscriber_dto(subscriber, bus))

    async def resume(call: Call) -> Answer:
        subscriber = _named(bus, call)
        await subscriber.resume()
        return call.result(await subscriber_dto(subscriber, bus))

    return (
        Route(
            "POST",
            "{name}/Replay",
            replay,
            "Deliver events once more: by their ids, all after one position (up to another), or all that were given "
            "up.",
            Kind.NOTHING,
            204,
            changes=True,
            body=_REPLAY,
        ),
        Route("PUT", "{name}/Pause", pause, "Make no further attempt.", changes=True, result="Subscriber"),
        Route("PUT", "{name}/Resume", resume, "Go on.", changes=True, result="Subscriber"),
    )


def _named(bus: EventBus, call: Call) -> Subscriber:
    subscriber = bus.subscribers.get(call.path["name"])
    if subscriber is None:
        raise runtime_record_not_found("Subscriber")
    return subscriber


async def _replay(subscriber: Subscriber, call: Call) -> None:
    log = call.services.store.events
    body = call.body
    # The branch that was meant says what is wrong with it.
    meant = _BY_RANGE if "after" in body or "until" in body else _ALL_GIVEN_UP if "givenUp" in body else _BY_IDS
    if found := meant.violation(body):
        raise ValidationFailed(found.message)
    if "ids" in body:
        if len(body["ids"]) > MAX_IDS:
            raise ValidationFailed(f"ids must NOT have more than {MAX_IDS} items")
        await subscriber.replay_events(body["ids"])
        return
    if "after" in body:
        after, until = _range(body, log.head)
        ranges = [(after, until)] if after < until else []
    else:
        ranges = await given_up_ranges(log, subscriber.name, subscriber.patterns)
    if ranges:
        await subscriber.replay(ranges)


def _range(body: dict[str, Any], head: int) -> tuple[int, int]:
    """A range of the log up to its newest event; what has not happened yet is delivered anyway."""
    after, until = body["after"], body.get("until", head)
    for name, value in (("after", after), ("until", until)):
        if value != int(value) or value > MAX_POSITION:
            raise ValidationFailed(f"{name} must be integer")
    if "until" in body and until < after:
        raise ValidationFailed("until must be >= after")
    return int(after), min(int(until), head)


def _shown_given_up(reports: Sequence[GivenUpReport]) -> list[dict[str, Any]]:
    return [
        {
            "position": report.position,
            "eventId": report.event_id,
            "givenUpAt": report.given_up_at,
            "attempts": report.attempts,
            "reason": report.reason,
            "history": report.history,
            **({} if report.event is None else {"event": shown_event(report.event)}),
        }
        for report in reports
    ]
