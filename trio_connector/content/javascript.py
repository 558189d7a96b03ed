"""How JavaScript counts, trims and shows values; limits and texts follow it (content spec 1.10)."""

from __future__ import annotations

import math
import re
from typing import Any

from trio_connector.crypto.json_text import json_text

_BLANKS = "\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_OUTER_BLANKS = re.compile(f"^[{_BLANKS}]+|[{_BLANKS}]+\\Z")


def length(text: str) -> int:
    """The number of UTF-16 code units; every limit of the content layer counts them."""
    if text.isascii():
        return len(text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def longer_than(text: str, limit: int) -> bool:
    """Whether ``text`` has more than ``limit`` code units, without counting when the answer is plain."""
    characters = len(text)
    return characters > limit or (2 * characters > limit and length(text) > limit)


def trimmed(text: str) -> str:
    """``text`` without the outer characters that ``String.trim()`` removes."""
    return _OUTER_BLANKS.sub("", text)


def shown(value: Any) -> str:
    """``value`` (parsed JSON) as ``String(value)`` writes it; used in messages and by IQL's ``=``."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "[object Object]"
    if isinstance(value, (list, tuple)):
        return ",".join("" if item is None else shown(item) for item in value)
    if isinstance(value, float) and not math.isfinite(value):
        return "Infinity" if value > 0 else "-Infinity"
    return json_text(value)


def index_map(value: Any) -> dict[str, Any]:
    """``{...value}``: what remains when something that is no object is kept as an object (spec 1.2)."""
    if isinstance(value, dict):
        return value
    if isinstance(value, str):
        units = value.encode("utf-16-be", "surrogatepass")
        pairs = (units[at : at + 2] for at in range(0, len(units), 2))
        return {str(index): unit.decode("utf-16-be", "surrogatepass") for index, unit in enumerate(pairs)}
    if isinstance(value, list):
        return {str(index): item for index, item in enumerate(value)}
    return {}
