"""The daemon as operators run it: a process of its own, started from a configuration file and ended by signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import trio

from tests.services import free_port

REPOSITORY = Path(__file__).parents[2]
START_SECONDS = 60
STOP_SECONDS = 30
KEY = "This_is_a_test_APIKEY_with_30_chars+"


class Program:
    """``trio-connector`` with some arguments, in a folder. It can be started, killed and started again."""

    def __init__(self, folder: Path, name: str, arguments: Sequence[str], until: str) -> None:
        """It has started when it logs ``until``; its log is ``<name>.log``."""
        self.folder = folder
        self.log_file = folder / f"{name}.log"
        self._arguments = arguments
        self._until = until
        self._process: subprocess.Popen[bytes] | None = None

    def log(self) -> str:
        """All it has logged so far, over all its starts."""
        return self.log_file.read_text()

    def launch(self) -> None:
        """Start the process and do not wait."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
        with self.log_file.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "trio_connector", *self._arguments],
                cwd=self.folder,
                env={**environment, "PYTHONPATH": str(REPOSITORY)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    async def start(self) -> None:
        """Start the process and wait until it has started."""
        starts = self.log().count(self._until) if self.log_file.exists() else 0
        self.launch()
        with trio.fail_after(START_SECONDS):
            while self.log().count(self._until) == starts:
                assert self.is_running, self.log()[-3000:]
                await trio.sleep(0.02)  # polls the log of another process

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send the process a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End the process as a power failure would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    async def wait(self) -> int:
        """Wait until the process has ended; its exit status."""
        assert self._process is not None
        with trio.fail_after(STOP_SECONDS):
            return await trio.to_thread.run_sync(self._process.wait, abandon_on_cancel=True)

    async def stop(self) -> int:
        """End the process politely; its exit status."""
        self.signal(signal.SIGTERM)
        return await self.wait()


class Daemon(Program):
    """A Connector in a folder of its own."""

    def __init__(self, folder: Path, base_url: str, *, modules: dict[str, Any] | None = None, **more: Any) -> None:
        super().__init__(folder, "daemon", ["start", "-c", "config.json"], "Started all modules.")
        self.port = free_port()
        configuration = {
            "transportLibrary": {
                "baseUrl": base_url,
                "platformClientId": "test",
                "platformClientSecret": "test",
                "addressGenerationHostnameOverride": "localhost",
            },
            "database": {"folder": str(folder / "data")},
            "infrastructure": {
                "httpServer": {
                    "host": "127.0.0.1",
                    "port": self.port,
                    "authentication": {"apiKey": {"keys": {"test": {"key": KEY}}}},
                }
            },
            "modules": modules or {},
            **more,
        }
        (folder / "config.json").write_text(json.dumps(configuration))

    @property
    def url(self) -> str:
        """Where its HTTP API listens."""
        return f"http://127.0.0.1:{self.port}"

    def client(self, **options: Any) -> httpx.AsyncClient:
        """A client of its API that has all rights."""
        return httpx.AsyncClient(
            base_url=f"{self.url}/api/core/v1/", headers={"X-API-KEY": KEY}, trust_env=False, timeout=60, **options
        )


@asynccontextmanager
async def running_program(folder: Path, name: str, arguments: Sequence[str], *, until: str) -> AsyncIterator[Program]:
    """A started program; killed at the end when it still runs."""
    program = Program(folder, name, arguments, until)
    try:
        await program.start()
        yield program
    finally:
        if program.is_running:
            program.kill()


@asynccontextmanager
async def running_daemon(folder: Path, base_url: str, **configuration: Any) -> AsyncIterator[Daemon]:
    """A started daemon; killed at the end when it still runs."""
    daemon = Daemon(folder, base_url, **configuration)
    try:
        await daemon.start()
        yield daemon
    finally:
        if daemon.is_running:
            daemon.kill()
