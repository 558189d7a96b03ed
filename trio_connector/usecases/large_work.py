"""Encrypting, decrypting and reading what may be large, without holding up everybody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import trio

T = TypeVar("T")

IN_THE_LOOP_BYTES = 32 * 1024
"""What is smaller is done faster than a thread is reached."""

_threads = trio.CapacityLimiter(2)
"""Ten megabytes take some tenths of a second of a core and several times their size of memory."""


async def by_size(work: Callable[[], T], size_bytes: int) -> T:
    """The result of ``work``, pure and bounded by ``size_bytes``; from a thread when that is much.

    A thread is waited for even when the caller is cancelled; it ends by itself.
    """
    if size_bytes <= IN_THE_LOOP_BYTES:
        return work()
    return await trio.to_thread.run_sync(work, limiter=_threads)
