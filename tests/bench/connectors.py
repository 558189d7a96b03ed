"""The Connectors that are measured: given by their URLs, or started here with a Backbone of their own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.bench.load import Api

KEY = "This_is_a_test_APIKEY_with_30_chars+"
START_SECONDS = 60.0
STOP_SECONDS = 30.0
REPOSITORY = Path(__file__).parents[2]


class Connector:
    """A running Connector: its API, and its process where that is on this machine."""

    def __init__(self, name: str, api: Api, pid: int | None) -> None:
        self.name = name
        self.api = api
        self._process = None if pid is None else psutil.Process(pid)

    def cpu_seconds(self) -> float | None:
        """What its process has used so far; None when it is somewhere else."""
        if self._process is None:
            return None
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def memory_mib(self) -> float | None:
        """Its resident memory now."""
        return None if self._process is None else self._process.memory_info().rss / (1 << 20)

    def restart(self, modules: Mapping[str, Any]) -> float | None:
        """Start it again with other modules: the seconds until it is healthy. None when that is not ours to do."""
        return None


class Spawned(Connector):
    """A Connector in a folder of its own. ``command`` gets its configuration file in the environment."""

    def __init__(
        self, name: str, command: Sequence[str], cwd: Path, folder: Path, backbone: str, more: Mapping[str, Any]
    ) -> None:
        folder.mkdir(parents=True)
        (folder / "data").mkdir(mode=0o700)
        port = free_port()
        super().__init__(name, Api(f"http://127.0.0.1:{port}", KEY), None)
        self._command = command
        self._cwd = cwd
        self._folder = folder
        self._running: subprocess.Popen[bytes] | None = None
        self._configuration = {
            "transportLibrary": {
                "baseUrl": backbone,
                "platformClientId": "test",
                "platformClientSecret": "test",
                "addressGenerationHostnameOverride": "localhost",
            },
            "infrastructure": {
                "httpServer": {"port": port, "authentication": {"apiKey": {"keys": {"test": {"key": KEY}}}}}
            },
            **more,
        }

    def restart(self, modules: Mapping[str, Any]) -> float:
        self.stop()
        file = self._folder / "config.json"
        file.write_text(json.dumps({**self._configuration, "modules": modules}))
        began = time.monotonic()
        with (self._folder / "log").open("ab") as output:
            self._running = subprocess.Popen(
                self._command,
                cwd=self._cwd,
                env={**environment(), "CUSTOM_CONFIG_LOCATION": str(file)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self._process = psutil.Process(self._running.pid)
        health = self.api.message("GET", "/health")
        while not self._is_healthy(health):
            if time.monotonic() - began > START_SECONDS or self._running.poll() is not None:
                self.stop()
                raise RuntimeError(f"{self.name} did not start: {(self._folder / 'log').read_text()[-3000:]}")
            time.sleep(0.005)
        return time.monotonic() - began

    def _is_healthy(self, request: bytes) -> bool:
        try:
            return self.api.exchange(request)[0] == 200
        except OSError:
            return False

    def stop(self) -> None:
        """End it politely; kill it when that takes too long."""
        running, self._running = self._running, None
        if running is None:
            return
        running.send_signal(signal.SIGTERM)
        try:
            running.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def given(argument: str) -> Connector:
    """``URL`` or ``URL=KEY``; its process is found by the port, where it is on this machine."""
    url, _, key = argument.partition("=")
    api = Api(url, key or None)
    pid = next(
        (
            connection.pid
            for connection in psutil.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == api.port
        ),
        None,
    )
    return Connector(url, api, pid)


def ours(name: str, folder: Path, backbone: str) -> Spawned:
    """This Connector."""
    return Spawned(
        name,
        [sys.executable, "-m", "trio_connector", "start"],
        REPOSITORY,
        folder,
        backbone,
        {"database": {"driver": "sqlite", "folder": str(folder / "data")}},
    )


def official(name: str, folder: Path, backbone: str, *, checkout: Path, node: str) -> Spawned:
    """The official Connector of a built checkout, with the database that needs no server."""
    return Spawned(
        name,
        [node, "dist/index.js", "start"],
        checkout,
        folder,
        backbone,
        {"debug": True, "database": {"driver": "lokijs", "folder": str(folder / "data"), "dbName": "bench"}},
    )


@contextmanager
def running_backbone() -> Iterator[str]:
    """An embedded Backbone that lets any number of messages wait, in a process of its own; its URL."""
    with subprocess.Popen([sys.executable, "-m", "tests.bench.backbone"], stdout=subprocess.PIPE) as process:
        try:
            yield process.stdout.readline().decode().strip() if process.stdout else ""
        finally:
            process.terminate()


def environment() -> dict[str, str]:
    """The environment of what is started; an installed Connector keeps its compiled modules."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def free_port() -> int:
    """A TCP port on the loopback interface that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
