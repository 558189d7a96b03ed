"""Official runtimes as peers: a Node program of ours, driven over a line protocol (see ``peer/peer.js``)."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
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
    """The program of the peer, with its packages installed."""
    return installed(PEER / "peer.js", "@nmshd/runtime")


def installed(program: Path, package: str) -> Path:
    """A program with ``package`` and what else it needs installed; skips loudly without Node, in CI it fails."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("the interop tests need node and npm")
        pytest.skip(f"no node and npm on this machine: the interop tests with {package} DO NOT run")
    if not (program.parent / "node_modules" / package).exists():
        subprocess.run(
            ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"],
            cwd=program.parent,
            check=True,
            timeout=300,
            capture_output=True,
        )
    return program


class PeerProcess:
    """The Node process of a test session; accounts of any test live in it, each at the Backbone of its test."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen(
            ["node", str(program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._last_id = 0

    def ask(self, request: dict[str, Any]) -> Any:
        """One request and its answer; blocks. Raises PeerError."""
        self._last_id += 1
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(_encoded({"id": self._last_id, **request})).encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the peer process ended"
        answer = json.loads(line)
        assert answer["id"] == self._last_id
        if "error" in answer:
            raise PeerError(answer["error"]["code"], answer["error"]["message"])
        return _decoded(answer["value"])

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


class Peers:
    """The official accounts of one test, all at its Backbone."""

    def __init__(self, process: PeerProcess, base_url: str) -> None:
        self._process = process
        self._base_url = base_url
        self._lock = trio.Lock()
        self._names: list[str] = []

    async def open(self, name: str, **modules: Any) -> Peer:
        """A new account of the official runtime; ``modules`` are the options of its modules by name."""
        answer = await self.ask(do="open", name=name, baseUrl=self._base_url, modules=modules)
        self._names.append(name)
        return Peer(self, name, answer["address"])

    async def ask(self, **request: Any) -> Any:
        """One request and its answer; raises PeerError."""
        async with self._lock:
            with trio.fail_after(ANSWER_SECONDS):
                return await trio.to_thread.run_sync(self._process.ask, request, abandon_on_cancel=True)

    async def close(self) -> None:
        """End all accounts."""
        for name in self._names:
            await self.ask(do="close", name=name)


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
