"""Commands that ask a running Connector, by its HTTP API: events and subscribers (design section 6)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import click
import httpx
import trio
from trio_websocket import ConnectionClosed, ConnectionRejected, HandshakeError, WebSocketConnection, open_websocket_url

from trio_connector.errors import ConnectorError
from trio_connector.settings import Settings, is_strong

PREFIX = "/api/core/v1"
ANSWER_SECONDS = 60
RECONNECT_SECONDS = 2.0


class NotReachedError(Exception):
    """The Connector does not answer, or not as one does."""


@dataclass(frozen=True)
class RunningConnector:
    """Where a Connector listens, and the key that its API takes."""

    url: str
    api_key: str | None = field(repr=False)
    header_name: str = "X-API-KEY"

    @property
    def headers(self) -> dict[str, str]:
        """What authenticates a request."""
        return {self.header_name: self.api_key} if self.api_key else {}

    async def get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """The result of a GET; raises ConnectorError for a refusal, NotReachedError when nobody answers."""
        return await self._request("GET", path, query=query)

    async def post(self, path: str, body: Any) -> Any:
        """The result of a POST."""
        return await self._request("POST", path, body=body)

    async def put(self, path: str) -> Any:
        """The result of a PUT without body."""
        return await self._request("PUT", path)

    async def _request(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Any = None
    ) -> Any:
        parameters = {key: value for key, value in (query or {}).items() if value is not None}
        try:
            with trio.fail_after(ANSWER_SECONDS):
                async with httpx.AsyncClient(headers=self.headers, trust_env=False) as client:
                    answer = await client.request(
                        method,
                        f"{self.url}{PREFIX}/{path}",
                        params=parameters,
                        json=body,
                        timeout=ANSWER_SECONDS,
                    )
        except (httpx.HTTPError, trio.TooSlowError) as error:
            raise NotReachedError(f"The Connector at {self.url} does not answer: {error or 'too slow'}") from error
        return _result(answer)

    @asynccontextmanager
    async def stream(self, after: int | None, namespace: str | None) -> AsyncIterator[WebSocketConnection]:
        """A live stream of events; raises NotReachedError when it cannot be opened."""
        query = urlencode({k: v for k, v in (("after", after), ("namespace", namespace)) if v is not None})
        address = urlsplit(self.url)
        scheme = "wss" if address.scheme == "https" else "ws"
        url = f"{scheme}://{address.netloc}{address.path}{PREFIX}/Events/Stream{'?' if query else ''}{query}"
        headers = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        with _stream_failures(self.url):
            async with open_websocket_url(url, extra_headers=headers, connect_timeout=10) as connection:
                yield connection


def connector_of(settings: Settings) -> RunningConnector:
    """The Connector that runs with these settings on this machine, with a key that has all roles if there is one."""
    server = settings.infrastructure.http_server
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(server.host, server.host)  # noqa: S104 - compared, not listened on
    api_key = server.authentication.api_key
    usable = [key.key for key in api_key.keys.values() if key.enabled and "**" in key.roles]
    kept = settings.database.folder_path / "api-key"
    if not usable and settings.needs_generated_api_key and kept.is_file():
        usable = [key for key in [kept.read_text("utf-8").strip()] if is_strong(key)]
    return RunningConnector(
        f"http://{f'[{host}]' if ':' in host else host}:{server.port}",
        usable[0] if usable else None,
        api_key.header_name,
    )


async def tail(connector: RunningConnector, *, after: int | None, namespace: str | None, as_json: bool) -> None:
    """Print events as they happen, for ever; a lost connection is taken up again where it was."""
    reached = after
    first = True
    while True:
        try:
            async with connector.stream(reached, namespace) as stream:
                first = False
                while True:
                    event = json.loads(await stream.get_message())
                    print_event(event, as_json=as_json)
                    reached = event["position"]
        except* (NotReachedError, ConnectionClosed) as group:
            if first:
                raise _first(group) from None
        await trio.sleep(RECONNECT_SECONDS)


async def list_events(connector: RunningConnector, query: Mapping[str, Any], *, as_json: bool) -> None:
    """Print events of the log."""
    for event in await connector.get("Events", query):
        print_event(event, as_json=as_json)


async def replay(
    connector: RunningConnector, name: str, *, ids: Sequence[str], after: int | None, until: int | None, given_up: bool
) -> None:
    """Send events to a subscriber again: those with ``ids``, a range of positions, or all that were given up."""
    if given_up:
        entries = await connector.get(f"Subscribers/{quote(name, safe='')}/GivenUp")
        ids = [entry["eventId"] for entry in entries]
    if given_up and not ids:
        click.echo("Nothing was given up.")
        return
    body: dict[str, Any] = {"ids": list(ids)} if ids else {"after": after or 0}
    if not ids and until is not None:
        body["until"] = until
    await connector.post(f"Subscribers/{quote(name, safe='')}/Replay", body)
    click.echo(f"{len(ids)} events are sent again." if ids else "The events are sent again.")


async def list_subscribers(connector: RunningConnector, *, as_json: bool) -> None:
    """Print who is told of events, and how far each is."""
    states = await connector.get("Subscribers")
    if as_json:
        for state in states:
            click.echo(json.dumps(state, ensure_ascii=False))
        return
    _print_table(
        ("Name", "Kind", "State", "Lag", "Given up", "Receiver"),
        [(s["name"], s.get("kind"), s.get("state"), s.get("lag"), s.get("givenUp"), s.get("receiver")) for s in states],
    )


async def show_subscriber(connector: RunningConnector, name: str) -> None:
    """Print everything about one subscriber."""
    click.echo(json.dumps(await connector.get(f"Subscribers/{quote(name, safe='')}"), indent=2, ensure_ascii=False))


async def list_given_up(connector: RunningConnector, name: str, *, as_json: bool) -> None:
    """Print what a subscriber did not get although it was tried as often as configured."""
    entries = await connector.get(f"Subscribers/{quote(name, safe='')}/GivenUp")
    if as_json:
        for entry in entries:
            click.echo(json.dumps(entry, ensure_ascii=False))
        return
    _print_table(
        ("Position", "Event", "Given up at", "Attempts", "Reason"),
        [
            (e.get("position"), e.get("eventId"), e.get("givenUpAt"), e.get("attempts"), e.get("reason"))
            for e in entries
        ],
    )


async def set_paused(connector: RunningConnector, name: str, *, paused: bool) -> None:
    """Stop serving a subscriber, or go on; it misses nothing."""
    await connector.put(f"Subscribers/{quote(name, safe='')}/{'Pause' if paused else 'Resume'}")
    click.echo(f"'{name}' is {'paused' if paused else 'served again'}.")


def print_event(event: Mapping[str, Any], *, as_json: bool) -> None:
    """One line: JSON, or position, time, namespace and data for people."""
    if as_json:
        click.echo(json.dumps(event, ensure_ascii=False, separators=(",", ":")))
        return
    data = json.dumps(event.get("data"), ensure_ascii=False) if "data" in event else ""
    click.echo(
        f"{click.style(str(event['position']).rjust(6), dim=True)} {event['occurredAt']} "
        f"{click.style(_printable(event['namespace']), fg='cyan', bold=True)} {_printable(data)}".rstrip()
    )


def _print_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*head, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(_printable("" if cell is None else str(cell))) for cell in row))
    Console().print(table)


def _printable(text: str) -> str:
    """Without control characters: what a peer wrote must not command the terminal."""
    return "".join(char if char.isprintable() else " " for char in text)


def _result(answer: httpx.Response) -> Any:
    if answer.status_code == httpx.codes.NO_CONTENT:
        return None
    try:
        body = answer.json()
    except ValueError:
        body = None
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        error = body["error"]
        raise ConnectorError(str(error.get("code")), str(error.get("message")), status=answer.status_code)
    if not answer.is_success or not isinstance(body, dict) or "result" not in body:
        raise NotReachedError(f"The server at {answer.url.host}:{answer.url.port} is no Connector.")
    return body["result"]


@contextmanager
def _stream_failures(url: str) -> Iterator[None]:
    try:
        yield
    except ConnectionRejected as error:
        raise NotReachedError(f"The Connector at {url} refuses the stream with status {error.status_code}.") from error
    except (HandshakeError, OSError) as error:
        raise NotReachedError(f"The Connector at {url} does not answer.") from error


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
