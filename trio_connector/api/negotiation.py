"""What a client accepts: media types and encodings (connector spec 3.6)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple


class _Range(NamedTuple):
    kind: str
    subtype: str
    quality: float
    order: int


@lru_cache(maxsize=256)
def preferred_type(accept: str | None, offered: tuple[str, ...]) -> str | None:
    """The media type of ``offered`` that the client likes best, or None when it accepts none.

    Without an ``Accept`` header everything is accepted. Of equally liked types the one that the header names more
    precisely wins, then the one it names first, then the first offered.
    """
    if accept is None or not accept.strip():
        return offered[0]
    ranges = _parsed(accept)
    best: tuple[float, int, int, int] | None = None
    chosen: str | None = None
    for index, media_type in enumerate(offered):
        rank = _rank(media_type, ranges)
        if rank is None or rank[0] <= 0:
            continue
        quality, precision, order = rank
        key = (-quality, -precision, order, index)
        if best is None or key < best:
            best, chosen = key, media_type
    return chosen


@lru_cache(maxsize=256)
def accepts_gzip(accept_encoding: str | None) -> bool:
    """Whether the client takes gzip and likes it at least as much as nothing at all."""
    if not accept_encoding:
        return False
    qualities: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        name, _, parameters = part.partition(";")
        qualities[name.strip()] = _quality(parameters)
    gzip = qualities.get("gzip", qualities.get("x-gzip", qualities.get("*", 0.0)))
    return gzip > 0 and gzip >= qualities.get("identity", 0.0)


def _rank(media_type: str, ranges: Sequence[_Range]) -> tuple[float, int, int] | None:
    """Quality, precision and place of the most precise range that covers ``media_type``."""
    kind, _, subtype = media_type.partition("/")
    best: tuple[int, float, int] | None = None
    for entry in ranges:
        if entry.kind not in ("*", kind) or entry.subtype not in ("*", subtype):
            continue
        precision = (entry.kind != "*") * 4 + (entry.subtype != "*") * 2
        if best is None or precision > best[0]:
            best = (precision, entry.quality, entry.order)
    return None if best is None else (best[1], best[0], best[2])


def _parsed(accept: str) -> list[_Range]:
    ranges = []
    for order, part in enumerate(accept.lower().split(",")):
        name, _, parameters = part.partition(";")
        kind, slash, subtype = name.strip().partition("/")
        if slash and kind and subtype:
            ranges.append(_Range(kind, subtype, _quality(parameters), order))
    return ranges


def _quality(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 1.0
    return 1.0
