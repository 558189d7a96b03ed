"""What was answered is kept: over restarts, over kill -9, and in memory until the end."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from subprocess import PIPE

import apsw
import httpx
import pytest
import trio

from tests.embedded.backbone import (
    BOUND_SECONDS,
    NOT_FOUND,
    Backbone,
    SettableClock,
    refusal,
    result,
    running_backbone,
)
from trio_connector.embedded import BackboneSettings, serve_backbone


class Clock(SettableClock):
    """The real time, for a Backbone in another process."""

    def in_the_future(self, **duration: float) -> str:
        return "2099-01-01T00:00:00.000Z"


@asynccontextmanager
async def in_another_process(folder: Path) -> AsyncIterator[tuple[Backbone, trio.Process]]:
    """``python -m trio_connector.embedded``; killed at the end of the block if it still runs."""
    command = [sys.executable, "-m", "trio_connector.embedded", "--port", "0", "--folder", str(folder)]
    with trio.fail_after(BOUND_SECONDS):
        async with trio.open_nursery() as nursery:
            run = partial(trio.run_process, command, stdout=PIPE, check=False)
            process: trio.Process = await nursery.start(run)
            assert process.stdout is not None
            line = b""
            while not line.endswith(b"\n"):
                data = await process.stdout.receive_some()
                assert data, "the Backbone did not start"
                line += data
            url = line.decode().split()[-1]
            async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=BOUND_SECONDS) as client:
                yield Backbone(url, Clock(), client, trio.Event()), process
            if process.returncode is None:
                process.kill()


async def test_what_was_answered_survives_kill_9(tmp_path: Path) -> None:
    async with in_another_process(tmp_path) as (backbone, process):
        owner, requester, relationship_id = await backbone.pair()
        message_id = result(await requester.send(owner), 201)["id"]
        file = result(await owner.upload(b"content"), 201)
        await owner.make_datawallet()
        run = result(await owner.start_sync(duration=60), 201)["syncRun"]
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
    async with in_another_process(tmp_path) as (backbone, process):
        for identity in (owner, requester):
            identity.backbone = backbone
        assert (await owner.get("/Devices/Self")).status_code == 200, "access tokens survive too"
        events = result(await owner.get(f"/SyncRuns/{run['id']}/ExternalEvents"))
        assert [event["type"] for event in events] == ["RelationshipStatusChanged", "MessageReceived"]
        assert events[1]["payload"] == {"id": message_id}
        assert result(await requester.get(f"/Relationships/{relationship_id}"))["status"] == "Active"
        assert (await requester.get(f"/Files/{file['id']}")).content == b"content"
        assert (await backbone.log_in(owner.username)).status_code == 200
        os.kill(process.pid, signal.SIGTERM)
        assert await process.wait() == 0


async def test_a_kill_in_the_middle_of_many_requests_leaves_all_or_nothing_of_each(tmp_path: Path) -> None:
    answered: list[str] = []
    async with in_another_process(tmp_path) as (backbone, process):
        owner, requester, _ = await backbone.pair()

        async def send_until_the_end() -> None:
            while True:
                try:
                    response = await requester.send(owner)
                except httpx.TransportError:
                    return
                if response.status_code == 201:
                    answered.append(result(response, 201)["id"])
                    if len(answered) == 30:
                        os.kill(process.pid, signal.SIGKILL)
                else:
                    await owner.get("/Messages")  # makes room for more

        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(send_until_the_end)
        await process.wait()
    async with in_another_process(tmp_path) as (backbone, _):
        owner.backbone = requester.backbone = backbone
        kept = {message["id"] for message in result(await requester.get("/Messages", pageSize=200))}
        assert kept.issuperset(answered)
        await owner.make_datawallet()
        events = [event for event in await owner.events() if event["type"] == "MessageReceived"]
        assert {event["payload"]["id"] for event in events} == kept, "each message has its event and vice versa"


async def test_a_restart_keeps_everything(tmp_path: Path) -> None:
    async with running_backbone(tmp_path / "data") as backbone:
        identity = await backbone.identity()
        token_id = await identity.token()
    async with running_backbone(tmp_path / "data") as backbone:
        identity.backbone = backbone
        result(await identity.get(f"/Tokens/{token_id}"))


async def test_in_memory_nothing_is_kept_and_nothing_else_differs() -> None:
    async with running_backbone() as backbone:
        owner, requester, relationship_id = await backbone.pair()
        result(await requester.send(owner), 201)
        assert await owner.event_types() == ["RelationshipStatusChanged", "MessageReceived"]
        assert refusal(await owner.get("/Relationships/RELaaaaaaaaaaaaaaaaa")) == NOT_FOUND
        result(await owner.get(f"/Relationships/{relationship_id}"))
    async with running_backbone() as backbone:
        assert (await backbone.log_in(owner.username)).status_code == 400


async def test_only_the_user_can_read_the_files(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with running_backbone(folder) as backbone:
        await backbone.identity()
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


async def refused_start(folder: Path | None, port: int = 0) -> OSError:
    """The error of a Backbone that cannot start: plain, not inside a group."""
    settings = BackboneSettings(port=port, folder=folder)
    with pytest.raises(OSError, match=r".+") as caught:
        await serve_backbone(settings, clock=SettableClock(), entropy=os.urandom, shutdown=trio.Event())
    return caught.value


async def test_a_folder_belongs_to_one_process(tmp_path: Path) -> None:
    async with running_backbone(tmp_path):
        assert "Another process uses" in str(await refused_start(tmp_path))


async def test_data_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    async with running_backbone(tmp_path):
        pass
    connection = apsw.Connection(str(tmp_path / "backbone.sqlite"))
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    assert "Use the newer program" in str(await refused_start(tmp_path))


async def test_a_port_in_use_is_a_plain_error(tmp_path: Path) -> None:
    async with running_backbone() as backbone:
        port = int(backbone.url.rpartition(":")[2])
        assert "the port is in use" in str(await refused_start(tmp_path, port))
