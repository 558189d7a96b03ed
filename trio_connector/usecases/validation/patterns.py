"""Patterns as the official software states them, in JavaScript's notation, searched as JavaScript searches them.

The notation is kept because refusals print it. What Python reads differently is translated: ``$`` also matches before
a final line break, ``.`` and ``\\s`` know other line breaks and blanks, ``\\d`` knows other digits, and a
back-reference to a group that took no part fails instead of matching nothing (runtime spec 2.2).
"""

from __future__ import annotations

import re
from typing import Final

_JS_BLANKS: Final = "\\t\\n\\x0b\\x0c\\r \\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff"
_JS_NO_LINE_BREAK: Final = "[^\\n\\r\\u2028\\u2029]"
_PART: Final = re.compile(r"\\(?:[1-9]\d*|.)|\[|\]|\.|\$", re.DOTALL)


class JsPattern:
    """A regular expression in JavaScript's notation (``u`` flag).

    ``max_length`` refuses longer texts unseen: for a pattern whose search takes quadratic time in texts that nobody
    sends in good faith.
    """

    def __init__(self, source: str, *, max_length: int | None = None) -> None:
        self.source = source
        self._max_length = max_length
        self._compiled = re.compile(_translated(source), re.ASCII)

    def found_in(self, text: str) -> bool:
        """Whether the pattern matches somewhere in ``text``."""
        if self._max_length is not None and len(text) > self._max_length:
            return False
        return self._compiled.search(text) is not None

    def __repr__(self) -> str:
        return f"JsPattern({self.source!r})"


def _translated(source: str) -> str:
    inside_class = False

    def translated(found: re.Match[str]) -> str:
        nonlocal inside_class
        part = found[0]
        if part == "[":
            inside_class = True
        elif part == "]":
            inside_class = False
        elif part == "\\s":
            return _JS_BLANKS if inside_class else f"[{_JS_BLANKS}]"
        elif part == "\\/":
            return "/"
        elif part[1:].isdigit() and part[0] == "\\":
            return f"(?({part[1:]})(?:\\{part[1:]}))"
        elif not inside_class and part == ".":
            return _JS_NO_LINE_BREAK
        elif not inside_class and part == "$":
            return "\\Z"
        return part

    return _PART.sub(translated, source)


# A reference is about a hundred characters; its URL adds the Backbone's address.
MAX_URL_REFERENCE_LENGTH: Final = 4096

ADDRESS: Final = JsPattern(r"did:e:((([A-Za-z0-9]+(-[A-Za-z0-9]+)*)\.)+[a-z]{2,}|localhost):dids:[0-9a-f]{22}")
ISO_8601_DATE_TIME: Final = JsPattern(
    r"^([+-]?\d{4}(?!\d{2}\b))((-?)((0[1-9]|1[0-2])(\3([12]\d|0[1-9]|3[01]))?"
    r"|W([0-4]\d|5[0-2])(-?[1-7])?|(00[1-9]|0[1-9]\d|[12]\d{2}|3([0-5]\d|6[1-6])))"
    r"([T\s]((([01]\d|2[0-3])((:?)[0-5]\d)?|24:?00)([.,]\d+(?!:))?)?"
    r"(\17[0-5]\d([.,]\d+)?)?([zZ]|([+-])([01]\d|2[0-3]):?([0-5]\d)?)?)?)?$"
)


def id_pattern(prefix: str) -> JsPattern:
    """An id that starts with ``prefix``, anywhere in the text."""
    return JsPattern(prefix + "[A-Za-z0-9]{17}")


def truncated_reference(start: str) -> JsPattern:
    """A truncated reference; ``start`` is the base64url form of the kind of its id."""
    return JsPattern(start + ".{84}")


def url_reference(prefix: str) -> JsPattern:
    """A reference as a URL to something whose id starts with ``prefix``."""
    return JsPattern(
        r"^https?:\/\/.*\/r\/" + prefix + r"[a-zA-Z0-9]+(\?app=.+)?#[a-zA-Z0-9-_]+$",
        max_length=MAX_URL_REFERENCE_LENGTH,
    )
