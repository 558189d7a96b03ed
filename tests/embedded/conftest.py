"""The Backbone most tests use: in a folder, with the settings of the official test set-up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.embedded.backbone import Backbone, running_backbone


@pytest.fixture
async def backbone(tmp_path: Path) -> AsyncIterator[Backbone]:
    """In a folder, for there a request that is said to read only has a connection that can only read."""
    async with running_backbone(tmp_path / "backbone") as running:
        yield running
