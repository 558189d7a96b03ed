"""The counters of relationship channels: no key is ever used twice with one nonce (crypto spec section 4).

Counters are reserved in blocks: the end of the block is committed before its first counter is used, so a process that
dies skips what is left of its block and never repeats one.
"""

from __future__ import annotations

from dataclasses import dataclass

from trio_connector.crypto.channel import first_counter, next_counter
from trio_connector.crypto.entropy import Entropy
from trio_connector.store import Store, Unit

CHANNEL_COUNTERS = "ChannelCounters"
BLOCK_SIZE = 64


@dataclass
class _Block:
    """Counters reserved and not used yet: ``left`` of them, the first after ``last``."""

    last: int
    left: int


class ChannelCounters:
    """Hands out the counters of one device, per relationship secret."""

    def __init__(self, store: Store, entropy: Entropy) -> None:
        self._store = store
        self._entropy = entropy
        self._blocks: dict[str, _Block] = {}

    async def take(self, secret_id: str) -> int:
        """A counter that was never used with the channel of ``secret_id``. A cancellation loses at most counters."""
        while True:
            block = self._blocks.get(secret_id)
            if block is not None and block.left > 0:
                block.last = next_counter(block.last)
                block.left -= 1
                return block.last
            # Two takers may both reserve a block; the reservations follow each other, so neither is handed out twice.
            last_before = await self._store.transact(lambda unit: self._reserve(unit, secret_id))
            self._blocks[secret_id] = _Block(last_before, BLOCK_SIZE)

    def _reserve(self, unit: Unit, secret_id: str) -> int:
        stored = unit.value(CHANNEL_COUNTERS, secret_id)
        # ``take`` adds one before use, and a random start keeps several devices of one identity apart.
        last = stored if isinstance(stored, int) else first_counter(self._entropy)
        end = last
        for _ in range(BLOCK_SIZE):
            end = next_counter(end)
        unit.put_value(CHANNEL_COUNTERS, secret_id, end)
        return last
