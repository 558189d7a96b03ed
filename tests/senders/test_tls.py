"""Brokers over TLS: certificates are verified, and the operator's own authority is taken."""

from __future__ import annotations

import gc
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trio

from tests.senders.parts import SetClock, make_event, soon
from trio_connector.events.model import Sender
from trio_connector.events.senders.amqp import AmqpTarget, open_amqp
from trio_connector.events.senders.mqtt import MqttTarget, open_mqtt
from trio_connector.events.senders.redis import RedisTarget, open_redis
from trio_connector.outgoing import Outgoing, Pins, going_out_by

# What a connection that failed has open, coredis (memory streams) and paho (the socket) leave to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:Exception ignored in. <{what}:pytest.PytestUnraisableExceptionWarning")
    for what in ("function MemoryObject", "ssl.SSLSocket", "trio_connector.outgoing._pinned_socket")
]

Open = Callable[[int], AbstractAsyncContextManager[Sender]]


@pytest.fixture(autouse=True)
def fresh_context() -> Iterator[None]:
    """The authorities are read once per process; here once per test."""
    with going_out_by(Outgoing()):
        yield
    gc.collect()


@asynccontextmanager
async def behind_tls(url: str, certificate: Path) -> AsyncIterator[int]:
    """A port that speaks TLS and passes everything on to the service at ``url``."""
    parts = urlsplit(url)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def copy(source: trio.abc.ReceiveStream, sink: trio.abc.Stream) -> None:
        try:
            while data := await source.receive_some(65536):
                await sink.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        await trio.aclose_forcefully(sink)

    async def serve(stream: trio.SSLStream[trio.SocketStream]) -> None:
        service = await trio.open_tcp_stream(parts.hostname or "", parts.port or 0)
        async with service, trio.open_nursery() as both:
            both.start_soon(copy, stream, service)
            await copy(service, stream)

    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, serve, [trio.SSLListener(listener, context)])
        yield listener.socket.getsockname()[1]
        nursery.cancel_scope.cancel("the test is over")


def amqps(port: int) -> AbstractAsyncContextManager[Sender]:
    return open_amqp(AmqpTarget(url=f"amqps://guest:guest@127.0.0.1:{port}", exchange="amq.topic"), SetClock())


def mqtts(port: int) -> AbstractAsyncContextManager[Sender]:
    return open_mqtt(MqttTarget(f"mqtts://127.0.0.1:{port}"))


def rediss(port: int) -> AbstractAsyncContextManager[Sender]:
    return open_redis(RedisTarget(f"rediss://127.0.0.1:{port}"))


@pytest.mark.parametrize(("service", "opened"), [("amqp_url", amqps), ("mqtt_url", mqtts), ("redis_url", rediss)])
@pytest.mark.parametrize("known", [True, False])
async def test_a_certificate_is_taken_only_from_a_known_authority(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    certificate: Path,
    service: str,
    opened: Open,
    known: bool,
) -> None:
    if known:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with soon():
        async with behind_tls(request.getfixturevalue(service), certificate) as port, opened(port) as sender:
            (answer,) = await sender.send([make_event(namespace="test.tls")])
    assert answer.accepted is known
    assert known or "CERTIFICATE_VERIFY_FAILED" in answer.reason


@pytest.mark.parametrize(("service", "opened"), [("amqp_url", amqps), ("mqtt_url", mqtts), ("redis_url", rediss)])
async def test_a_certificate_that_is_not_pinned_is_refused(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, certificate: Path, service: str, opened: Open
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with soon(), going_out_by(Outgoing(Pins({}, enforce=True))):
        async with behind_tls(request.getfixturevalue(service), certificate) as port, opened(port) as sender:
            (answer,) = await sender.send([make_event(namespace="test.tls")])
    assert not answer.accepted
    assert "Certificate pinning is enforced" in answer.reason
