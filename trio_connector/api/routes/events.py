"""The event log over HTTP (design section 6). Its role is ``events:read``: events hold what all other routes show."""

from __future__ import annotations

from typing import Final

import msgspec

from trio_connector.api.answer import Answer
from trio_connector.api.call import Call
from trio_connector.api.errors import upgrade_required
from trio_connector.api.request import Parameters
from trio_connector.api.routing import Kind, Route
from trio_connector.crypto.dates import iso
from trio_connector.errors import ValidationFailed, runtime_record_not_found
from trio_connector.events.log import EventQuery
from trio_connector.events.model import Event
from trio_connector.events.patterns import Patterns
from trio_connector.usecases.validation.dates import read_date
from trio_connector.usecases.validation.types import DATE_TIME, FILTER, NUMBER, TEXT

READ_ROLE: Final = "events:read"
MAX_LISTED: Final = 1000
DEFAULT_LISTED: Final = 100
MAX_PATTERNS: Final = 50
MAX_PATTERN_LENGTH: Final = 200
MAX_POSITION: Final = 2**63 - 1

_LISTING: Final = {
    "after": NUMBER,
    "namespace": FILTER,
    "correlationId": TEXT,
    "from": TEXT,
    "to": TEXT,
    "limit": NUMBER,
}
_STREAMING: Final = {"after": NUMBER, "namespace": FILTER}


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


def listening(query: Parameters) -> tuple[tuple[str, ...], int | None]:
    """What a live stream is asked for: patterns, and the position to begin after. Raises ValidationFailed."""
    only_known(query, *_STREAMING)
    return _patterns(query), position_of(query, "after")


def only_known(query: Parameters, *names: str) -> None:
    """Raises ValidationFailed for a parameter that would be ignored."""
    if not query.keys() <= set(names):
        raise ValidationFailed("query must NOT have additional properties")


def position_of(query: Parameters, name: str) -> int | None:
    """A position of the log among the parameters. Raises ValidationFailed."""
    return _integer(query, name, 0, MAX_POSITION)


def limit_of(query: Parameters) -> int:
    """How many entries a list shall have. Raises ValidationFailed."""
    return _integer(query, "limit", 1, MAX_LISTED) or DEFAULT_LISTED


def _patterns(query: Parameters) -> tuple[str, ...]:
    """The namespace patterns a listener asks for; all when it names none."""
    given = query.get("namespace", "**")
    patterns = (given,) if isinstance(given, str) else tuple(given)
    if len(patterns) > MAX_PATTERNS:
        raise ValidationFailed(f"namespace must NOT have more than {MAX_PATTERNS} items")
    if any(len(pattern) > MAX_PATTERN_LENGTH for pattern in patterns):
        raise ValidationFailed(f"namespace must NOT have more than {MAX_PATTERN_LENGTH} characters")
    return patterns


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
    only_known(query, *_LISTING)
    events = await call.services.store.events.list(
        EventQuery(
            after=position_of(query, "after") or 0,
            patterns=Patterns(_patterns(query)),
            correlation_id=_text(query, "correlationId"),
            from_time=_time(query, "from"),
            to_time=_time(query, "to"),
            limit=limit_of(query),
        )
    )
    return call.result([shown_event(event) for event in events])


async def _get(call: Call) -> Answer:
    event = call.services.store.events.event(call.path["id"])
    if event is None:
        raise runtime_record_not_found("Event")
    return call.result(shown_event(event))


async def needs_upgrade(call: Call) -> Answer:
    """A request for the live stream that is no WebSocket; the others are `stream`'s."""
    raise upgrade_required()


EVENT_ROUTES: Final = (
    Route("GET", "", _list, "Events of the log, in order.", Kind.LIST, query=_LISTING, result="Event"),
    Route(
        "GET",
        "Stream",
        needs_upgrade,
        "Live stream of events: a WebSocket with one event per text frame.",
        Kind.NOTHING,
        101,
        query=_STREAMING,
    ),
    Route("GET", "{id}", _get, "One event.", result="Event"),
)
