"""One API for all tests of a module that change nothing others look at."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.api.served import ServedApi, served_account


@pytest.fixture
async def api() -> AsyncIterator[ServedApi]:
    """A fresh account behind a fresh API, in production mode, with one API key."""
    async with served_account() as running:
        yield running
