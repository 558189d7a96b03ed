"""Which roles open which routes (connector spec 4.6). Pure."""

from __future__ import annotations

import re
import string
from functools import lru_cache
from typing import Final

_IN_SEGMENTS: Final = frozenset(string.ascii_letters + string.digits + "_-")
_PART: Final = re.compile(r"\*\*|.", re.DOTALL)

# Where a matcher stands within a wildcard: nothing taken yet, something taken, right after a colon.
_START, _TAKEN, _COLON = range(3)


@lru_cache(maxsize=4096)
def permitted(roles: tuple[str, ...], one_of: tuple[str, ...]) -> bool:
    """Whether one of the caller's ``roles`` is, or covers, one of the roles that a route asks for.

    In a caller's role ``*`` stands for one segment and ``**`` for one or more. A route that asks for none is open.
    """
    if not one_of:
        return True
    return any(_covers(role, wanted) for role in roles for wanted in one_of)


def _covers(role: str, wanted: str) -> bool:
    """Linear in both lengths, whatever the role: roles also come from tokens."""
    if role == wanted:
        return True
    if "*" not in role:
        return False
    parts = _PART.findall(role)
    reached = {(0, _START)}
    for character in wanted:
        reached = {place for index, phase in reached for place in _step(parts, index, phase, character)}
    return (len(parts), _START) in reached


def _step(parts: list[str], index: int, phase: int, character: str) -> list[tuple[int, int]]:
    """Where a matcher at part ``index`` may be after ``character``; what is complete has moved on to the next part."""
    if index == len(parts):
        return []
    part = parts[index]
    if part not in ("*", "**"):
        return [(index + 1, _START)] if character == part else []
    if character in _IN_SEGMENTS:
        return [(index, _TAKEN), (index + 1, _START)]
    return [(index, _COLON)] if character == ":" and part == "**" and phase == _TAKEN else []
