"""The ``sync`` module: at once, then some time after the end of each run, whatever happens (connector spec 9.1)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import structlog
import trio
from trio.testing import MockClock

from tests.accounts import connected, namespaces, running_account, running_backbone, synchronized
from tests.connectors import told
from tests.modules.running import coming_and_going, running_modules
from trio_connector.correlation import current_correlation_id
from trio_connector.errors import BackboneRequestError, ConnectorError
from trio_connector.store.errors import WriteFailed
from trio_connector.usecases.messages import send_message
from trio_connector.usecases.services import Services
from trio_connector.usecases.sync import sync_forever

AWAY = BackboneRequestError("error.transport.request.unknown", "away", backbone_status=500)


class Runs:
    """In the place of the synchronizer: runs that take ``seconds`` each and end as ``outcomes`` say, then well."""

    def __init__(self, seconds: float, *outcomes: Exception | None) -> None:
        self._seconds = seconds
        self._outcomes = list(outcomes)
        self.began: list[float] = []
        self.correlation_ids: list[str | None] = []

    async def sync_everything(self) -> None:
        self.began.append(trio.current_time())
        self.correlation_ids.append(current_correlation_id())
        await trio.sleep(self._seconds)
        if self._outcomes and (outcome := self._outcomes.pop(0)) is not None:
            raise outcome


async def run(runs: Runs, interval_seconds: float, for_seconds: float) -> float:
    """Let the module run; when it counted as started."""
    services = cast(Services, SimpleNamespace(synchronizer=runs))
    async with trio.open_nursery() as nursery:
        nursery.cancel_scope.deadline = trio.current_time() + for_seconds
        await nursery.start(sync_forever, services, interval_seconds)
        return trio.current_time()


@pytest.fixture
def log_lines() -> Iterator[list[Any]]:
    """What is logged."""
    with structlog.testing.capture_logs() as lines:
        yield lines


async def test_the_first_run_is_over_before_the_module_counts_as_started(autojump_clock: MockClock) -> None:
    runs = Runs(7)
    assert await run(runs, 60, 20) == 7
    assert runs.began == [0]


async def test_the_pause_begins_at_the_end_of_each_run(autojump_clock: MockClock) -> None:
    runs = Runs(7)
    await run(runs, 60, 200)
    assert runs.began == [0, 67, 134]


async def test_failures_are_logged_and_the_loop_goes_on(autojump_clock: MockClock, log_lines: list[Any]) -> None:
    runs = Runs(1, AWAY, ConnectorError("error.x", "no"), WriteFailed("the disk is full"))
    assert await run(runs, 9, 35) == 1
    assert runs.began == [0, 10, 20, 30]
    failed = [line for line in log_lines if line["event"] == "Sync failed"]
    assert [(line["log_level"], line["error"]) for line in failed] == [
        ("error", "away"),
        ("error", "no"),
        ("error", "the disk is full"),
    ]


async def test_each_run_has_a_correlation_id_of_its_own(autojump_clock: MockClock) -> None:
    runs = Runs(0)
    await run(runs, 1, 2.5)
    assert len(runs.correlation_ids) == 3
    assert None not in runs.correlation_ids
    assert len(set(runs.correlation_ids)) == 3


async def test_what_is_new_is_there_when_the_module_has_started(tmp_path: Path) -> None:
    async with running_backbone() as url, running_account(url) as sender, running_account(url) as recipient:
        await connected(sender, recipient)
        content = {"@type": "ArbitraryMessageContent", "value": 1}
        await send_message(sender, recipients=[recipient.address], content=content)
        async with running_modules(recipient, {"sync": {"enabled": True, "interval": 3600}}):
            assert "transport.messageReceived" in await namespaces(recipient)


async def test_a_backbone_that_is_away_at_the_start_is_asked_again(tmp_path: Path, log_lines: list[Any]) -> None:
    async with (
        coming_and_going(tmp_path / "backbone") as backbone,
        running_account(backbone.url) as sender,
        running_account(backbone.url) as recipient,
    ):
        await connected(sender, recipient)
        await synchronized(sender)
        content = {"@type": "ArbitraryMessageContent", "value": 1}
        await send_message(sender, recipients=[recipient.address], content=content)
        await backbone.end()
        async with running_modules(recipient, {"sync": {"enabled": True, "interval": 0.05}}):
            assert [line["event"] for line in log_lines].count("Sync failed") >= 1
            await backbone.start()
            await told(recipient, "transport.messageReceived")
