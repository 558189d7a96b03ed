"""Randomness as an argument: the pure rooms never reach for it themselves.

Owned here: the type and unbiased choice. Not here: the source, which the outermost part of the program hands in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias, TypeVar

Entropy: TypeAlias = Callable[[int], bytes]
"""Returns that many random bytes of cryptographic quality, e.g. ``secrets.token_bytes``."""

T = TypeVar("T")


def uniform(below: int, entropy: Entropy) -> int:
    """A number in ``0 <= n < below``, every one equally likely (values that would favour some are drawn again)."""
    if below < 1:
        raise ValueError("below must be at least 1")
    size = max(1, ((below - 1).bit_length() + 7) // 8)
    limit = (1 << (8 * size)) // below * below
    while True:
        drawn = int.from_bytes(entropy(size), "big")
        if drawn < limit:
            return drawn % below


def choose(choices: Sequence[T], entropy: Entropy) -> T:
    """One of ``choices``, every one equally likely."""
    return choices[uniform(len(choices), entropy)]


def shuffled(items: Sequence[T], entropy: Entropy) -> list[T]:
    """``items`` in random order, every order equally likely."""
    result = list(items)
    for last in range(len(result) - 1, 0, -1):
        other = uniform(last + 1, entropy)
        result[last], result[other] = result[other], result[last]
    return result
