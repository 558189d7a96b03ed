"""What the commands print and how they end (connector spec 1.1). They run as processes of their own."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

import trio_connector
from tests.services import free_port

ROOT = Path(__file__).parents[2]
ADDRESS = r"Identity Address: did:e:localhost:dids:[0-9a-f]{22}\n"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Only what a process needs, so that nothing of this machine configures the Connector."""
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "PYTHONPATH": str(ROOT), **(extra or {})}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "trio_connector", *arguments],
            cwd=tmp_path,
            env=environment(variables),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    return run


@pytest.fixture
def configuration(tmp_path: Path) -> dict[str, Any]:
    """A Connector with a Backbone of its own, both at free ports; written to ``config.yaml`` by ``write``."""
    return {
        "infrastructure": {
            "embeddedBackbone": {"enabled": True, "port": free_port()},
            "httpServer": {"port": free_port()},
        }
    }


def write(folder: Path, configuration: dict[str, Any]) -> None:
    (folder / "config.yaml").write_text(yaml.safe_dump(configuration))


class Daemon:
    """A running ``start``; reads its log."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "trio_connector", *(arguments or ("start",))],
            cwd=folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        self.lines: list[dict[str, Any]] = []

    def until(self, message: str) -> dict[str, Any]:
        """The first log line with this beginning; fails when the process ends without one."""
        assert self.process.stdout is not None
        for text in self.process.stdout:
            self.lines.append(json.loads(text))
            if self.lines[-1]["@mt"].startswith(message):
                return self.lines[-1]
        raise AssertionError(f"no '{message}' in {self.lines}\n{self.process.communicate()[1]}")

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        output, errors = self.process.communicate(timeout=30)
        self.lines += [json.loads(text) for text in output.splitlines()]
        assert errors == ""
        return self.process.returncode


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Callable[..., Daemon]]:
    started: list[Daemon] = []

    def daemon(*arguments: str) -> Daemon:
        started.append(Daemon(tmp_path, *arguments))
        return started[-1]

    yield daemon
    for one in started:
        one.process.kill()
        one.process.communicate()


@pytest.mark.parametrize("group", [[], ["config"], ["identity"], ["identityDeletion"], ["events"], ["subscribers"]])
def test_a_missing_command_is_said_after_the_usage(run: Run, group: list[str]) -> None:
    answer = run(*group)
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert answer.stderr.startswith("Usage: trio-connector")
    assert answer.stderr.splitlines()[-1] == "Please specify a command"


@pytest.mark.parametrize("arguments", [["foo"], ["identity", "foo"], ["start", "--foo"], ["start", "foo"], ["--foo"]])
def test_a_wrong_command_is_named_after_the_usage(run: Run, arguments: list[str]) -> None:
    answer = run(*arguments)
    assert answer.returncode == 1
    assert answer.stderr.splitlines()[-1] == "Unknown argument: foo"


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("command", [[], ["start"], ["identity", "status"]])
def test_help_is_everywhere(run: Run, command: list[str], flag: str) -> None:
    answer = run(*command, flag)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.startswith("Usage: trio-connector")


def test_the_version_is_printed(run: Run) -> None:
    assert run("--version").stdout == f"{trio_connector.__version__}\n"


def test_every_mistake_of_the_configuration_is_listed_and_ends_the_start(run: Run, tmp_path: Path) -> None:
    write(tmp_path, {"database": {"driver": "mongodb"}, "modules": {"sync": {"enabled": "yes"}}})
    for command in (["start"], ["config", "check"], ["identity", "status"]):
        answer = run(*command)
        assert (answer.returncode, answer.stdout) == (1, "")
        assert answer.stderr.startswith("The configuration is not valid:\n  - ")
        assert "instance.modules.sync.enabled is not of a type(s) boolean" in answer.stderr
        assert "'mongodb' is not supported" in answer.stderr
        assert 'instance.transportLibrary requires property "baseUrl"' in answer.stderr


def test_without_any_configuration_it_is_said_where_one_is_named(run: Run) -> None:
    assert run("config", "check").stderr.splitlines()[-1] == "No configuration file was read. Name one with -c."


def test_a_valid_configuration_is_said_to_be_valid(run: Run) -> None:
    answer = run("config", "check", "-c", str(ROOT / "config.example.yaml"))
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "The configuration is valid.\n", "")


def test_what_a_module_would_refuse_is_found_without_a_start(run: Run, tmp_path: Path) -> None:
    configuration = yaml.safe_load((ROOT / "config.example.yaml").read_text())
    configuration["modules"]["webhooks"] = {"enabled": True, "webhooks": [{"triggers": ["**"], "target": "lost"}]}
    write(tmp_path, configuration)
    answer = run("config", "check")
    assert answer.returncode == 1
    where = "instance.modules.webhooks.webhooks[0].target"
    assert f"{where}: Invalid configuration. target 'lost' not found!" in answer.stderr


def test_the_shown_configuration_is_the_effective_one_without_secrets(run: Run) -> None:
    answer = run(
        "config",
        "show",
        transportLibrary__baseUrl="http://backbone.example",
        PLATFORM_CLIENT_ID="me",
        PLATFORM_CLIENT_SECRET="hidden-secret",
        SECRET_OF_SOMEBODY="hidden-environment",
    )
    shown = json.loads(answer.stdout)
    assert shown["transportLibrary"]["baseUrl"] == "http://backbone.example"
    assert shown["infrastructure"]["httpServer"]["host"] == "127.0.0.1"
    assert "hidden" not in answer.stdout


def test_the_schema_and_the_reference_are_printed(run: Run) -> None:
    assert json.loads(run("config", "schema").stdout)["title"] == "Configuration of trio-connector"
    assert run("config", "reference").stdout == (ROOT / "docs" / "configuration.md").read_text("utf-8")


def test_the_life_of_an_identity_by_commands(run: Run, tmp_path: Path, configuration: dict[str, Any]) -> None:
    write(tmp_path, configuration)
    first = run("identity", "status")
    assert re.fullmatch(ADDRESS, first.stdout)
    nothing = run("identityDeletion", "cancel")
    assert (nothing.returncode, nothing.stdout) == (
        1,
        "This command failed with the code 'error.runtime.identityDeletionProcess.noActiveIdentityDeletionProcess' and "
        "the message 'No active IdentityDeletionProcess found.'.\n",
    )
    begun = run("identityDeletion", "init")
    assert (begun.returncode, begun.stdout, begun.stderr) == (0, "Identity deletion initiated\n", "")
    status = run("identity", "status")
    assert re.fullmatch(
        ADDRESS + r"Identity deletion status: Active\nEnd of grace period: \d{1,2}/\d{1,2}/\d{4}\n", status.stdout
    )
    assert status.stdout.startswith(first.stdout)
    assert run("identityDeletion", "cancel").stdout == "Identity deletion cancelled\n"
    assert run("identity", "status").stdout == first.stdout


def test_the_data_are_private(run: Run, tmp_path: Path, configuration: dict[str, Any]) -> None:
    write(tmp_path, configuration)
    run("identity", "status")
    data = tmp_path / "data"
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in data.rglob("*") if path.is_file()} == {0o600}


def test_a_start_that_may_not_create_an_identity_ends_with_the_reason(
    run: Run, tmp_path: Path, configuration: dict[str, Any]
) -> None:
    configuration["transportLibrary"] = {"allowIdentityCreation": False}
    write(tmp_path, configuration)
    answer = run("start")
    assert answer.returncode == 1
    assert "error.transport.general.noIdentityFound" in answer.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_start_serves_with_a_key_of_its_own_and_ends_cleanly(
    daemon: Callable[..., Daemon], tmp_path: Path, configuration: dict[str, Any], number: signal.Signals
) -> None:
    write(tmp_path, configuration)
    running = daemon()
    hint = running.until("No authentication is configured.")
    running.until("Listening on port")
    running.until("Started all modules.")
    path = tmp_path / "data" / "api-key"
    key = path.read_text("utf-8").strip()
    assert str(path) in hint["@mt"]
    url = f"http://127.0.0.1:{configuration['infrastructure']['httpServer']['port']}/api/core/v1/Account/IdentityInfo"
    assert httpx.get(url, headers={"X-API-KEY": key}, trust_env=False).status_code == 200
    assert httpx.get(url, trust_env=False).status_code == 401
    assert running.end(number) == 0
    assert key not in json.dumps(running.lines)


def test_the_embedded_backbone_runs_alone_until_a_signal(daemon: Callable[..., Daemon]) -> None:
    running = daemon("backbone", "--port", "0")
    url = running.until("Listening on port")["url"]
    assert httpx.get(f"{url}/health", trust_env=False).status_code == 200
    assert running.end() == 0


def test_a_backbone_is_either_in_memory_or_in_a_folder(run: Run) -> None:
    answer = run("backbone", "--in-memory", "--folder", "x")
    assert answer.returncode == 1
    assert answer.stderr.splitlines()[-1] == "Use either --folder or --in-memory."


def test_a_port_in_use_ends_the_start(run: Run, tmp_path: Path, configuration: dict[str, Any]) -> None:
    server = configuration["infrastructure"]
    server["httpServer"]["port"] = server["embeddedBackbone"]["port"]
    write(tmp_path, configuration)
    answer = run("start")
    assert answer.returncode == 1
    assert "Started all modules." not in answer.stdout
    assert str(server["httpServer"]["port"]) in answer.stderr
