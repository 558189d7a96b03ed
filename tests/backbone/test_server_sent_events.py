"""The event stream over a real socket, and its parser on any bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from tests.backbone.doubles import Double, backbone_of, http_response, read_request, serving
from trio_connector.backbone.server_sent_events import MAX_LINE_BYTES, SILENCE_SECONDS, EventNames
from trio_connector.errors import BackboneRequestError

TOKEN = b'{"access_token":"token","expires_in":300}'
STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


async def test_events_arrive_as_they_come() -> None:
    more = trio.Event()
    heads: list[bytes] = []

    async def handler(stream: trio.SocketStream) -> None:
        while head := await read_request(stream):
            heads.append(head)
            if b"/connect/token" in head:
                await stream.send_all(http_response(TOKEN))
                continue
            await stream.send_all(STREAM_HEAD + chunk(b"event: ConnectionOpened\ndata: _\n\n"))
            await more.wait()
            await stream.send_all(chunk(b"event: keep-alive\r\ndata: _\r\n\r\nevent: External"))
            await stream.send_all(chunk(b"EventCreated\ndata: _\n\n") + b"0\r\n\r\n")

    async with serving(handler) as url, httpx.AsyncClient() as client:
        with trio.fail_after(10):
            async with backbone_of(client, url).server_sent_events.connect() as events:
                names = [await anext(events)]
                assert names == ["ConnectionOpened"]
                more.set()
                names.extend([name async for name in events])
    assert names == ["ConnectionOpened", "keep-alive", "ExternalEventCreated"]
    assert b"Authorization: Bearer token" in heads[-1]
    assert b"GET /api/v1/sse " in heads[-1]


async def test_a_refused_token_is_replaced_once() -> None:
    refused = 0

    async def handler(stream: trio.SocketStream) -> None:
        nonlocal refused
        while head := await read_request(stream):
            if b"/connect/token" in head:
                await stream.send_all(http_response(TOKEN))
            elif refused == 0:
                refused += 1
                await stream.send_all(http_response(b"", status="401 Unauthorized"))
            else:
                await stream.send_all(STREAM_HEAD + chunk(b"event: ConnectionOpened\n\n") + b"0\r\n\r\n")

    async with serving(handler) as url, httpx.AsyncClient() as client:
        with trio.fail_after(10):
            async with backbone_of(client, url).server_sent_events.connect() as events:
                assert [name async for name in events] == ["ConnectionOpened"]
    assert refused == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("401 Unauthorized", "error.platform.unauthorized"),
        ("404 Not Found", "error.transport.request.notFound"),
        ("503 Service Unavailable", "error.platform.unexpected"),
        ("204 No Content", "error.transport.request.unknown"),
    ],
)
async def test_a_backbone_without_a_stream(status: str, code: str) -> None:
    async def handler(stream: trio.SocketStream) -> None:
        while head := await read_request(stream):
            if b"/connect/token" in head:
                await stream.send_all(http_response(TOKEN))
            else:
                await stream.send_all(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())

    async with serving(handler) as url, httpx.AsyncClient() as client:
        with trio.fail_after(10), pytest.raises(BackboneRequestError) as raised:
            async with backbone_of(client, url).server_sent_events.connect():
                pytest.fail("there is no stream")
    assert raised.value.code == code


async def test_a_stream_that_breaks_says_so_and_leaving_early_is_fine() -> None:
    async def handler(stream: trio.SocketStream) -> None:
        while head := await read_request(stream):
            if b"/connect/token" in head:
                await stream.send_all(http_response(TOKEN))
            else:
                await stream.send_all(STREAM_HEAD + chunk(b"event: a\n\nevent: b\n\n"))
                return

    async with serving(handler) as url, httpx.AsyncClient() as client:
        backbone = backbone_of(client, url)
        with trio.fail_after(10):
            async with backbone.server_sent_events.connect() as events:
                assert await anext(events) == "a"
            async with backbone.server_sent_events.connect(url) as events:
                assert [await anext(events), await anext(events)] == ["a", "b"]
                with pytest.raises(BackboneRequestError) as raised:
                    await anext(events)
    assert raised.value.code == "error.transport.request.unknown"


class Silent(httpx.AsyncByteStream):
    """One event, then nothing until the client's patience ends."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"event: ConnectionOpened\n\n"
        raise httpx.ReadTimeout("silence")


async def test_a_silent_stream_is_given_up() -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        assert request.extensions["timeout"]["read"] == SILENCE_SECONDS
        return httpx.Response(200, stream=Silent())

    async with Double(answer).open() as backbone, backbone.server_sent_events.connect() as events:
        assert await anext(events) == "ConnectionOpened"
        with pytest.raises(BackboneRequestError) as raised:
            await anext(events)
    assert (raised.value.code, raised.value.message) == (
        "error.transport.request.aborted",
        "timeout of 300000ms exceeded",
    )


async def test_a_stream_with_an_endless_line_is_given_up() -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=b"x" * (MAX_LINE_BYTES + 1))

    async with Double(answer).open() as backbone, backbone.server_sent_events.connect() as events:
        with pytest.raises(BackboneRequestError) as raised:
            await anext(events)
    assert raised.value.code == "error.transport.request.unknown"


async def test_opening_the_stream_takes_no_longer_than_a_request(autojump_clock: trio.testing.MockClock) -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        await trio.sleep_forever()
        raise AssertionError

    async with Double(answer).open(timeout_seconds=7) as backbone:
        with pytest.raises(BackboneRequestError) as raised:
            async with backbone.server_sent_events.connect():
                pytest.fail("there is no stream")
    assert raised.value.message == "timeout of 7000ms exceeded"


async def test_a_stream_that_cannot_be_reached() -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    async with Double(answer).open() as backbone:
        with pytest.raises(BackboneRequestError) as raised:
            async with backbone.server_sent_events.connect():
                pytest.fail("there is no stream")
    assert (raised.value.code, raised.value.message) == ("error.transport.request.unknown", "refused")


@given(st.lists(st.text(alphabet="abcXYZ-", min_size=1, max_size=10)), st.sampled_from(["\n", "\r\n", "\r"]), st.data())
def test_names_are_read_however_the_bytes_are_cut(names: list[str], ending: str, data: st.DataObject) -> None:
    text = "".join(
        f": comment{ending}event: {name}{ending}id: 7{ending}data: _{ending}{ending}" for name in names
    ).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    parser = EventNames()
    found: list[str] = []
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        found.extend(parser.feed(text[start:end]))
    assert found == names


@given(st.binary(max_size=300))
def test_any_bytes_are_read(data: bytes) -> None:
    EventNames().feed(data)


def test_a_line_without_end_is_refused() -> None:
    parser = EventNames()
    with pytest.raises(ValueError, match="longer than"):
        parser.feed(b"a" * (MAX_LINE_BYTES + 1))
