"""The border for content: what API users and peers wrote, as it is kept and sent (content spec section 1).

What passes here can be stored, shown and told: it is an object, not nested beyond measure, and text in it is text.
JavaScript's strings may end in the middle of a character (a subject cut after fifty units); such a half is replaced.
"""

from __future__ import annotations

from typing import Any

import msgspec

from trio_connector.content import Content, parse, to_json, to_wire
from trio_connector.domain.identity import Json
from trio_connector.errors import DeserializationError

MAX_NESTING = 200
"""Deeper content is refused: nobody means it, and whoever reads it later would have to be able to."""


def readable(value: Any) -> Content:
    """``value`` as content that can be kept; raises what `parse` raises, and DeserializationError when it cannot."""
    return _read(value)[0]


def kept(value: Any) -> Json:
    """``value``, from whomever, in the form that is stored; raises like `readable`."""
    return _read(value)[1]


def _read(value: Any) -> tuple[Content, Json]:
    _check_nesting(value)
    content = parse(value)
    printed = to_json(content)
    if not isinstance(printed, dict):
        raise DeserializationError(f"A {content.type_name} is no content of its own.")
    try:
        msgspec.json.encode(printed)
    except UnicodeEncodeError:
        content = parse(_whole_characters(printed))
        printed = to_json(content)
    except (TypeError, ValueError, OverflowError) as error:
        raise DeserializationError("The content is not JSON.") from error
    return content, printed


def sent(stored: Json) -> Json:
    """Stored content in the form that peers of all versions read."""
    content: Json = to_wire(parse(stored))
    return content


def _check_nesting(value: Any) -> None:
    level = [value]
    for _ in range(MAX_NESTING):
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(member for member in item.values() if isinstance(member, dict | list | tuple))
            elif isinstance(item, list | tuple):
                inner.extend(member for member in item if isinstance(member, dict | list | tuple))
        if not inner:
            return
        level = inner
    raise DeserializationError("The content is nested too deeply.")


def _whole_characters(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_whole_characters(name): _whole_characters(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_whole_characters(item) for item in value]
    return value
