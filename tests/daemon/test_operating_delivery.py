"""Operating delivery on a daemon as it is started: the commands, live streams over restarts, and the metrics."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import trio
from prometheus_client.parser import text_string_to_metric_families

from tests.accounts import running_backbone
from tests.cli.test_commands import environment
from tests.daemon.processes import KEY, Daemon, running_daemon
from tests.senders.receiver import Receiver, Reply, receiving
from tests.services import free_port
from tests.streams import closing, event_stream

BOUND_SECONDS = 120
SHOP = "webhook:shop:consumption.attributeCreated"
_numbers = itertools.count()
STREAM_OPENED = "/api/core/v1/Events/Stream 101"


def modules(port: int, **delivery: Any) -> dict[str, Any]:
    """A webhook that is told of attributes."""
    return {
        "webhooks": {
            "enabled": True,
            "targets": {"shop": {"url": f"http://user:secret@127.0.0.1:{port}/?key=secret", "delivery": delivery}},
            "webhooks": [{"triggers": ["consumption.attributeCreated"], "target": "shop"}],
        }
    }


async def command(daemon: Daemon, *arguments: str) -> list[str]:
    """The lines that a successful command prints, in the daemon's folder."""
    answer = await trio.run_process(
        [sys.executable, "-m", "trio_connector", *arguments, "-c", "config.json"],
        cwd=daemon.folder,
        env=environment({"PYTHONPATH": str(Path(__file__).parents[2])}),
        capture_stdout=True,
        capture_stderr=True,
        check=False,
    )
    assert (answer.returncode, answer.stderr.decode()) == (0, "")
    return answer.stdout.decode().splitlines()


async def create_attributes(client: httpx.AsyncClient, count: int) -> None:
    for _ in range(count):
        value = {"@type": "GivenName", "value": f"Ada {next(_numbers)}"}  # no two of them are the same
        response = await client.post("Attributes", json={"content": {"value": value}})
        assert response.status_code == 201, response.text


class Tail:
    """A running ``events tail``."""

    def __init__(self, process: trio.Process) -> None:
        self._process = process
        self._received = b""

    async def positions(self, count: int) -> list[int]:
        """The positions of the first events it printed, as many as asked for."""
        assert self._process.stdout is not None
        while self._received.count(b"\n") < count:
            more = await self._process.stdout.receive_some()
            assert more, "the tail ended"
            self._received += more
        return [json.loads(line)["position"] for line in self._received.splitlines()]

    async def stop(self) -> int:
        self._process.send_signal(signal.SIGINT)
        return await self._process.wait()


@asynccontextmanager
async def tailing(daemon: Daemon, *arguments: str) -> AsyncIterator[Tail]:
    """An ``events tail`` whose stream is open."""
    opened = daemon.log().count(STREAM_OPENED)
    process = await trio.lowlevel.open_process(
        [sys.executable, "-m", "trio_connector", "events", "tail", "-c", "config.json", *arguments],
        cwd=daemon.folder,
        env=environment({"PYTHONPATH": str(Path(__file__).parents[2])}),
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    async with process.stdout:
        try:
            while daemon.log().count(STREAM_OPENED) == opened:
                await trio.sleep(0.02)  # polls the log of another process
            yield Tail(process)
        finally:
            if process.poll() is None:
                process.kill()
                await process.wait()


async def all_positions(client: httpx.AsyncClient, after: int) -> list[int]:
    return [event["position"] for event in (await client.get("Events", params={"after": after})).json()["result"]]


async def head(client: httpx.AsyncClient) -> int:
    return (await all_positions(client, 0))[-1]


async def test_a_tail_that_saw_nothing_yet_misses_nothing_over_a_stop_and_a_kill(tmp_path: Path) -> None:
    with trio.fail_after(BOUND_SECONDS):
        async with running_backbone() as url, running_daemon(tmp_path, url) as daemon, daemon.client() as client:
            start = await head(client)
            async with tailing(daemon) as tail:
                assert await daemon.stop() == 0
                await daemon.start()
                await create_attributes(client, 2)
                first = await tail.positions(3)  # the start is an event as well
                daemon.kill()
                await daemon.start()
                await create_attributes(client, 2)
                expected = await all_positions(client, start)
                assert first == expected[:3]
                assert await tail.positions(len(expected)) == expected
                assert await tail.stop() == 130
            assert await daemon.stop() == 0
            assert "Traceback" not in daemon.log()


async def test_what_is_asked_for_by_position_comes_from_the_log_and_goes_on_live(tmp_path: Path) -> None:
    with trio.fail_after(BOUND_SECONDS):
        async with running_backbone() as url, running_daemon(tmp_path, url) as daemon, daemon.client() as client:
            await create_attributes(client, 3)
            async with tailing(daemon, "--after", "0", "--namespace", "consumption.*") as tail:
                before = await tail.positions(3)
                await create_attributes(client, 2)
                assert len(await tail.positions(5)) == 5
                assert (await tail.positions(5))[:3] == before
            listed = [json.loads(line) for line in await command(daemon, "events", "list")]
            assert [event["position"] for event in listed] == await all_positions(client, 0)
            [one] = await command(daemon, "events", "list", "--namespace", "consumption.*", "--limit", "1")
            assert json.loads(one)["position"] == before[0]


async def test_streams_are_told_that_the_daemon_stops(tmp_path: Path) -> None:
    async with running_backbone() as url, running_daemon(tmp_path, url) as daemon:
        codes: list[tuple[int, str | None]] = []

        async def listen(*, task_status: trio.TaskStatus[None]) -> None:
            async with event_stream(daemon.url, key=KEY) as connection:
                task_status.started()
                codes.append(await closing(connection))

        with trio.fail_after(BOUND_SECONDS):
            async with trio.open_nursery() as nursery:
                for _ in range(30):
                    await nursery.start(listen)
                daemon.signal(signal.SIGTERM)
            assert await daemon.wait() == 0
        assert codes == [(1001, "The Connector stops.")] * 30
        assert "Traceback" not in daemon.log()


async def test_what_was_given_up_is_shown_and_sent_again_by_commands(tmp_path: Path) -> None:
    receiver = Receiver(Reply(500))
    with trio.fail_after(BOUND_SECONDS):
        async with (
            receiving(receiver),
            running_backbone() as url,
            running_daemon(tmp_path, url, modules=modules(receiver.port, retryScheduleSeconds=[])) as daemon,
            daemon.client() as client,
        ):
            await create_attributes(client, 3)
            while (await shown(client))["givenUp"] < 3:
                await trio.sleep(0.02)  # polls
            state = await shown(client)
            assert (state["kind"], state["receiver"]) == ("webhook", f"http://127.0.0.1:{receiver.port}/?...")
            assert state["delivery"]["retryScheduleSeconds"] == []
            assert [(attempt["status"], attempt["accepted"]) for attempt in state["attempts"]] == [(500, False)] * 3
            [listed] = [line for line in await command(daemon, "subscribers", "list") if SHOP in line]
            assert json.loads(listed)["givenUp"] == 3
            assert json.loads("".join(await command(daemon, "subscribers", "show", SHOP)))["name"] == SHOP
            entries = [json.loads(line) for line in await command(daemon, "subscribers", "given-up", SHOP)]
            assert [entry["event"]["namespace"] for entry in entries] == ["consumption.attributeCreated"] * 3
            receiver.answer = lambda _: Reply(204)
            assert await command(daemon, "events", "replay", SHOP, "--given-up") == ["3 events are sent again."]
            while (await shown(client))["givenUp"]:
                await trio.sleep(0.02)  # polls
            assert await command(daemon, "events", "replay", SHOP, "--given-up") == ["Nothing was given up."]
            await command(daemon, "events", "replay", SHOP, entries[0]["eventId"])
            await command(daemon, "events", "replay", SHOP, "--after", str(entries[0]["position"]))
            while len(receiver.requests) < 3 + 3 + 1 + 2:
                await trio.sleep(0.02)  # polls
            ids = [request.headers["webhook-id"] for request in receiver.requests]
            first, second, third = (entry["eventId"] for entry in entries)
            assert ids == [first, second, third, first, second, third, first, second, third]
            assert "secret" not in json.dumps((await client.get("Subscribers")).json())
            assert await daemon.stop() == 0


async def test_a_paused_subscriber_stays_paused_over_a_restart(tmp_path: Path) -> None:
    receiver = Receiver(Reply(204))
    with trio.fail_after(BOUND_SECONDS):
        async with (
            receiving(receiver),
            running_backbone() as url,
            running_daemon(tmp_path, url, modules=modules(receiver.port)) as daemon,
            daemon.client() as client,
        ):
            assert await command(daemon, "subscribers", "pause", SHOP) == [f"'{SHOP}' is paused."]
            assert await daemon.stop() == 0
            await daemon.start()
            await create_attributes(client, 1)
            state = await shown(client)
            assert (state["state"], state["lag"] > 0) == ("paused", True)
            assert (await metrics(daemon))["trio_connector_subscriber_paused", ("webhook", SHOP)] == 1
            assert receiver.requests == []
            assert await command(daemon, "subscribers", "resume", SHOP) == [f"'{SHOP}' is served again."]
            while (await shown(client))["lag"]:
                await trio.sleep(0.02)  # polls
            assert len(receiver.requests) == 1


async def test_the_attempts_before_a_restart_are_still_shown(tmp_path: Path) -> None:
    with trio.fail_after(BOUND_SECONDS):
        async with (
            running_backbone() as url,
            running_daemon(tmp_path, url, modules=modules(free_port(), retryScheduleSeconds=[3600])) as daemon,
            daemon.client() as client,
        ):
            await create_attributes(client, 1)
            while not (await shown(client))["attempts"]:
                await trio.sleep(0.02)  # polls
            [before] = (await shown(client))["attempts"]
            assert await daemon.stop() == 0
            await daemon.start()
            state = await shown(client)
            [after] = state["attempts"]
            assert (after["eventId"], after["at"], after["reason"]) == (
                before["eventId"],
                before["at"],
                before["reason"],
            )
            assert state["state"] == "waiting"
            assert state["nextAttemptAt"] > before["at"]


async def test_the_metrics_tell_what_the_daemon_does(tmp_path: Path) -> None:
    receiver = Receiver(Reply(500), Reply(204))
    with trio.fail_after(BOUND_SECONDS):
        async with (
            receiving(receiver),
            running_backbone() as url,
            running_daemon(tmp_path, url, modules=modules(receiver.port, retryScheduleSeconds=[0.1])) as daemon,
            daemon.client() as client,
        ):
            await create_attributes(client, 2)
            (await client.post("Account/Sync")).raise_for_status()
            await client.get(f"{daemon.url}/nowhere")
            while len(receiver.requests) < 3 or (await shown(client))["lag"]:
                await trio.sleep(0.02)  # polls
            found = await metrics(daemon)
        prefix = "trio_connector_"
        route = "/api/core/v1/Attributes"
        assert found[prefix + "http_requests_total", ("POST", route, "201")] == 2
        assert found[prefix + "http_request_duration_seconds_count", ("POST", route)] == 2
        assert found[prefix + "http_requests_total", ("GET", "(none)", "404")] == 1
        assert found[prefix + "events_total", ("consumption.attributeCreated",)] == 2
        assert found[prefix + "subscriber_delivered_total", ("webhook", SHOP)] == 2
        assert found[prefix + "subscriber_refused_total", ("webhook", SHOP)] == 1
        assert found[prefix + "subscriber_lag_events", ("webhook", SHOP)] == 0
        assert found[prefix + "subscriber_behind", ("webhook", SHOP)] == 0
        assert found[prefix + "sync_run_duration_seconds_count", ("done",)] >= 1
        assert found[prefix + "backbone_requests_total", ("POST", "200", "SyncRuns")] >= 1
        assert found[prefix + "backbone_request_duration_seconds_count", ("POST", "SyncRuns")] >= 1
        assert found[prefix + "store_units_total", ("committed",)] > 2
        assert found[prefix + "store_commit_duration_seconds_count", ()] > 2
        assert found[prefix + "store_size_bytes", ()] > 0
        assert found["process_resident_memory_bytes", ()] > 0
        assert sum(name == prefix + "build_info" for name, _ in found) == 1


async def shown(client: httpx.AsyncClient) -> Any:
    """The webhook's subscriber."""
    response = await client.get(f"Subscribers/{SHOP}")
    assert response.status_code == 200, response.text
    return response.json()["result"]


async def metrics(daemon: Daemon) -> dict[tuple[str, tuple[str, ...]], float]:
    """All samples by name and the values of their labels, these in the order of the labels' names."""
    async with daemon.client() as client:
        response = await client.get(f"{daemon.url}/metrics")
    assert response.status_code == 200
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }
