"""From content to JSON, in the official order and with ``@type`` where the official software writes it (spec 1.8)."""

from __future__ import annotations

from typing import Any

from trio_connector.content.model import Content, plan
from trio_connector.crypto.json_text import json_text


class ContentWriter:
    """Prints content; ``for_all`` adds the former names of members."""

    __slots__ = ("for_all",)

    def __init__(self, for_all: bool) -> None:
        self.for_all = for_all

    def printed(self, content: Content, with_type: bool) -> Any:
        """``content`` as JSON."""
        if content.PRINTED_ALONE:
            return content._alone(with_type)
        out: dict[str, Any] = {"@type": type(content).__name__} if with_type else {}
        nulls = content.null_members
        known = plan(type(content))
        for name, attribute, kind in known.printed_for_all if self.for_all else known.printed:
            value = getattr(content, attribute)
            if value is None:
                if name in nulls:
                    out[name] = None
            else:
                out[name] = value if kind is None else kind.write(value, self)
        return out


_WRITER = ContentWriter(for_all=False)
_WRITER_FOR_ALL = ContentWriter(for_all=True)


def to_json(content: Content) -> Any:
    """The canonical JSON of ``content``: ``@type`` first, members sorted, absent ones left out.

    Always a `dict`, except that ids, addresses and dates print as strings and a `JSONWrapper` as what it holds.
    """
    return _WRITER.printed(content, True)


def to_wire(content: Content) -> Any:
    """`to_json` for a peer: with the former names of members, which peers of older versions need (spec 13)."""
    return _WRITER_FOR_ALL.printed(content, True)


def to_text(content: Content) -> str:
    """`to_json` as the text that the official software signs and compares."""
    return json_text(to_json(content))
