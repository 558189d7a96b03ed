"""The ``autoDecomposeDeletionProposedRelationships`` module (connector spec 9.6)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
import trio

from tests.accounts import connected, namespaces, running_account, running_backbone, synchronized
from tests.connectors import until
from tests.modules.running import coming_and_going, running_modules, settled
from trio_connector.domain.relationship import RELATIONSHIPS
from trio_connector.modules import auto_decompose_deletion_proposed_relationships as module
from trio_connector.usecases.decomposition import decompose_relationship
from trio_connector.usecases.relationships import terminate_relationship
from trio_connector.usecases.services import Services

ON: dict[str, Any] = {module.NAME: {"enabled": True}}


@pytest.fixture
def log_lines() -> Iterator[list[Any]]:
    """What is logged."""
    with structlog.testing.capture_logs() as lines:
        yield lines


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses that suit a test."""
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(module, "RETRY_AFTER_SECONDS", (0.02,))


@asynccontextmanager
async def two_accounts(url: str) -> AsyncIterator[tuple[Services, Services]]:
    """Us and a peer."""
    async with running_account(url) as us, running_account(url) as peer:
        yield us, peer


async def forgotten_by(us: Services, peer: Services) -> str:
    """A relationship that the peer terminates and decomposes; its id."""
    relationship = await connected(us, peer)
    await terminate_relationship(peer, relationship)
    await decompose_relationship(peer, relationship)
    return relationship


def is_gone(services: Services, relationship: str) -> bool:
    return services.store.get(RELATIONSHIPS, relationship) is None


async def test_a_peer_that_has_forgotten_us_is_forgotten_as_soon_as_it_is_told(log_lines: list[Any]) -> None:
    async with running_backbone() as url, two_accounts(url) as (us, peer), running_modules(us, ON) as bus:
        relationship = await forgotten_by(us, peer)
        await synchronized(us)
        await settled(bus)
        assert is_gone(us, relationship)
    lines = [line["event"] for line in log_lines if "'DeletionProposed' Relationship" in line["event"]]
    assert lines == [
        "Found 0 'DeletionProposed' Relationships.",
        "'DeletionProposed' Relationship detected.",
        "'DeletionProposed' Relationship was decomposed successfully.",
    ]


async def test_what_is_proposed_already_is_decomposed_before_the_module_counts_as_started(
    log_lines: list[Any],
) -> None:
    async with running_backbone() as url, two_accounts(url) as (us, peer):
        relationship = await forgotten_by(us, peer)
        await synchronized(us)
        assert not is_gone(us, relationship)
        async with running_modules(us, ON):
            assert is_gone(us, relationship)
    assert "Found 1 'DeletionProposed' Relationships." in [line["event"] for line in log_lines]


async def test_other_changes_are_left_alone() -> None:
    async with running_backbone() as url, two_accounts(url) as (us, peer), running_modules(us, ON) as bus:
        relationship = await connected(us, peer)
        await terminate_relationship(peer, relationship)
        await synchronized(us)
        await settled(bus)
        current = us.store.get(RELATIONSHIPS, relationship)
        assert current is not None
        assert current.status == "Terminated"


async def test_a_backbone_that_is_away_at_the_start_stops_no_start_and_is_asked_again(
    tmp_path: Path, log_lines: list[Any]
) -> None:
    async with coming_and_going(tmp_path) as backbone, two_accounts(backbone.url) as (us, peer):
        relationship = await forgotten_by(us, peer)
        await synchronized(us)
        await backbone.end()
        async with running_modules(us, ON):
            assert not is_gone(us, relationship)
            await backbone.start()
            await until(us, lambda: is_gone(us, relationship))
    assert "A Relationship is not decomposed yet." in [line["event"] for line in log_lines]
    assert not [line for line in log_lines if line["log_level"] == "error"]


async def test_a_backbone_that_goes_away_before_the_reaction_is_asked_again(tmp_path: Path) -> None:
    async with coming_and_going(tmp_path) as backbone, two_accounts(backbone.url) as (us, peer):
        async with running_modules(us, ON):
            pass
        relationship = await forgotten_by(us, peer)
        await synchronized(us)
        await backbone.end()
        async with running_modules(us, ON) as bus:
            with trio.fail_after(30):
                while bus.subscribers[module.NAME].refused < 2:
                    await trio.sleep(0.005)  # polls
            await backbone.start()
            await until(us, lambda: is_gone(us, relationship))
        assert (await namespaces(us)).count("transport.relationshipDecomposedBySelf") == 1
