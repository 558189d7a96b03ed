"""A real browser for tests: headless Chromium, driven over its DevTools protocol."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import trio
from trio_websocket import WebSocketConnection, open_websocket_url

from tests.services import missing

START_SECONDS = 60
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


class Page:
    """One page of the browser."""

    def __init__(self, connection: WebSocketConnection) -> None:
        self._connection = connection
        self._last_id = 0
        self.requested: list[str] = []
        """The URLs the page asked for."""

    async def command(self, method: str, **parameters: Any) -> Any:
        """One command of the protocol; answers its result."""
        self._last_id += 1
        await self._connection.send_message(json.dumps({"id": self._last_id, "method": method, "params": parameters}))
        while True:
            message = json.loads(await self._connection.get_message())
            if message.get("method") == "Network.requestWillBeSent":
                self.requested.append(message["params"]["request"]["url"])
            if message.get("id") == self._last_id:
                assert "error" not in message, message
                return message["result"]

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        answer = await self.command("Runtime.evaluate", expression=expression, returnByValue=True)
        return answer["result"].get("value")

    async def wait_for(self, expression: str) -> Any:
        """The value of an expression, once it is true."""
        with trio.fail_after(30):
            while not (value := await self.evaluate(expression)):
                await trio.sleep(0.05)  # polls another process
        return value

    async def click(self, selector: str) -> None:
        """Click on the first element of a CSS selector, once it is there."""
        await self.wait_for(f"document.querySelector({json.dumps(selector)}) !== null")
        await self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")


@asynccontextmanager
async def open_page(url: str, folder: Path) -> AsyncIterator[Page]:
    """A page with ``url`` in a browser of its own, whose data are kept in ``folder``."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None) or missing("Chromium")
    command = [
        program,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--remote-debugging-port=0",
        f"--user-data-dir={folder}",
        "about:blank",
    ]
    async with trio.open_nursery() as nursery:
        run = partial(trio.run_process, command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        process: trio.Process = await nursery.start(run)
        assert process.stderr is not None
        with trio.fail_after(START_SECONDS):
            port = await _port(process.stderr)
        nursery.start_soon(_drain, process.stderr)
        async with httpx.AsyncClient(trust_env=False) as client:
            targets = (await client.get(f"http://127.0.0.1:{port}/json/list")).json()
        target = next(target for target in targets if target["type"] == "page")
        async with open_websocket_url(target["webSocketDebuggerUrl"], max_message_size=64_000_000) as connection:
            page = Page(connection)
            await page.command("Network.enable")
            await page.command("Page.enable")
            await page.command("Page.navigate", url=url)
            yield page
        nursery.cancel_scope.cancel("the test is over")


async def _port(stream: trio.abc.ReceiveStream) -> int:
    said = ""
    while True:
        said += (await stream.receive_some(4096)).decode(errors="replace")
        found = re.search(r"DevTools listening on ws://127\.0\.0\.1:([0-9]+)/", said)
        if found:
            return int(found[1])


async def _drain(stream: trio.abc.ReceiveStream) -> None:
    while await stream.receive_some(4096):
        pass
