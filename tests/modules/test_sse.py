"""The ``sse`` module: a synchronisation as soon as the Backbone says so, whatever breaks (connector spec 9.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
import trio

from tests.accounts import connected, namespaces, running_account, running_backbone, synchronized
from tests.connectors import told
from tests.modules.running import coming_and_going, running_modules
from tests.outgoing.test_certificate_pinning import Certificate
from tests.senders.receiver import Receiver, Reply, receiving
from trio_connector.errors import ConnectorError
from trio_connector.modules import sse
from trio_connector.usecases.messages import send_message
from trio_connector.usecases.services import Services

SSE: dict[str, Any] = {"sse": {"enabled": True}}
OPEN = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent: ConnectionOpened\ndata: _\n\n"


@pytest.fixture
def log_lines() -> Iterator[list[Any]]:
    """What is logged."""
    with structlog.testing.capture_logs() as lines:
        yield lines


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses that suit a test."""
    monkeypatch.setattr(sse, "FIRST_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(sse, "LONGEST_PAUSE_SECONDS", 0.1)


async def logged(lines: list[Any], text: str, count: int = 1) -> None:
    """Wait until a line that begins with ``text`` was logged so often."""
    with trio.fail_after(30):
        while sum(line["event"].startswith(text) for line in lines) < count:
            await trio.sleep(0.01)  # polls: log lines set no event


async def send(sender: Services, recipient: Services) -> None:
    content = {"@type": "ArbitraryMessageContent", "value": 1}
    await send_message(sender, recipients=[recipient.address], content=content)


@asynccontextmanager
async def two_accounts(url: str) -> AsyncIterator[tuple[Services, Services]]:
    """Two accounts with a relationship that both have seen."""
    async with running_account(url) as sender, running_account(url) as recipient:
        await connected(sender, recipient)
        await synchronized(sender)
        yield sender, recipient


def test_pauses_grow_to_a_limit_and_stay_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "FIRST_PAUSE_SECONDS", 1.0)
    monkeypatch.setattr(sse, "LONGEST_PAUSE_SECONDS", 60.0)
    pauses = sse.pauses()
    assert [next(pauses) for _ in range(9)] == [1, 2, 4, 8, 16, 32, 60, 60, 60]


async def test_what_is_new_comes_as_soon_as_the_backbone_says_so(log_lines: list[Any]) -> None:
    async with running_backbone() as url, two_accounts(url) as (sender, recipient):
        await send(sender, recipient)
        async with running_modules(recipient, SSE):
            assert "transport.messageReceived" in await namespaces(recipient)  # from the run of the start
            await logged(log_lines, f"Connected to the SSE endpoint {url}/api/v1/sse")
            await send(sender, recipient)
            await told(recipient, "transport.messageReceived", count=2)
            await send(sender, recipient)
            await told(recipient, "transport.messageReceived", count=3)


async def test_a_backbone_that_ends_in_mid_stream_is_found_again_with_what_came_meanwhile(
    tmp_path: Path, log_lines: list[Any]
) -> None:
    async with coming_and_going(tmp_path) as backbone, two_accounts(backbone.url) as (sender, recipient):
        async with running_modules(recipient, SSE):
            for count in (1, 2):
                await logged(log_lines, "Connected to the SSE endpoint", count)
                await backbone.end()
                await logged(log_lines, "An error occurred while connecting to the SSE server", count)
                await backbone.start()
                # Whether it is said over the new stream or found by the run that follows it.
                await send(sender, recipient)
                await told(recipient, "transport.messageReceived", count=count)
        broken = [line["event"] for line in log_lines if "SSE server was terminated" in line["event"]]
        assert len(broken) == 2


async def test_a_backbone_that_is_away_at_the_start_stops_no_start(tmp_path: Path, log_lines: list[Any]) -> None:
    async with coming_and_going(tmp_path) as backbone, two_accounts(backbone.url) as (sender, recipient):
        await send(sender, recipient)
        await backbone.end()
        async with running_modules(recipient, SSE):
            await logged(log_lines, "Sync failed")
            await backbone.start()
            await told(recipient, "transport.messageReceived")


async def test_a_stream_that_is_closed_politely_is_opened_again(log_lines: list[Any]) -> None:
    receiver = Receiver(Reply(raw=OPEN), Reply(raw=OPEN), Reply(raw=OPEN, hang=True))
    async with running_backbone() as url, two_accounts(url) as (_, recipient), receiving(receiver):
        override = {"sse": {"enabled": True, "baseUrlOverride": receiver.url}}
        async with running_modules(recipient, override, debug=True):
            await logged(log_lines, "Connected to the SSE endpoint", 3)
        closed = [line for line in log_lines if line["event"].startswith("The event source has closed")]
        assert len(closed) == 2
        assert [request.target for request in receiver.requests] == ["/api/v1/sse"] * 3
        assert {request.headers["authorization"][:7] for request in receiver.requests} == {"Bearer "}


async def test_where_no_stream_can_be_opened_each_attempt_is_a_synchronisation(log_lines: list[Any]) -> None:
    receiver = Receiver(Reply(404))
    async with running_backbone() as url, two_accounts(url) as (sender, recipient), receiving(receiver):
        override = {"sse": {"enabled": True, "baseUrlOverride": receiver.url}}
        async with running_modules(recipient, override, debug=True):
            await logged(log_lines, "An error occurred while connecting to the SSE server", 2)
            await send(sender, recipient)
            await told(recipient, "transport.messageReceived")


async def test_a_synchronisation_that_fails_while_the_stream_is_open_is_repeated(
    log_lines: list[Any], tmp_path: Path
) -> None:
    receiver = Receiver(Reply(raw=OPEN, hang=True))
    async with (
        coming_and_going(tmp_path) as backbone,
        two_accounts(backbone.url) as (sender, recipient),
        receiving(receiver),
    ):
        override = {"sse": {"enabled": True, "baseUrlOverride": receiver.url}}
        await send(sender, recipient)
        await backbone.end()
        async with running_modules(recipient, override, debug=True):
            await logged(log_lines, "Connected to the SSE endpoint")
            await logged(log_lines, "Sync failed", 3)
            await backbone.start()
            await told(recipient, "transport.messageReceived")
            assert len(receiver.requests) == 1  # all over one stream


async def test_a_server_whose_certificate_nobody_vouches_for_gets_no_token(
    tmp_path: Path, log_lines: list[Any]
) -> None:
    receiver = Receiver(Reply(raw=OPEN, hang=True))
    stranger = Certificate(tmp_path)
    async with (
        running_backbone() as url,
        two_accounts(url) as (_, recipient),
        receiving(receiver, stranger.server_context) as listening,
    ):
        override = {"sse": {"enabled": True, "baseUrlOverride": f"https://localhost:{listening.port}"}}
        async with running_modules(recipient, override, debug=True):
            await logged(log_lines, "An error occurred while connecting to the SSE server", 2)
        assert receiver.requests == []


@pytest.mark.parametrize(
    ("override", "debug", "reason"),
    [
        ("http://127.0.0.1:9", False, "baseUrlOverride is only allowed in debug mode"),
        ("ftp://user:secret@127.0.0.1", True, "'ftp://***@127.0.0.1' is not a valid URL."),
        ("", True, "'' is not a valid URL."),
    ],
)
async def test_another_address_must_be_one_and_is_for_debug_mode(override: str, debug: bool, reason: str) -> None:
    async with running_backbone() as url, running_account(url) as account:
        with pytest.raises(ConnectorError) as refused:
            async with running_modules(account, {"sse": {"enabled": True, "baseUrlOverride": override}}, debug=debug):
                pass
    assert refused.value.message == f"Module 'sse' (modules.sse.baseUrlOverride): {reason}"
