"""One request makes at most one relationship attribute of a key, owner and value type (consumption spec 1.6). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from trio_connector.domain.contents import is_group
from trio_connector.domain.identity import Json
from trio_connector.domain.requests.parameters import accepts, answers_group
from trio_connector.domain.requests.record import request_error
from trio_connector.errors import ConnectorError, CoreError

VIOLATED = "violatedKeyUniquenessOfRelationshipAttributes"


class Fragment(NamedTuple):
    """What an item, once accepted, would create: only one attribute may have the same three."""

    owner: str
    key: str
    value_type: str


def outgoing_error(items: Sequence[Json], recipient: str | None) -> CoreError | None:
    """Why a request with these items must not be created, or None."""
    key = _duplicate_key(_of_mandatory(items, recipient))
    start = "The Request cannot be created because its acceptance"
    return None if key is None else request_error(VIOLATED, _text(start, key))


def check_acceptable(items: Sequence[Json], me: str) -> None:
    """Refuse an incoming request that nobody could ever accept. Raises CoreError."""
    key = _duplicate_key(_of_mandatory(items, me))
    if key is not None:
        raise request_error(VIOLATED, _text("The Request can never be accepted because it", key))


def acceptance_error(items: Sequence[Json], entries: Sequence[Json]) -> ConnectorError | None:
    """Why these answers cannot be given together, or None."""
    key = _duplicate_key(_of_accepted(items, entries))
    if key is None:
        return None
    return ConnectorError(
        "error.consumption.requests.invalidAcceptParameters",
        _text("The Request cannot be accepted with these parameters because it", key),
    )


def _text(start: str, key: str) -> str:
    return (
        f"{start} would lead to the creation of more than one RelationshipAttribute in the context of this "
        f"Relationship with the same key '{key}', owner and value type."
    )


def _duplicate_key(fragments: Iterator[Fragment]) -> str | None:
    seen: set[Fragment] = set()
    for fragment in fragments:
        if fragment in seen:
            return fragment.key
        seen.add(fragment)
    return None


def _of_mandatory(items: Sequence[Json], recipient: str | None) -> Iterator[Fragment]:
    for item in items:
        if is_group(item):
            yield from _of_mandatory(item["items"], recipient)
        elif item.get("mustBeAccepted") and (fragment := _fragment(item, recipient)) is not None:
            yield fragment


def _of_accepted(items: Sequence[Json], entries: Sequence[Json]) -> Iterator[Fragment]:
    for item, entry in zip(items, entries, strict=True):
        if is_group(item):
            if answers_group(item, entry):
                yield from _of_accepted(item["items"], entry["items"])
        elif accepts(entry) and (fragment := _fragment(item, None)) is not None:
            yield fragment


def _fragment(item: Json, recipient: str | None) -> Fragment | None:
    kind = item.get("@type")
    if kind == "CreateAttributeRequestItem" and item["attribute"]["@type"] == "RelationshipAttribute":
        attribute = item["attribute"]
        return Fragment(attribute["owner"] or recipient or "", attribute["key"], attribute["value"]["@type"])
    if kind in ("ReadAttributeRequestItem", "ProposeAttributeRequestItem"):
        query = item["query"]
        if query["@type"] == "RelationshipAttributeQuery":
            value_type = query["attributeCreationHints"]["valueType"]
            return Fragment(query["owner"] or recipient or "", query["key"], value_type)
    return None
