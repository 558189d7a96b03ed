"""The client of everything that goes out, against servers that do as they are told, also what no server should."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
import trio

from trio_connector.http_client import HttpClient
from trio_connector.outgoing import Outgoing

LIMIT_SECONDS = 20
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CLOSED = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"

Conversation = Callable[[trio.SocketStream, int], Awaitable[None]]
"""What the server does with a connection; it is given its number, from 0."""


class Server:
    """Listens; remembers the requests that `read` took in."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[bytes] = []
        self.connections = 0

    async def read(self, stream: trio.SocketStream) -> bytes:
        """One request with its body; empty at the end of the connection."""
        request = b""
        while not self._is_complete(request):
            received = await stream.receive_some()
            if not received:
                return b""
            request += received
        self.requests.append(request)
        return request

    @staticmethod
    def _is_complete(request: bytes) -> bool:
        head, found, body = request.partition(b"\r\n\r\n")
        if b"chunked" in head:
            return body.endswith(b"0\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        return bool(found) and len(body) >= length


@asynccontextmanager
async def serving(converse: Callable[[Server], Conversation]) -> AsyncIterator[Server]:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    server = Server(f"http://127.0.0.1:{listener.socket.getsockname()[1]}")
    conversation = converse(server)

    async def connection(stream: trio.SocketStream) -> None:
        number, server.connections = server.connections, server.connections + 1
        try:
            await conversation(stream, number)
        except trio.BrokenResourceError:
            return

    with trio.fail_after(LIMIT_SECONDS):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.serve_listeners, connection, [listener])
            yield server
            nursery.cancel_scope.cancel()


def answering(*answers: bytes) -> Callable[[Server], Conversation]:
    """Gives these answers in turn on each connection, the last one for ever."""

    def converse(server: Server) -> Conversation:
        async def conversation(stream: trio.SocketStream, number: int) -> None:
            waiting = list(answers)
            while await server.read(stream):
                answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
                await stream.send_all(answer)
                if b"Connection: close" in answer:
                    return

        return conversation

    return converse


_outgoing = Outgoing()


def client(**options: object) -> HttpClient:
    made = _outgoing.client(**options)  # type: ignore[arg-type]  # those of the method
    assert isinstance(made, HttpClient)
    return made


async def ask(http: httpx.AsyncClient, url: str, method: str = "GET", **parts: object) -> tuple[int, bytes]:
    request = http.build_request(method, url, **parts)  # type: ignore[arg-type]  # those of the method
    response = await http.send(request, stream=True)
    try:
        return response.status_code, await response.aread()
    finally:
        await response.aclose()


async def test_requests_one_after_the_other_share_a_connection() -> None:
    async with serving(answering(OK)) as server, client() as http:
        for _ in range(3):
            assert await ask(http, server.url, "POST", content=b"body") == (200, b"ok")
        assert server.connections == 1
    assert all(request.endswith(b"\r\n\r\nbody") for request in server.requests)


async def test_a_connection_that_the_server_closed_is_not_used_again() -> None:
    async with serving(answering(OK, CLOSED)) as server, client() as http:
        for _ in range(4):
            assert await ask(http, server.url) == (200, b"ok")
        assert server.connections == 2


async def test_nor_one_that_the_server_closed_without_a_word() -> None:
    def converse(server: Server) -> Conversation:
        async def conversation(stream: trio.SocketStream, number: int) -> None:
            await server.read(stream)
            await stream.send_all(OK)
            await stream.aclose()
            closed.set()

        return conversation

    closed = trio.Event()
    async with serving(converse) as server, client() as http:
        await ask(http, server.url)
        await closed.wait()
        assert await ask(http, server.url, "POST", content=b"once") == (200, b"ok")
        assert server.connections == 2


async def test_nor_one_on_which_something_came_unasked() -> None:
    async with serving(answering(OK + OK)) as server, client() as http:
        for _ in range(2):
            assert await ask(http, server.url) == (200, b"ok")
        assert server.connections == 2


async def test_an_answer_that_is_not_read_to_its_end_costs_its_connection() -> None:
    async with serving(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", OK)) as server, client() as http:
        response = await http.send(http.build_request("GET", server.url), stream=True)
        assert response.status_code == 200
        await response.aclose()
        # On the same connection the answer would be the other one.
        response = await http.send(http.build_request("GET", server.url), stream=True)
        assert response.headers["content-length"] == "9"
        await response.aclose()
        assert server.connections == 2


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", b"?\r\n"]
)
async def test_an_answer_that_breaks_off_or_is_none_is_an_error_of_the_protocol(answer: bytes) -> None:
    def converse(server: Server) -> Conversation:
        async def conversation(stream: trio.SocketStream, number: int) -> None:
            await server.read(stream)
            await stream.send_all(answer)
            await stream.aclose()

        return conversation

    async with serving(converse) as server, client() as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await ask(http, server.url)


async def test_a_server_that_refuses_a_body_early_is_heard() -> None:
    def converse(server: Server) -> Conversation:
        async def conversation(stream: trio.SocketStream, number: int) -> None:
            await stream.receive_some(100)
            await stream.send_all(b"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n")
            await heard.wait()

        return conversation

    heard = trio.Event()
    async with serving(converse) as server, client(timeout_seconds=5, max_connections=1) as http:
        request = http.build_request("POST", server.url, content=b"x" * 1000)
        response = await http.send(request, stream=True)
        assert response.status_code == 413
        await response.aread()
        await response.aclose()
        heard.set()


async def test_who_stays_silent_is_given_up() -> None:
    async with serving(answering(b"")) as server, client(timeout_seconds=0.05) as http:
        with pytest.raises(httpx.ReadTimeout):
            await ask(http, server.url)


async def test_a_cancelled_request_leaves_room_for_the_next() -> None:
    def converse(server: Server) -> Conversation:
        async def conversation(stream: trio.SocketStream, number: int) -> None:
            await server.read(stream)
            if number == 0:
                asked.set()
                await trio.sleep_forever()
            await stream.send_all(OK)

        return conversation

    asked = trio.Event()
    async with serving(converse) as server, client(max_connections=1) as http, trio.open_nursery() as nursery:

        async def hang() -> None:
            await ask(http, server.url)

        nursery.start_soon(hang)
        await asked.wait()
        nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            assert await ask(http, server.url) == (200, b"ok")


async def test_no_more_connections_than_allowed_are_open_at_a_time() -> None:
    async with serving(answering(OK)) as server, client(max_connections=1, timeout_seconds=0.05) as http:
        first = await http.send(http.build_request("GET", server.url), stream=True)
        with pytest.raises(httpx.PoolTimeout):
            await ask(http, server.url)
        await first.aread()
        await first.aclose()
        assert await ask(http, server.url) == (200, b"ok")
        assert server.connections == 1


async def test_unused_connections_to_other_places_make_room() -> None:
    async with (
        serving(answering(OK)) as one,
        serving(answering(OK)) as other,
        client(max_connections=1) as http,
    ):
        for _ in range(2):
            assert await ask(http, one.url) == (200, b"ok")
            assert await ask(http, other.url) == (200, b"ok")
        assert (one.connections, other.connections) == (2, 2)


async def test_a_body_of_unknown_length_goes_out_in_chunks() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"a" * 70_000
        yield b"b"

    async with serving(answering(OK)) as server, client() as http:
        assert await ask(http, server.url, "POST", content=pieces()) == (200, b"ok")
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in head
    assert body.count(b"a") >= 70_000
    assert body.endswith(b"1\r\nb\r\n0\r\n\r\n")


async def test_a_form_with_a_file_is_sent_whole() -> None:
    async with serving(answering(OK)) as server, client() as http:
        await ask(http, server.url, "POST", data={"title": "T"}, files={"content": ("f", b"x" * 100_000)})
    assert b"x" * 100_000 in server.requests[0]


async def test_informational_answers_are_passed_over() -> None:
    async with serving(answering(b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK)) as server, client() as http:
        assert await ask(http, server.url) == (200, b"ok")


async def test_a_redirected_post_is_sent_once() -> None:
    def converse(server: Server) -> Conversation:
        async def conversation(stream: trio.SocketStream, number: int) -> None:
            while request := await server.read(stream):
                moved = b"HTTP/1.1 303 See Other\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"
                await stream.send_all(moved if request.startswith(b"POST") else OK)

        return conversation

    async with serving(converse) as server, client(max_redirects=3) as http:
        assert await ask(http, server.url + "/one", "POST", content=b"body") == (200, b"ok")
    assert [request.split(b" ")[:2] for request in server.requests] == [[b"POST", b"/one"], [b"GET", b"/other"]]


async def test_redirects_that_never_end_are_given_up() -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"
    async with serving(answering(moved)) as server, client(max_redirects=3) as http:
        with pytest.raises(httpx.TooManyRedirects):
            await ask(http, server.url)


async def test_a_redirect_is_an_answer_like_any_other_where_none_is_followed() -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"
    async with serving(answering(moved)) as server, client() as http:
        assert await ask(http, server.url) == (302, b"")
    assert len(server.requests) == 1


async def test_headers_of_a_request_replace_those_of_the_client() -> None:
    async with serving(answering(OK)) as server, client(headers={"X-One": "a", "X-Two": "b"}) as http:
        await ask(http, server.url, headers={"x-two": "c"})
    lines = server.requests[0].lower().split(b"\r\n")
    assert [line for line in lines if line.startswith(b"x-")] == [b"x-one: a", b"x-two: c"]
    assert lines.count(b"accept-encoding: gzip, deflate") == 1


async def test_credentials_in_a_url_become_basic_authentication() -> None:
    async with serving(answering(OK)) as server, client() as http:
        await ask(http, server.url.replace("//", "//user:secret@"))
    assert b"Authorization: Basic dXNlcjpzZWNyZXQ=" in server.requests[0]


async def test_nobody_listening_is_a_failure_to_connect_with_a_reason() -> None:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener.socket.getsockname()[1]
    await listener.aclose()
    async with client() as http:
        with pytest.raises(httpx.ConnectError, match="attempt"):
            await ask(http, f"http://127.0.0.1:{port}")
        with pytest.raises(httpx.UnsupportedProtocol):
            await ask(http, "ftp://127.0.0.1/")
