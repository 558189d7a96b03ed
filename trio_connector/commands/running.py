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
MAX_EVENT_BYTES = 256 * 1024 * 1024
EVENTS_AT_ONCE = 500
GIVEN_UP_AT_ONCE = 100
NOT_KEPT = 4410
"""The close code of a stream that would have to leave out events that are not kept any more."""
POSITION_HEADER = b"x-event-position"


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
        """A live stream of events; raises ConnectorError for a refusal, NotReachedError when nobody answers."""
        query = urlencode({k: v for k, v in (("after", after), ("namespace", namespace)) if v is not None})
        address = urlsplit(self.url)
        scheme = "wss" if address.scheme == "https" else "ws"
        url = f"{scheme}://{address.netloc}{address.path}{PREFIX}/Events/Stream{'?' if query else ''}{query}"
        headers = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        with _stream_failures(self.url):
            async with open_websocket_url(
                url, extra_headers=headers, connect_timeout=10, max_message_size=MAX_EVENT_BYTES
            ) as connection:
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
    """Print events as they happen, for ever; a lost connection is taken up again where it was, without a gap.

    Raises ConnectorError when the Connector refuses the stream, or does not keep the events any more that come next;
    NotReachedError when it does not answer the first time.
    """
    reached = after
    opened = False
    while True:
        failure: Exception | None = None
        try:
            async with connector.stream(reached, namespace) as stream:
                opened = True
                if reached is None:
                    reached = _position(stream)
                while True:
                    event = json.loads(await stream.get_message())
                    print_event(event, as_json=as_json)
                    reached = event["position"]
        except* ConnectionClosed as group:
            failure = _not_kept(_first(group))
        except* NotReachedError as group:
            failure = None if opened else _first(group)
        if failure is not None:
            raise failure
        await trio.sleep(RECONNECT_SECONDS)


def _position(stream: WebSocketConnection) -> int | None:
    """Where a stream from now on begins."""
    positions = [value for name, value in stream.handshake_headers if name.lower() == POSITION_HEADER]
    return int(positions[0]) if positions and positions[0].isdigit() else None


def _not_kept(closed: Exception) -> ConnectorError | None:
    """What a closed stream means that cannot be taken up where it was."""
    reason = closed.reason if isinstance(closed, ConnectionClosed) else None
    if reason is None or reason.code != NOT_KEPT:
        return None
    return ConnectorError("error.connector.events.positionNotKept", str(reason.reason), status=410)


async def list_events(connector: RunningConnector, query: Mapping[str, Any], *, as_json: bool) -> None:
    """Print events of the log: all that are asked for, or the first ``limit`` of them."""
    left: int | None = query.get("limit")
    after = query.get("after")
    while left is None or left > 0:
        limit = EVENTS_AT_ONCE if left is None else min(left, EVENTS_AT_ONCE)
        events = await connector.get("Events", {**query, "after": after, "limit": limit})
        for event in events:
            print_event(event, as_json=as_json)
        if len(events) < limit:
            return
        after = events[-1]["position"]
        left = None if left is None else left - len(events)


async def replay(
    connector: RunningConnector, name: str, *, ids: Sequence[str], after: int | None, until: int | None, given_up: bool
) -> None:
    """Send events to a subscriber again: those with ``ids``, a range of positions, or all that were given up."""
    path = f"Subscribers/{quote(name, safe='')}"
    body: dict[str, Any]
    if given_up:
        count = (await connector.get(path))["givenUp"]
        if not count:
            click.echo("Nothing was given up.")
            return
        body, said = {"givenUp": True}, f"{count} events are sent again."
    elif ids:
        body, said = {"ids": list(ids)}, f"{len(ids)} events are sent again."
    else:
        body, said = {"after": after or 0}, "The events are sent again."
        if until is not None:
            body["until"] = until
    await connector.post(f"{path}/Replay", body)
    click.echo(said)


async def list_subscribers(connector: RunningConnector, *, as_json: bool) -> None:
    """Print who is told of events, and how far each is."""
    states = await connector.get("Subscribers")
    if as_json:
        for state in states:
            click.echo(json.dumps(state, ensure_ascii=False))
        return
    _print_table(
        ("Name", "Kind", "State", "Lag", "Given up", "Receiver"),
        [(s["name"], s.get("kind"), _state(s), s.get("lag"), s.get("givenUp"), s.get("receiver")) for s in states],
    )


def _state(subscriber: Mapping[str, Any]) -> str:
    return f"{subscriber.get('state')}{', far behind' if subscriber.get('behind') else ''}"


async def show_subscriber(connector: RunningConnector, name: str) -> None:
    """Print everything about one subscriber."""
    click.echo(json.dumps(await connector.get(f"Subscribers/{quote(name, safe='')}"), indent=2, ensure_ascii=False))


async def list_given_up(connector: RunningConnector, name: str, *, as_json: bool) -> None:
    """Print what a subscriber did not get although it was tried as often as configured."""
    path = f"Subscribers/{quote(name, safe='')}/GivenUp"
    rows = []
    after = 0
    complete = False
    while not complete:
        entries = await connector.get(path, {"after": after, "limit": GIVEN_UP_AT_ONCE})
        for entry in entries:
            if as_json:
                click.echo(json.dumps(entry, ensure_ascii=False))
            else:
                rows.append([entry.get(key) for key in ("position", "eventId", "givenUpAt", "attempts", "reason")])
            after = entry["position"]
        complete = len(entries) < GIVEN_UP_AT_ONCE
    if not as_json:
        _print_table(("Position", "Event", "Given up at", "Attempts", "Reason"), rows)


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
    body = _read(answer.content)
    if (refusal := _refusal(body, answer.status_code)) is not None:
        raise refusal
    if not answer.is_success or not isinstance(body, dict) or "result" not in body:
        raise NotReachedError(f"The server at {answer.url.host}:{answer.url.port} is no Connector.")
    return body["result"]


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _refusal(body: Any, status: int) -> ConnectorError | None:
    """The error that a Connector answers."""
    if not isinstance(body, dict) or not isinstance(body.get("error"), dict):
        return None
    return ConnectorError(str(body["error"].get("code")), str(body["error"].get("message")), status=status)


@contextmanager
def _stream_failures(url: str) -> Iterator[None]:
    try:
        yield
    except ConnectionRejected as error:
        refusal = _refusal(_read(error.body or b""), error.status_code)
        if refusal is not None and refusal.status < httpx.codes.INTERNAL_SERVER_ERROR:
            raise refusal from error
        raise NotReachedError(f"The Connector at {url} refuses the stream with status {error.status_code}.") from error
    except (HandshakeError, OSError) as error:
        raise NotReachedError(f"The Connector at {url} does not answer.") from error


def _first(group: ExceptionGroup[Any]) -> Exception:
    error: Exception = group.exceptions[0]
    return _first(error) if isinstance(error, ExceptionGroup) else error
