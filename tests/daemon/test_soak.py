"""Ten thousand events, a receiver that fails again and again, ten kills: nothing is lost, and order is kept."""

from __future__ import annotations

import random
import socket
import struct
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import trio

from tests.daemon.soaking import NAMESPACE

EVENTS = 10_000
KILLS = 10
SECONDS = 600
"""An idle machine needs a tenth of it."""

SERVER_ERRORS, RESETS, SILENCES = 0.2, 0.099, 0.001
"""Which part of the attempts fails how; together 30 %. One that is not answered costs the whole timeout."""

MAX_SENT_AGAIN = 17
"""What a kill can cause to be sent again: sixteen attempts that are not saved yet, and the one under way."""


class Delivery(msgspec.Struct, frozen=True):
    """What arrived."""

    id: str
    number: int
    accepted: bool


class Unreliable:
    """A receiver that fails at random, and at certain points kills the sender in the middle of a delivery."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.deliveries: list[Delivery] = []
        self.highest = -1
        self.kill_at: list[int] = [EVENTS * (kill + 1) // (KILLS + 1) for kill in range(KILLS)]
        self.killed = 0
        self.sender: subprocess.Popen[bytes] | None = None
        self.ended = trio.Event()
        """The sender was killed, or everything is there."""

    async def serve(self, stream: trio.SocketStream) -> None:
        """One connection."""
        received = b""
        try:
            async with stream:
                while True:
                    head, found, body = received.partition(b"\r\n\r\n")
                    headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if found)
                    if not found or len(body) < int(headers[b"content-length"]):
                        chunk = await stream.receive_some(65536)
                        if not chunk:
                            return
                        received += chunk
                        continue
                    received = b""
                    if not await self._answer(stream, headers[b"webhook-id"].decode(), body):
                        return
        except trio.BrokenResourceError:
            return  # it was killed

    async def _answer(self, stream: trio.SocketStream, id_: str, body: bytes) -> bool:
        """Answer one delivery; whether the connection goes on."""
        sent = msgspec.json.decode(body)
        assert sent["trigger"] == NAMESPACE
        number: int = sent["data"]["number"]
        drawn = self._chance.random()
        if self.kill_at and number >= self.kill_at[0]:
            self.kill_at.pop(0)
            self.deliveries.append(Delivery(id_, number, accepted=False))
            self._kill()
            return False
        accepted = drawn >= SERVER_ERRORS + RESETS + SILENCES
        self.deliveries.append(Delivery(id_, number, accepted))
        if accepted:
            self.highest = max(self.highest, number)
            await stream.send_all(b"HTTP/1.1 204 No Content\r\n\r\n")
            if self.highest == EVENTS - 1:
                self.ended.set()
            return True
        if drawn < SERVER_ERRORS:
            await stream.send_all(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
            return True
        if drawn < SERVER_ERRORS + RESETS:
            # Closed so, the connection is reset.
            stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        await stream.receive_some(1)  # until the sender has lost its patience
        return False

    def _kill(self) -> None:
        assert self.sender is not None
        self.sender.kill()
        self.killed += 1
        self.ended.set()


@asynccontextmanager
async def listening(receiver: Unreliable) -> AsyncIterator[str]:
    """The URL at which ``receiver`` is told of events."""
    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, receiver.serve, [listener])
        yield f"http://127.0.0.1:{listener.socket.getsockname()[1]}/"
        nursery.cancel_scope.cancel("the test is over")


async def test_every_event_arrives_in_order_though_receiver_and_process_fail_again_and_again(tmp_path: Path) -> None:
    receiver = Unreliable(random.Random(7))
    with trio.fail_after(SECONDS):
        async with listening(receiver) as url:
            while receiver.highest < EVENTS - 1:
                receiver.ended = trio.Event()
                arguments = [str(tmp_path), url, str(EVENTS)]
                # Nothing else runs that starting a process could hold up.
                with subprocess.Popen([sys.executable, "-m", "tests.daemon.soaking", *arguments]) as sender:  # noqa: ASYNC220 - see above
                    receiver.sender = sender
                    try:
                        await receiver.ended.wait()
                    finally:
                        sender.kill()
    deliveries = receiver.deliveries
    assert receiver.killed == KILLS
    accepted = [delivery for delivery in deliveries if delivery.accepted]
    assert list(dict.fromkeys(delivery.number for delivery in deliveries)) == list(range(EVENTS))
    assert list(dict.fromkeys(delivery.number for delivery in accepted)) == list(range(EVENTS))
    assert len({(delivery.id, delivery.number) for delivery in deliveries}) == EVENTS
    assert len({delivery.id for delivery in deliveries}) == EVENTS
    assert len(accepted) - EVENTS <= KILLS * MAX_SENT_AGAIN
    failed = 1 - len(accepted) / len(deliveries)
    assert 0.28 < failed < 0.32
