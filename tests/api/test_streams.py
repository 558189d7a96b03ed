"""Who may open a live stream, where it begins, and how it is refused (design section 6)."""

from __future__ import annotations

import base64
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio_websocket import ConnectionRejected, WebSocketConnection

from tests.accounts import running_account, running_backbone, utc_now
from tests.api.served import API_KEY, CORE, ServedApi, error_of, served, settings_with
from tests.streams import closing, event_stream
from trio_connector.api import stream
from trio_connector.api.request import Request
from trio_connector.api.stream_admission import API_KEY_PREFIX, BEARER_PREFIX, PROTOCOL, with_credentials
from trio_connector.events.bus import EventBus
from trio_connector.events.log import Retention
from trio_connector.events.model import NewEvent

STREAM = f"{CORE}/Events/Stream"


@asynccontextmanager
async def with_bus(**options: Any) -> AsyncIterator[ServedApi]:
    async with running_backbone() as backbone, running_account(backbone) as services:
        bus = EventBus(services.store.events, clock=utc_now, entropy=os.urandom)
        async with served(services, bus=bus, **options) as api:
            with trio.fail_after(20):
                yield api


async def append(api: ServedApi, count: int) -> list[int]:
    return await api.services.store.transact(
        lambda unit: [unit.append(NewEvent(namespace="test.a", data={"n": n})) for n in range(count)]
    )


async def next_position(connection: WebSocketConnection) -> int:
    position: int = msgspec.json.decode(await connection.get_message())["position"]
    return position


async def refusal(api: ServedApi, query: str = "", **options: Any) -> tuple[int, str]:
    """Status and code of a stream that is not opened."""
    with pytest.raises(ConnectionRejected) as caught:
        async with event_stream(api.url, query, **options):
            pass
    assert caught.value.body is not None
    code: str = msgspec.json.decode(caught.value.body)["error"]["code"]
    return caught.value.status_code, code


def key_protocol(key: str) -> str:
    return API_KEY_PREFIX + base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


async def test_a_page_names_its_key_among_the_subprotocols() -> None:
    async with with_bus() as api:
        async with event_stream(api.url, subprotocols=[PROTOCOL, key_protocol(API_KEY)]) as connection:
            assert connection.subprotocol == PROTOCOL
            [position] = await append(api, 1)
            assert await next_position(connection) == position
        assert await refusal(api, subprotocols=[PROTOCOL, key_protocol("wrong")]) == (
            401,
            "error.connector.unauthorized",
        )
        assert await refusal(api, subprotocols=[PROTOCOL, API_KEY_PREFIX + "!"]) == (
            401,
            "error.connector.unauthorized",
        )
        assert await refusal(api, subprotocols=[PROTOCOL]) == (401, "error.connector.unauthorized")


async def test_a_key_in_the_address_is_none() -> None:
    async with with_bus() as api:
        assert await refusal(api, f"?apiKey={API_KEY}") == (401, "error.connector.unauthorized")


@given(st.text(max_size=60), st.lists(st.text(max_size=40), max_size=4))
def test_no_subprotocol_is_too_strange(key: str, others: list[str]) -> None:
    def request(*headers: tuple[bytes, bytes]) -> Request:
        return Request({"method": "GET", "path": "/", "raw_path": b"/", "query_string": b"", "headers": list(headers)})

    encoded = key_protocol(key)
    if key:
        read = with_credentials(request(), [encoded], "X-API-KEY").header(b"x-api-key")
        assert read is not None
        assert read.encode("latin-1") == key.encode()
    latin = [other.encode("latin-1", "ignore").decode("latin-1") for other in others]
    for prefix in ("", API_KEY_PREFIX, BEARER_PREFIX):
        with_credentials(request(), [prefix + other for other in latin], "X-API-KEY")
    present = request((b"x-api-key", b"mine"))
    assert with_credentials(present, [encoded], "X-API-KEY") is present


@pytest.mark.parametrize(
    ("cors", "origin", "cookies", "opens"),
    [
        (None, "http://{host}", False, True),
        (None, "HTTP://{host}", False, True),
        (None, "http://evil.example", False, False),
        (None, "null", False, False),
        (None, "http://[", False, False),
        ({"origin": "http://shop.example"}, "http://shop.example", False, True),
        ({"origin": ["http://shop.example"]}, "http://shop.example", False, True),
        ({"origin": ["http://shop.example"]}, "http://evil.example", False, False),
        ({"origin": True}, "http://shop.example", False, True),
        ({"origin": True}, "http://shop.example", True, False),
        ({"origin": True, "credentials": True}, "http://shop.example", True, True),
        ({"origin": "*", "credentials": True}, "http://shop.example", True, False),
    ],
)
async def test_a_page_may_stream_what_it_may_fetch(cors: Any, origin: str, cookies: bool, opens: bool) -> None:
    async with with_bus(settings=settings_with(**({} if cors is None else {"cors": cors}))) as api:
        host = api.url.removeprefix("http://")
        headers = [(b"Origin", origin.format(host=host).encode()), *([(b"Cookie", b"a=b")] if cookies else [])]
        if opens:
            async with event_stream(api.url, key=API_KEY, headers=headers) as connection:
                [position] = await append(api, 1)
                assert await next_position(connection) == position
        else:
            expected = (403, "error.connector.http.originNotAllowed")
            assert await refusal(api, key=API_KEY, headers=headers) == expected


async def test_an_open_stream_says_where_it_begins() -> None:
    async with with_bus() as api:
        [head] = await append(api, 1)
        async with event_stream(api.url, key=API_KEY) as connection:
            assert (b"x-event-position", str(head).encode()) in connection.handshake_headers
        async with event_stream(api.url, f"?after={head - 1}", key=API_KEY) as connection:
            assert (b"x-event-position", str(head - 1).encode()) in connection.handshake_headers
            assert await next_position(connection) == head


async def test_what_cannot_be_given_without_a_gap_is_refused() -> None:
    async with with_bus() as api:
        positions = await append(api, 10)
        await api.services.store.events.trim(Retention(max_age=timedelta(seconds=-1)), positions[4])
        key = API_KEY
        assert await refusal(api, f"?after={positions[2]}", key=key) == (410, "error.connector.events.positionNotKept")
        for after, first in ((positions[4], positions[5]), (0, positions[5])):
            async with event_stream(api.url, f"?after={after}", key=key) as connection:
                assert await next_position(connection) == first
        await api.services.store.events.trim(Retention(max_age=timedelta(seconds=-1)), positions[-1])
        assert await refusal(api, f"?after={positions[5]}", key=key) == (410, "error.connector.events.positionNotKept")
        async with event_stream(api.url, f"?after={positions[-1]}", key=key) as connection:
            [following] = await append(api, 1)
            assert await next_position(connection) == following


async def test_a_listener_that_catches_up_is_told_when_events_are_gone_before_it_had_them() -> None:
    async with with_bus() as api:
        size = 100_000
        positions = await api.services.store.transact(
            lambda unit: [unit.append(NewEvent(namespace="test.a", data="x" * size)) for _ in range(600)]
        )
        start = positions[0] - 1
        async with event_stream(api.url, f"?after={start or 0}", key=API_KEY) as connection:
            got = await next_position(connection)
            await api.services.store.events.trim(Retention(max_age=timedelta(seconds=-1)), positions[-1])
            code, reason = await closing(connection)
        assert got == positions[0]
        assert code == 4410
        assert reason is not None
        assert int("".join(filter(str.isdigit, reason))) in positions


async def test_a_listener_that_is_too_slow_is_told_where_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MAX_BEHIND", 100)
    async with with_bus() as api:
        async with event_stream(api.url, key=API_KEY) as connection:
            # More than fits into all buffers on the way, and the listener does not read meanwhile.
            for _ in range(30):
                positions = await api.services.store.transact(
                    lambda unit: [unit.append(NewEvent(namespace="test.a", data="x" * 500_000)) for _ in range(5)]
                )
            await append(api, 200)
            got: list[int] = []
            ending = await closing(connection, got.append)
        assert ending == (1013, f"Too slow. Continue after position {got[-1]}.")
        assert got == list(range(got[0], got[-1] + 1))
        assert got[-1] < positions[-1] + 200
        async with event_stream(api.url, f"?after={got[-1]}", key=API_KEY) as connection:
            assert await next_position(connection) == got[-1] + 1


async def test_a_position_that_is_still_to_come_is_refused() -> None:
    async with with_bus() as api:
        [head] = await append(api, 1)
        assert await refusal(api, f"?after={head + 1}", key=API_KEY) == (
            400,
            "error.runtime.validation.invalidPropertyValue",
        )


@pytest.mark.parametrize("query", ["?since=1", "?after=1&after=2", "?namespace=" + "x" * 201, "?namespace=a" * 51])
async def test_parameters_that_would_be_ignored_are_refused(query: str) -> None:
    query = "?" + query[1:].replace("?", "&")
    async with with_bus() as api:
        await append(api, 3)
        status, _ = await refusal(api, query, key=API_KEY)
        assert status == 400
        assert (await api.client.get(f"{CORE}/Events{query}")).status_code == 400


async def test_a_plain_request_is_told_to_upgrade() -> None:
    async with with_bus() as api:
        response = await api.client.get(STREAM)
        assert error_of(response)[:2] == (426, "error.connector.http.upgradeRequired")
        assert response.headers["upgrade"] == "websocket"
        assert (await api.stranger.get(STREAM)).status_code == 401


async def test_streams_are_in_the_log_and_the_metrics(capfd: pytest.CaptureFixture[str]) -> None:
    async with with_bus() as api:
        async with event_stream(api.url, key=API_KEY):
            text = (await api.client.get("/metrics")).text
            assert "trio_connector_event_streams 1.0" in text
            assert f'trio_connector_http_requests_total{{method="GET",route="{STREAM}",status="101"}} 1.0' in text
        while 'trio_connector_event_streams_ended_total{code="gone"} 1.0' not in text:
            text = (await api.client.get("/metrics")).text
        assert "trio_connector_event_streams 0.0" in text
    assert f"GET {STREAM} 101" in capfd.readouterr().out
