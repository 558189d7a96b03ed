"""The event log and its subscribers over HTTP (design section 6). They have a role of their own: ``events``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from trio_connector.api.answer import Answer
from trio_connector.api.call import Call
from trio_connector.api.request import Parameters
from trio_connector.api.routing import Kind, Route
from trio_connector.crypto.dates import iso
from trio_connector.errors import ConnectorError, ValidationFailed, runtime_record_not_found
from trio_connector.events.bus import EventBus
from trio_connector.events.log import EventQuery
from trio_connector.events.model import Event
from trio_connector.events.patterns import Patterns
from trio_connector.events.report import GivenUpReport
from trio_connector.events.subscriber import Subscriber, TooManyReplays, UnknownEvent
from trio_connector.usecases.validation import Input
from trio_connector.usecases.validation.dates import read_date
from trio_connector.usecases.validation.schema import ListOf, Number, Shape, any_of
from trio_connector.usecases.validation.types import DATE_TIME, FILTER, NUMBER, TEXT

EVENT_ROLE: Final = "events"
MAX_LISTED: Final = 1000
DEFAULT_LISTED: Final = 100
MAX_PATTERNS: Final = 50
_MAX_POSITION: Final = 2**63 - 1

_REPLAY: Final = Input(
    any_of(
        Shape({"ids": ListOf(TEXT, min_items=1)}),
        Shape({"after": Number(minimum=0), "until": Number(minimum=0)}),
    )
)


class ShownEvent(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An event as listeners get it; ``data`` is absent when the event carries none."""

    position: int
    id: str
    namespace: str
    occurred_at: str
    correlation_id: str | None = None
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


def shown_event(event: Event) -> ShownEvent:
    """What listeners see of ``event``."""
    return ShownEvent(
        position=event.position,
        id=event.id,
        namespace=event.namespace,
        occurred_at=event.occurred_at,
        correlation_id=event.correlation_id,
        data=event.data if bytes(event.data) else msgspec.UNSET,
    )


def patterns_of(query: Parameters) -> tuple[str, ...]:
    """The namespace patterns a listener asks for; all when it names none. Raises ValidationFailed."""
    given = query.get("namespace", "**")
    patterns = (given,) if isinstance(given, str) else tuple(given)
    if len(patterns) > MAX_PATTERNS:
        raise ValidationFailed(f"namespace must NOT have more than {MAX_PATTERNS} items")
    return patterns


def position_of(query: Parameters, name: str) -> int | None:
    """A position of the log among the parameters. Raises ValidationFailed."""
    return _integer(query, name, 0, _MAX_POSITION)


def _integer(query: Parameters, name: str, least: int, most: int) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if isinstance(text, list) or not (text.isascii() and text.isdigit() and len(text) < 20):
        raise ValidationFailed(f"{name} must be integer")
    number = int(text)
    if not least <= number <= most:
        raise ValidationFailed(f"{name} must be >= {least}" if number < least else f"{name} must be <= {most}")
    return number


def _text(query: Parameters, name: str) -> str | None:
    value = query.get(name)
    if isinstance(value, list):
        raise ValidationFailed(f"{name} must be string")
    return value


def _time(query: Parameters, name: str) -> str | None:
    text = _text(query, name)
    if text is None:
        return None
    if found := DATE_TIME.violation(text, f"/{name}"):
        raise ValidationFailed(found.message)
    return iso(read_date(text))


async def _list(call: Call) -> Answer:
    query = call.query
    events = await call.services.store.events.list(
        EventQuery(
            after=position_of(query, "after") or 0,
            patterns=Patterns(patterns_of(query)),
            correlation_id=_text(query, "correlationId"),
            from_time=_time(query, "from"),
            to_time=_time(query, "to"),
            limit=_integer(query, "limit", 1, MAX_LISTED) or DEFAULT_LISTED,
        )
    )
    return call.result([shown_event(event) for event in events])


async def _get(call: Call) -> Answer:
    event = call.services.store.events.event(call.path["id"])
    if event is None:
        raise runtime_record_not_found("Event")
    return call.result(shown_event(event))


def event_routes() -> tuple[Route, ...]:
    """``Events``."""
    query = {"after": NUMBER, "namespace": FILTER, "correlationId": TEXT, "from": TEXT, "to": TEXT, "limit": NUMBER}
    return (
        Route("GET", "", _list, "Events of the log, in order.", Kind.LIST, query=query, result="Event"),
        Route("GET", "{id}", _get, "One event.", result="Event"),
    )


def subscriber_routes(bus: EventBus) -> tuple[Route, ...]:
    """``Subscribers``: how everybody who listens is doing, and what can be done about it."""

    def named(call: Call) -> Subscriber:
        subscriber = bus.subscribers.get(call.path["name"])
        if subscriber is None:
            raise runtime_record_not_found("Subscriber")
        return subscriber

    async def list_all(call: Call) -> Answer:
        return call.result(bus.snapshot())

    async def get(call: Call) -> Answer:
        return call.result(named(call).state())

    async def given_up(call: Call) -> Answer:
        subscriber = named(call)
        after = position_of(call.query, "after") or 0
        limit = _integer(call.query, "limit", 1, MAX_LISTED) or DEFAULT_LISTED
        return call.result(_shown_given_up(await subscriber.given_up_events(after, limit)))

    async def replay(call: Call) -> Answer:
        subscriber = named(call)
        if found := _REPLAY.schema.violation(call.body):
            raise ValidationFailed(found.message)
        try:
            if "ids" in call.body:
                await subscriber.replay_events(call.body["ids"])
            else:
                await subscriber.replay([_range(call.body)])
        except UnknownEvent as error:
            raise runtime_record_not_found("Event") from error
        except TooManyReplays as error:
            raise ConnectorError("error.connector.events.tooManyReplays", f"Please wait: {error}.") from error
        return call.nothing()

    async def pause(call: Call) -> Answer:
        subscriber = named(call)
        await subscriber.pause()
        return call.result(subscriber.state())

    async def resume(call: Call) -> Answer:
        subscriber = named(call)
        await subscriber.resume()
        return call.result(subscriber.state())

    page = {"after": NUMBER, "limit": NUMBER}
    return (
        Route("GET", "", list_all, "Everybody who listens to events.", Kind.LIST, result="Subscriber"),
        Route("GET", "{name}", get, "One subscriber.", result="Subscriber"),
        Route(
            "GET",
            "{name}/GivenUp",
            given_up,
            "Events that a subscriber is not tried with any more.",
            Kind.LIST,
            query=page,
            result="GivenUpEvent",
        ),
        Route(
            "POST",
            "{name}/Replay",
            replay,
            "Deliver events once more: by their ids, or all after one position up to another.",
            Kind.NOTHING,
            204,
            changes=True,
            body=_REPLAY.schema,
        ),
        Route("PUT", "{name}/Pause", pause, "Make no further attempt.", changes=True, result="Subscriber"),
        Route("PUT", "{name}/Resume", resume, "Go on.", changes=True, result="Subscriber"),
    )


def _range(body: dict[str, Any]) -> tuple[int, int]:
    after, until = body["after"], body["until"]
    for name, value in (("after", after), ("until", until)):
        if value != int(value) or value > _MAX_POSITION:
            raise ValidationFailed(f"{name} must be integer")
    return int(after), int(until)


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
