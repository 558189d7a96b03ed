"""A log in memory, whose time a mock clock can move."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

import pytest

from tests.events.receivers import trio_clock
from trio_connector.events.bus import EventBus
from trio_connector.store import Store, open_store


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    async with open_store(None, "x", [], clock=trio_clock, entropy=secrets.token_bytes) as opened:
        yield opened


@pytest.fixture
def bus(store: Store) -> EventBus:
    return EventBus(store.events, clock=trio_clock, entropy=secrets.token_bytes)
