"""What a decision about an incoming request looks like, and whether its shape fits the request (consumption spec 1.4).

A decision is ``{items: [...]}`` with one entry per item of the request: ``{accept, ...}`` for an item,
``{items: [...]}`` for a group. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trio_connector.content import StructureRefused
from trio_connector.domain.contents import is_group
from trio_connector.domain.identity import Json
from trio_connector.domain.validation_result import SUCCESS, ValidationResult, failure, from_items
from trio_connector.errors import ConnectorError, DeserializationError

_CLASS = "InternalDecideRequestParameters"


def parsed_items(params: object) -> list[Json]:
    """The entries of a decision. Raises DeserializationError or StructureRefused when ``params`` is none at all."""
    if not isinstance(params, dict) or params.get("items") is None:
        raise DeserializationError(f"{_CLASS}.items :: Value is not defined")
    items = params["items"]
    if not isinstance(items, list):
        raise StructureRefused("Value is not an Array.")
    for index, item in enumerate(items):
        _check_entry(item, f"{_CLASS}.items[{index}]", groups=True)
    return items


def _check_entry(entry: object, path: str, *, groups: bool) -> None:
    if not isinstance(entry, dict):
        raise DeserializationError(f"{path} :: Value is not an object.")
    if groups and isinstance(entry.get("items"), list) and "accept" not in entry:
        for index, inner in enumerate(entry["items"]):
            _check_entry(inner, f"{path}.items[{index}]", groups=False)


def is_group_answer(entry: Json) -> bool:
    """Whether ``entry`` answers a group."""
    return "items" in entry and "accept" not in entry


def is_item_answer(entry: Json) -> bool:
    """Whether ``entry`` answers a single item."""
    return "accept" in entry and "items" not in entry


def accepts(entry: Json) -> bool:
    """Whether ``entry`` accepts its item."""
    return bool(entry.get("accept"))


def answers_group(item: Json, entry: Json) -> bool:
    """Whether ``entry`` has one answer for each item of the group ``item``."""
    inner = entry.get("items")
    return not is_item_answer(entry) and isinstance(inner, list) and len(inner) == len(item["items"])


def shape_result(items: Sequence[Json], entries: Sequence[Json], *, accepting: bool, at: str) -> ValidationResult:
    """Whether the entries answer the items one by one and in the right kind, and keep to ``mustBeAccepted``."""
    if len(items) != len(entries):
        return failure(
            _decide_error("invalidNumberOfItems", "The number of items in the Request and the Response do not match."),
            at,
        )
    return from_items(
        [
            _group_result(item, entry, accepting, at) if is_group(item) else _item_result(item, entry, accepting, at)
            for item, entry in zip(items, entries, strict=True)
        ]
    )


def _group_result(item: Json, entry: Json, accepting: bool, at: str) -> ValidationResult:
    if is_item_answer(entry) or not isinstance(entry.get("items"), list):
        return failure(
            _decide_error(
                "requestItemGroupAnsweredAsRequestItem", "The RequestItemGroup was answered as a RequestItem."
            ),
            at,
        )
    inner: list[Any] = entry["items"]
    if len(inner) != len(item["items"]):
        return failure(
            _decide_error(
                "invalidNumberOfItems",
                "The number of items in the RequestItemGroup and the ResponseItemGroup do not match.",
            ),
            at,
        )
    results = [_item_result(i, e, accepting, at) for i, e in zip(item["items"], inner, strict=True)]
    return from_items(results)


def _item_result(item: Json, entry: Json, accepting: bool, at: str) -> ValidationResult:
    error: ConnectorError | None = None
    if is_group_answer(entry):
        error = _decide_error(
            "requestItemAnsweredAsRequestItemGroup", "The RequestItem was answered as a RequestItemGroup."
        )
    elif not accepting and accepts(entry):
        error = _decide_error(
            "itemAcceptedButRequestNotAccepted", "The RequestItem was accepted, but the Request was not accepted."
        )
    elif accepting and item.get("mustBeAccepted") and not accepts(entry):
        error = _decide_error(
            "mustBeAcceptedItemNotAccepted",
            "The RequestItem is flagged as 'mustBeAccepted', but it was not accepted.",
        )
    return SUCCESS if error is None else failure(error, at)


def _decide_error(code: str, message: str) -> ConnectorError:
    return ConnectorError(f"error.consumption.requests.decide.validation.{code}", message)
