"""Official runtimes as peers: a Node program of ours, driven over a line protocol (see ``peer/peer.js``)."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

PEER = Path(__file__).parent / "peer"
ANSWER_SECONDS = 60


class PeerError(Exception):
    """A use case of the official runtime failed."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def installed_peer() -> Path:
    """The folder of the peer with its packages installed; skips loudly without Node, in CI it fails."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("the interop tests need node and npm")
        pytest.skip("no node and npm on this machine: the interop tests with the official runtime DO NOT run")
    if not (PEER / "node_modules" / "@nmshd" / "runtime").exists():
        subprocess.run(
            ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"],
            cwd=PEER,
            check=True,
            timeout=300,
            capture_output=True,
        )
    return PEER


class Peers:
    """The Node process with any number of official accounts in it."""

    def __init__(self, process: trio.Process) -> None:
        self._process = process
        self._lock = trio.Lock()
        self._buffer = b""
        self._next_id = 0

    async def open(self, name: str, **modules: Any) -> Peer:
        """A new account of the official runtime."""
        answer = await self.ask(do="open", name=name, modules=modules)
        return Peer(self, name, answer["address"])

    async def ask(self, **request: Any) -> Any:
        """One request and its answer; raises PeerError."""
        async with self._lock:
            self._next_id += 1
            line = json.dumps(_encoded({"id": self._next_id, **request})) + "\n"
            with trio.fail_after(ANSWER_SECONDS):
                assert self._process.stdin is not None
                await self._process.stdin.send_all(line.encode())
                answer = json.loads(await self._line())
        assert answer["id"] == self._next_id
        if "error" in answer:
            raise PeerError(answer["error"]["code"], answer["error"]["message"])
        return _decoded(answer["value"])

    async def _line(self) -> bytes:
        assert self._process.stdout is not None
        while b"\n" not in self._buffer:
            received = await self._process.stdout.receive_some(1 << 20)
            if not received:
                raise AssertionError("the peer process ended")
            self._buffer += received
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line


class Peer:
    """One account of the official runtime."""

    def __init__(self, peers: Peers, name: str, address: str) -> None:
        self._peers = peers
        self.name = name
        self.address = address

    async def transport(self, path: str, argument: Any = None) -> Any:
        """Run a transport use case, e.g. ``messages.sendMessage``; raises PeerError."""
        return await self._peers.ask(do="call", name=self.name, path=f"transport.{path}", argument=argument)

    async def consumption(self, path: str, argument: Any = None) -> Any:
        """Run a consumption use case, e.g. ``outgoingRequests.create``; raises PeerError."""
        return await self._peers.ask(do="call", name=self.name, path=f"consumption.{path}", argument=argument)

    async def sync(self) -> Any:
        """Synchronise; answers what changed."""
        return await self.transport("account.syncEverything")

    async def events(self) -> list[dict[str, Any]]:
        """The events since the last call."""
        found: list[dict[str, Any]] = await self._peers.ask(do="events", name=self.name)
        return found


@asynccontextmanager
async def official_peers(base_url: str) -> AsyncIterator[Peers]:
    """A Node process whose accounts live at the Backbone ``base_url``."""
    folder = await trio.to_thread.run_sync(installed_peer)
    command = ["node", str(folder / "peer.js"), base_url, "test", "test"]
    async with trio.open_nursery() as nursery:
        run = partial(trio.run_process, command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, check=False)
        process = await nursery.start(run)
        try:
            yield Peers(process)
        finally:
            nursery.cancel_scope.cancel()


def _encoded(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"$base64": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {key: _encoded(member) for key, member in value.items()}
    return [_encoded(member) for member in value] if isinstance(value, list) else value


def _decoded(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"$base64"}:
            return base64.b64decode(value["$base64"])
        return {key: _decoded(member) for key, member in value.items()}
    return [_decoded(member) for member in value] if isinstance(value, list) else value
