"""Which roles open which routes (connector spec 4.6). Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_SEGMENT: Final = "[a-zA-Z0-9_-]+"
_WILDCARD = re.compile(r"\*\*|\*")


@lru_cache(maxsize=4096)
def permitted(roles: tuple[str, ...], one_of: tuple[str, ...]) -> bool:
    """Whether one of the caller's ``roles`` is, or covers, one of the roles that a route asks for.

    In a caller's role ``*`` stands for one segment and ``**`` for one or more. A route that asks for none is open.
    """
    if not one_of:
        return True
    return any(_covers(role, wanted) for role in roles for wanted in one_of)


def _covers(role: str, wanted: str) -> bool:
    if role == wanted:
        return True
    return "*" in role and _pattern(role).fullmatch(wanted) is not None


@lru_cache(maxsize=1024)
def _pattern(role: str) -> re.Pattern[str]:
    parts: list[str] = []
    end = 0
    for found in _WILDCARD.finditer(role):
        parts.append(re.escape(role[end : found.start()]))
        parts.append(f"{_SEGMENT}(?::{_SEGMENT})*" if found[0] == "**" else _SEGMENT)
        end = found.end()
    parts.append(re.escape(role[end:]))
    return re.compile("".join(parts))
