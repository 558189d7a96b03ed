"""Starting and stopping the daemon as operators do."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import httpx
import trio

from tests.accounts import running_backbone
from tests.daemon.processes import Daemon, running_daemon


async def test_sigterm_under_32_busy_connections_cuts_no_request(tmp_path: Path) -> None:
    async with running_backbone() as url, running_daemon(tmp_path, url) as daemon:
        outcomes: list[int] = []
        ends: list[str] = []

        async def ask_until_refused() -> None:
            async with daemon.client() as client:
                while True:
                    try:
                        response = await client.get("Account/IdentityInfo")
                    except (httpx.ConnectError, httpx.RemoteProtocolError, httpx.ReadError) as error:
                        ends.append(str(error))
                        return
                    outcomes.append(response.status_code)

        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                for _ in range(32):
                    nursery.start_soon(ask_until_refused)
                while len(outcomes) < 64:
                    await trio.sleep(0.01)  # polls
                assert not ends
                daemon.signal(signal.SIGTERM)
        # Each ended by a refused connection, or on an idle one that was closed; none in the middle of an answer.
        assert not [end for end in ends if "incomplete" in end]
        assert await daemon.wait() == 0
        assert set(outcomes) == {200}
        assert "Traceback" not in daemon.log()


async def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    async with running_backbone() as url, running_daemon(tmp_path, url, gracePeriodSeconds=600) as daemon:
        # A request whose body never comes keeps the daemon busy for all of its grace period.
        stream = await trio.open_tcp_stream("127.0.0.1", daemon.port)
        await stream.send_all(
            b"POST /api/core/v1/Messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 1000\r\n\r\n{"
        )
        daemon.signal(signal.SIGTERM)
        with trio.fail_after(30):
            while "Stopping modules..." not in daemon.log():
                await trio.sleep(0.01)  # polls the log of another process
        assert daemon.is_running
        daemon.signal(signal.SIGTERM)
        assert await daemon.wait() != 0
        await stream.aclose()


async def test_later_starts_find_the_identity_and_need_no_backbone(tmp_path: Path) -> None:
    async with running_backbone() as url, running_daemon(tmp_path, url) as daemon:
        async with daemon.client() as client:
            first = (await client.get("Account/IdentityInfo")).json()
        assert await daemon.stop() == 0
    await daemon.start()
    async with daemon.client() as client:
        assert (await client.get("Account/IdentityInfo")).json() == first
        health = await client.get(f"{daemon.url}/health")
        assert health.status_code == 500
        assert health.json()["services"]["database"] == "healthy"
        assert health.json()["services"]["backboneConnection"] == "unhealthy"
    assert await daemon.stop() == 0


async def test_the_first_start_needs_the_backbone(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, "http://127.0.0.1:9")
    daemon.launch()
    assert await daemon.wait() == 1
    assert "error.transport.request." in daemon.log()


async def test_a_second_process_on_the_same_identity_is_refused(tmp_path: Path) -> None:
    async with running_backbone() as url, running_daemon(tmp_path, url) as daemon:
        second = Daemon(tmp_path, url)
        second.log_file = tmp_path / "second.log"
        second.launch()
        assert await second.wait() == 1
        assert "Traceback" not in second.log()
        assert await daemon.stop() == 0


async def test_a_port_in_use_ends_the_start_with_status_1(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    async with running_backbone() as url, running_daemon(tmp_path / "a", url) as first:
        second = Daemon(tmp_path / "b", url)
        configuration = (tmp_path / "b" / "config.json").read_text()
        (tmp_path / "b" / "config.json").write_text(configuration.replace(str(second.port), str(first.port)))
        second.launch()
        assert await second.wait() == 1
        assert "Listening on port" not in second.log()


async def test_a_wrong_client_secret_is_said_and_ends_with_status_1(tmp_path: Path) -> None:
    async with running_backbone() as url:
        daemon = Daemon(tmp_path, url)
        configuration = (tmp_path / "config.json").read_text()
        (tmp_path / "config.json").write_text(
            configuration.replace('"platformClientSecret": "test"', '"platformClientSecret": "wrong"')
        )
        daemon.launch()
        assert await daemon.wait() == 1
        assert "The combination of platform clientId and clientSecret is invalid." in daemon.log()
        assert "wrong" not in daemon.log()


async def test_data_and_keys_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    async with running_backbone() as url, running_daemon(tmp_path, url) as daemon:
        for path in [tmp_path / "data", *(tmp_path / "data").rglob("*")]:
            assert os.stat(path).st_mode & 0o077 == 0, path
        assert await daemon.stop() == 0
