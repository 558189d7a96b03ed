"""``events`` and ``subscribers`` ask a running Connector (design section 6). The peer here records what it is asked."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trio
from quart import request, websocket
from quart_trio import QuartTrio

from tests.cli.test_commands import environment
from trio_connector.http_server import ServerConfig, serve

KEY = "This_is_a_test_APIKEY_with_30_chars+"
PREFIX = "/api/core/v1"


def event(position: int) -> dict[str, Any]:
    return {
        "position": position,
        "id": f"EVT{position:017}",
        "namespace": "transport.messageReceived",
        "occurredAt": "2026-11-23T16:00:48.362Z",
        "data": {"text": "a\x1b[2Jb"},
    }


@dataclass
class Peer:
    """A Connector's HTTP face with three events and one subscriber."""

    url: str = ""
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    streams: list[dict[str, str]] = field(default_factory=list)

    def app(self) -> QuartTrio:
        app = QuartTrio("peer")

        @app.before_request
        async def record() -> tuple[dict[str, Any], int] | None:
            if request.headers.get("X-API-KEY") != KEY:
                return {"error": {"code": "error.connector.unauthorized", "message": "Unauthorized."}}, 401
            body = await request.get_json() if request.is_json else dict(request.args)
            self.asked.append((request.method, request.path.removeprefix(PREFIX), body))
            return None

        @app.before_websocket
        async def admit() -> tuple[dict[str, Any], int] | None:
            if websocket.headers.get("X-API-KEY") != KEY:
                return {"error": {"code": "error.connector.unauthorized", "message": "Unauthorized."}}, 401
            return None

        @app.get(f"{PREFIX}/Events")
        async def events() -> dict[str, Any]:
            return {"result": [event(1), event(2)]}

        @app.get(f"{PREFIX}/Subscribers")
        async def subscribers() -> dict[str, Any]:
            state = {"name": "webhook:shop:**", "kind": "webhook", "state": "waiting", "lag": 7, "givenUp": 2}
            return {"result": [{**state, "receiver": "http://shop.example"}]}

        @app.get(f"{PREFIX}/Subscribers/<name>")
        async def subscriber(name: str) -> dict[str, Any]:
            return {"result": {"name": name, "givenUp": 2 if name == "webhook:shop:**" else 0}}

        @app.get(f"{PREFIX}/Subscribers/<name>/GivenUp")
        async def given_up(name: str) -> dict[str, Any]:
            entry = {"position": 1, "eventId": "EVT1", "givenUpAt": "2026-11-23T16:00:48.362Z", "attempts": 9}
            return {"result": [{**entry, "reason": "500"}] if name == "webhook:shop:**" else []}

        @app.route(f"{PREFIX}/Subscribers/<name>/<action>", methods=["POST", "PUT"])
        async def act(name: str, action: str) -> tuple[str, int]:
            return "", 204

        @app.websocket(f"{PREFIX}/Events/Stream")
        async def stream() -> None:
            self.streams.append(dict(websocket.args))
            after = int(websocket.args.get("after", "0"))
            await websocket.send(json.dumps(event(after + 1)))
            if after:
                await trio.sleep_forever()
            await websocket.send(json.dumps(event(after + 2)))  # and then the connection is lost

        return app


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    peer = Peer()
    async with trio.open_nursery() as nursery:
        stop = trio.Event()

        async def run(*, task_status: trio.TaskStatus[list[str]]) -> None:
            await serve(
                peer.app(), ServerConfig(graceful_timeout=1), shutdown_trigger=stop.wait, task_status=task_status
            )

        (peer.url,) = await nursery.start(run)
        yield peer
        stop.set()


async def command(peer: Peer, *arguments: str, key: str = KEY) -> subprocess.CompletedProcess[str]:
    with trio.fail_after(60):
        answer = await trio.run_process(
            [sys.executable, "-m", "trio_connector", *arguments, "--url", peer.url],
            env=environment({"CONNECTOR_API_KEY": key}),
            capture_stdout=True,
            capture_stderr=True,
            check=False,
        )
    return subprocess.CompletedProcess(answer.args, answer.returncode, answer.stdout.decode(), answer.stderr.decode())


async def test_events_are_listed_one_json_object_per_line(peer: Peer) -> None:
    answer = await command(peer, "events", "list", "--after", "0", "--namespace", "transport.*", "--limit", "2")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert [json.loads(line) for line in answer.stdout.splitlines()] == [event(1), event(2)]
    assert peer.asked == [("GET", "/Events", {"after": "0", "namespace": "transport.*", "limit": "2"})]


async def test_the_tail_takes_a_lost_stream_up_where_it_was(peer: Peer) -> None:
    arguments = [sys.executable, "-m", "trio_connector", "events", "tail", "--namespace", "**", "--url", peer.url]
    with trio.fail_after(60):
        process = await trio.lowlevel.open_process(
            arguments, env=environment({"CONNECTOR_API_KEY": KEY}), stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        received = b""
        while received.count(b"\n") < 3:
            received += await process.stdout.receive_some()
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 130
        await process.stdout.aclose()
    assert [json.loads(line)["position"] for line in received.splitlines()] == [1, 2, 3]
    assert peer.streams == [{"namespace": "**"}, {"namespace": "**", "after": "2"}]


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        (["EVT1", "EVT2"], {"ids": ["EVT1", "EVT2"]}),
        (["--after", "3", "--until", "9"], {"after": 3, "until": 9}),
        (["--after", "3"], {"after": 3}),
        (["--given-up"], {"givenUp": True}),
    ],
)
async def test_events_are_sent_again(peer: Peer, arguments: list[str], body: dict[str, Any]) -> None:
    answer = await command(peer, "events", "replay", "webhook:shop:**", *arguments)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert peer.asked[-1] == ("POST", "/Subscribers/webhook:shop:**/Replay", body)


async def test_nothing_given_up_is_nothing_to_send_again(peer: Peer) -> None:
    answer = await command(peer, "events", "replay", "other", "--given-up")
    assert answer.stdout == "Nothing was given up.\n"
    assert [method for method, _, _ in peer.asked] == ["GET"]


@pytest.mark.parametrize(("name", "route"), [("pause", "Pause"), ("resume", "Resume")])
async def test_a_subscriber_is_paused_and_resumed(peer: Peer, name: str, route: str) -> None:
    answer = await command(peer, "subscribers", name, "webhook:shop:**")
    assert answer.returncode == 0
    assert peer.asked[-1][:2] == ("PUT", f"/Subscribers/webhook:shop:**/{route}")


async def test_subscribers_are_listed_with_their_lag(peer: Peer) -> None:
    answer = await command(peer, "subscribers", "list")
    (state,) = [json.loads(line) for line in answer.stdout.splitlines()]
    assert (state["name"], state["lag"]) == ("webhook:shop:**", 7)


@pytest.mark.parametrize("arguments", [["subscribers", "list"], ["events", "tail"]])
async def test_a_refusal_is_shown_with_its_code(peer: Peer, arguments: list[str]) -> None:
    answer = await command(peer, *arguments, key="wrong")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == "error.connector.unauthorized: Unauthorized.\n"


async def test_nobody_there_is_said_in_one_line(peer: Peer) -> None:
    for arguments in (["events", "list"], ["events", "tail"], ["subscribers", "list"]):
        answer = await command(Peer(url="http://127.0.0.1:1"), *arguments)
        assert answer.returncode == 1
        assert answer.stderr.startswith("The Connector at http://127.0.0.1:1 does not answer")
        assert answer.stderr.count("\n") == 1


async def test_the_running_connector_is_found_by_its_configuration(peer: Peer, tmp_path: Path) -> None:
    port = int(peer.url.rpartition(":")[2])
    authentication = {"apiKey": {"keys": {"weak": {"key": KEY + "x", "scopes": []}, "all": {"key": KEY}}}}
    configuration = {
        "transportLibrary": {"baseUrl": "http://b", "platformClientId": "i", "platformClientSecret": "s"},
        "infrastructure": {"httpServer": {"port": port, "authentication": authentication}},
    }
    (tmp_path / "config.json").write_text(json.dumps(configuration))
    with trio.fail_after(60):
        answer = await trio.run_process(
            [sys.executable, "-m", "trio_connector", "subscribers", "list"],
            env=environment(),
            cwd=tmp_path,
            capture_stdout=True,
        )
    assert json.loads(answer.stdout)["kind"] == "webhook"
