"""One Backbone, one of our accounts and official peers for each test; one Node process for all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import trio

from tests.accounts import running_account, running_backbone
from tests.interop.peers import Peer, PeerProcess, Peers, installed_peer
from trio_connector.usecases.services import Services


@pytest.fixture(scope="session")
def peer_process() -> Iterator[PeerProcess]:
    """The process in which the official runtimes live."""
    process = PeerProcess(installed_peer())
    yield process
    process.end()


@pytest.fixture
async def backbone_url() -> AsyncIterator[str]:
    """The base URL of a fresh embedded Backbone."""
    async with running_backbone() as url:
        yield url


@pytest.fixture
async def peers(peer_process: PeerProcess, backbone_url: str) -> AsyncIterator[Peers]:
    """Official runtimes at this test's Backbone."""
    found = Peers(peer_process, backbone_url)
    yield found
    with trio.CancelScope(shield=True):
        await found.close()


@pytest.fixture
async def peer(peers: Peers) -> Peer:
    """An account of the official runtime."""
    return await peers.open("peer")


@pytest.fixture
async def ours(backbone_url: str) -> AsyncIterator[Services]:
    """An account of ours."""
    async with running_account(backbone_url) as services:
        yield services
