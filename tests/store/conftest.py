"""Records, clocks and stores for the tests of this room."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.store.records import NOTES
from trio_connector.store import Store, open_store

OpenStore = Callable[..., AbstractAsyncContextManager[Store]]


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def open_file(tmp_path: Path) -> OpenStore:
    """Opens the store of one file; again and again, if wanted."""

    def opener(**options: Any) -> AbstractAsyncContextManager[Store]:
        options.setdefault("collections", [NOTES])
        return open_store(tmp_path / "data", "default", clock=now, entropy=secrets.token_bytes, **options)

    return opener


@pytest.fixture(params=["file", "memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """A store of either kind: they keep the same promises."""
    folder = tmp_path / "data" if request.param == "file" else None
    async with open_store(folder, "default", [NOTES], clock=now, entropy=secrets.token_bytes) as opened:
        yield opened
