"""From a give-up list to the ranges of the log that a replay of it has to walk through (design section 4)."""

from __future__ import annotations

import trio

from trio_connector.events.log import Log
from trio_connector.events.patterns import Patterns

_LISTED_AT_ONCE = 500


async def given_up_ranges(log: Log, name: str, patterns: Patterns) -> list[tuple[int, int]]:
    """The ranges (after, until) that hold what subscriber ``name`` gave up, and nothing else that it wants.

    Neighbours share a range, so that a receiver that was away for a long time costs one replay. Lets others work
    between any two events.
    """
    ranges: list[tuple[int, int]] = []
    after = 0
    while entries := await log.given_up(name, after, _LISTED_AT_ONCE):
        for entry in entries:
            if ranges and await _is_next(log, patterns, ranges[-1][1], entry.position):
                ranges[-1] = (ranges[-1][0], entry.position)
            else:
                ranges.append((entry.position - 1, entry.position))
        after = entries[-1].position
    return ranges


async def _is_next(log: Log, patterns: Patterns, position: int, later: int) -> bool:
    """Whether the event at ``later`` is the next one after ``position`` that is wanted."""
    while position < later - 1:
        await trio.lowlevel.checkpoint()
        page = log.page(position, patterns, 1, later - 1)
        if page.events:
            return False
        position = page.until
    return True
