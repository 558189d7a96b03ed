"""What every use case works with: the account, its store, its Backbone, the clock and the source of randomness."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from trio_connector.crypto.dates import iso
from trio_connector.domain.collections import ReferencedCollections

if TYPE_CHECKING:
    from trio_connector.backbone import Backbone
    from trio_connector.store import Store
    from trio_connector.usecases.account import Account
    from trio_connector.usecases.channel import ChannelCounters
    from trio_connector.usecases.sync import Synchronizer
    from trio_connector.usecases.tags import TagCache

Clock = Callable[[], datetime]
Entropy = Callable[[int], bytes]


@dataclass(frozen=True)
class Services:
    """The parts that use cases are given. All of it lives as long as the daemon's nursery.

    ``clock`` answers the current time, aware and in UTC. ``entropy`` answers that many cryptographically random
    bytes. ``collections`` are files, tokens and templates with DTOs for this Backbone; the other collections are
    constants in ``domain``.
    """

    account: Account
    store: Store
    backbone: Backbone
    collections: ReferencedCollections
    clock: Clock
    entropy: Entropy
    counters: ChannelCounters
    synchronizer: Synchronizer
    tags: TagCache
    messages_on_their_way: set[str] = field(default_factory=set)
    """Local ids of messages that are being sent at this moment."""

    @property
    def base_url(self) -> str:
        """The configured Backbone, as it stands in references."""
        return self.collections.base_url

    @property
    def address(self) -> str:
        """The own address."""
        return self.account.identity.address

    def now(self) -> str:
        """The current time as it stands in records: ISO, UTC, milliseconds."""
        return iso(self.clock())
