"""The Redis sender against Redis, and against what is not Redis."""

from __future__ import annotations

import gc
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from urllib.parse import urlsplit

import msgspec
import pytest
import trio

from tests.senders.parts import deliver_all, make_event, soon
from tests.services import PrivateRedis
from trio_connector.events.model import Answer
from trio_connector.events.senders.redis import RedisTarget, open_redis

# coredis leaves the memory streams of a connection that failed to the garbage collector.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <function MemoryObject:pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Let that be collected here, where it is expected."""
    yield
    gc.collect()


class Listener:
    """A subscription, over a plain socket."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._buffer = b""

    async def line(self) -> bytes:
        """The next line of the protocol."""
        while b"\r\n" not in self._buffer:
            received = await self._stream.receive_some(65536)
            if not received:
                raise EOFError
            self._buffer += received
        line, self._buffer = self._buffer.split(b"\r\n", 1)
        return line

    async def message(self) -> tuple[str, bytes]:
        """Channel and payload of the next message (or confirmation)."""
        count = int((await self.line())[1:])
        parts = []
        for _ in range(count):
            head = await self.line()
            parts.append(await self.line() if head.startswith(b"$") else head)
        return parts[-2].decode(), parts[-1]


@asynccontextmanager
async def listening(url: str, pattern: str) -> AsyncIterator[Listener]:
    parts = urlsplit(url)
    async with await trio.open_tcp_stream(parts.hostname or "", parts.port or 6379) as stream:
        listener = Listener(stream)
        await stream.send_all(b"PSUBSCRIBE " + pattern.encode() + b"\r\n")
        await listener.message()
        yield listener


async def test_the_channel_is_the_namespace_and_the_payload_the_data_alone(redis_url: str) -> None:
    name = f"test{uuid.uuid4().hex}"
    with soon():
        async with listening(redis_url, f"{name}.*") as listener, open_redis(RedisTarget(redis_url)) as sender:
            events = [
                make_event(1, {"text": "ü"}, namespace=f"{name}.messageReceived"),
                make_event(2, msgspec.UNSET, namespace=f"{name}.modulesStarted"),
            ]
            assert await sender.send(events) == [Answer(accepted=True)] * 2
            assert await listener.message() == (f"{name}.messageReceived", '{"text":"ü"}'.encode())
            assert await listener.message() == (f"{name}.modulesStarted", b"{}")


async def test_batches_arrive_in_order(redis_url: str) -> None:
    name = f"test{uuid.uuid4().hex}.x"
    events = [make_event(number, namespace=name) for number in range(1000)]
    with soon():
        async with listening(redis_url, name) as listener, open_redis(RedisTarget(redis_url)) as sender:
            assert await deliver_all(sender, events) == []
            numbers = [msgspec.json.decode((await listener.message())[1])["number"] for _ in events]
    assert numbers == list(range(1000))


async def test_what_nobody_listens_to_counts_as_delivered(redis_url: str) -> None:
    with soon():
        async with open_redis(RedisTarget(redis_url)) as sender:
            event = make_event(namespace=f"test{uuid.uuid4().hex}")
            assert await sender.send([event]) == [Answer(accepted=True)]


async def test_a_server_that_is_away_stops_nothing_and_is_found_when_it_comes(private_redis: PrivateRedis) -> None:
    private_redis.kill()
    with soon():
        async with open_redis(RedisTarget(private_redis.url)) as sender:
            answers = await sender.send([make_event(1), make_event(2)])
            assert [answer.accepted for answer in answers] == [False, False]
            assert answers[0].reason.startswith(f"Publishing to Redis at '{private_redis.url}' failed: ")
            await trio.to_thread.run_sync(private_redis.start)
            assert await sender.send([make_event(1)]) == [Answer(accepted=True)]


async def test_events_go_on_in_order_though_the_server_is_killed_in_mid_stream(private_redis: PrivateRedis) -> None:
    events = [make_event(number) for number in range(20_000)]
    reasons: list[str] = []
    numbers: list[int] = []
    with soon():
        async with open_redis(RedisTarget(private_redis.url)) as sender, trio.open_nursery() as nursery:

            async def deliver() -> None:
                reasons.extend(await deliver_all(sender, events, batch=20))

            async with listening(private_redis.url, "*") as listener:
                nursery.start_soon(deliver)
                while len(numbers) < 500:
                    numbers.append(msgspec.json.decode((await listener.message())[1])["number"])
                private_redis.kill()
            await trio.to_thread.run_sync(private_redis.start)
    assert reasons, "the kill hit nothing"
    assert numbers == list(range(500))


async def test_a_cancelled_batch_leaves_the_sender_usable(redis_url: str) -> None:
    namespace = f"test{uuid.uuid4().hex}"
    with soon():
        async with open_redis(RedisTarget(redis_url)) as sender:
            for number in range(20):
                with trio.move_on_after(number / 10_000):
                    await sender.send([make_event(number, namespace=namespace)] * sender.max_batch)
            assert await deliver_all(sender, [make_event(1, namespace=namespace)]) == []


@pytest.mark.parametrize(
    "data", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"-NOAUTH no\r\n", b"$9\r\nabc", bytes(range(256))]
)
async def test_a_stranger_that_talks_nonsense_is_a_refusal(data: bytes) -> None:
    async def talk(stream: trio.SocketStream) -> None:
        async with stream:
            await stream.receive_some(1000)
            await stream.send_all(data)

    with soon():
        async with trio.open_nursery() as nursery:
            (listener,) = await nursery.start(partial(trio.serve_tcp, talk, 0, host="127.0.0.1"))
            port = listener.socket.getsockname()[1]
            async with open_redis(RedisTarget(f"redis://:topsecret@127.0.0.1:{port}")) as sender:
                (answer,) = await sender.send([make_event()])
            nursery.cancel_scope.cancel("the test is over")
    assert not answer.accepted
    assert "topsecret" not in answer.reason


@pytest.mark.parametrize("url", ["", "127.0.0.1:6379", "http://topsecret", "redis://", "redis://:topsecret@h:0"])
def test_a_url_that_cannot_be_used_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ValueError, match="Redis URL") as caught:
        RedisTarget(url).check()
    assert "topsecret" not in str(caught.value)
