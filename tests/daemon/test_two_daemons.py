"""Two Connectors and a Backbone, each a process of its own, as ``docs/getting-started.md`` starts them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import trio

from tests.accounts import ARBITRARY_CREATION, ARBITRARY_TEMPLATE, FAR_FUTURE
from tests.daemon.processes import REPOSITORY, Program, running_daemon, running_program
from tests.services import free_port, missing

PAGE = (REPOSITORY / "docs" / "getting-started.md").read_text()
LIMIT_SECONDS = 120
FILE = b"Invoice 2026-001: one walking Connector.\n"


@asynccontextmanager
async def running_backbone(folder: Path, port: int) -> AsyncIterator[Program]:
    """``trio-connector backbone --in-memory``."""
    async with running_program(
        folder, "backbone", ["backbone", "--in-memory", "--port", str(port)], until="Listening on port"
    ) as program:
        yield program


async def ask(api: httpx.AsyncClient, method: str, path: str, **parts: Any) -> Any:
    response = await api.request(method, path, **parts)
    assert response.is_success, response.text
    return response.json()["result"] if response.content else None


async def seen(api: httpx.AsyncClient, path: str) -> Any:
    """What is at ``path``, once there is something."""
    while True:  # polls another process
        response = await api.get(path)
        if response.is_success and response.json()["result"]:
            return response.json()["result"]
        await trio.sleep(0.05)


async def test_two_connectors_establish_a_relationship_and_exchange_a_message_with_a_file(tmp_path: Path) -> None:
    port = free_port()
    for name in ("backbone", "alice", "bob"):
        (tmp_path / name).mkdir()
    url, modules = f"http://localhost:{port}", {"sse": {"enabled": True}}
    with trio.fail_after(LIMIT_SECONDS):
        async with (
            running_backbone(tmp_path / "backbone", port),
            running_daemon(tmp_path / "alice", url, modules=modules) as alices,
            running_daemon(tmp_path / "bob", url, modules=modules) as bobs,
            alices.client() as alice,
            bobs.client() as bob,
        ):
            await _meet(alice, bob)
            await _exchange(alice, bob)
            assert await alices.stop() == 0
            assert await bobs.stop() == 0


async def _meet(alice: httpx.AsyncClient, bob: httpx.AsyncClient) -> None:
    template = await ask(
        alice, "POST", "RelationshipTemplates/Own", json={"content": ARBITRARY_TEMPLATE, "expiresAt": FAR_FUTURE}
    )
    loaded = await ask(
        bob, "POST", "RelationshipTemplates/Peer", json={"reference": template["reference"]["truncated"]}
    )
    asked = await ask(
        bob, "POST", "Relationships", json={"templateId": loaded["id"], "creationContent": ARBITRARY_CREATION}
    )
    (pending,) = await seen(alice, "Relationships?status=Pending")
    assert pending["id"] == asked["id"]
    await ask(alice, "PUT", f"Relationships/{pending['id']}/Accept")
    (active,) = await seen(bob, "Relationships?status=Active")
    assert active["id"] == asked["id"]


async def _exchange(alice: httpx.AsyncClient, bob: httpx.AsyncClient) -> None:
    file = await ask(alice, "POST", "Files/Own", files={"file": ("invoice.txt", FILE, "text/plain")})
    sender = (await ask(alice, "GET", "Account/IdentityInfo"))["address"]
    recipient = (await ask(bob, "GET", "Account/IdentityInfo"))["address"]
    mail = {"@type": "Mail", "to": [recipient], "cc": [], "subject": "Your invoice", "body": "Dear Bob, ..."}
    message = {"recipients": [recipient], "content": mail, "attachments": [file["id"]]}
    sent = await ask(alice, "POST", "Messages", json=message)
    received = await seen(bob, f"Messages/{sent['id']}")
    assert received["createdBy"] == sender
    assert received["content"]["subject"] == "Your invoice"
    (attachment,) = received["attachments"]
    download = await bob.get(f"Messages/{sent['id']}/Attachments/{attachment['id']}/Download")
    assert download.content == FILE


# --- the page -------------------------------------------------------------------------------------------------------


def blocks(language: str) -> list[str]:
    """The contents of the page's code blocks of this language."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def with_ports(text: str, ports: Mapping[str, int]) -> str:
    """``text`` with the page's ports replaced by free ones."""
    return re.sub("|".join(ports), lambda found: str(ports[found[0]]), text)


def commands() -> Sequence[list[str]]:
    """The commands that the page starts, without the name of the program."""
    (block,) = blocks("console")
    return [line.split()[1:] for line in block.splitlines()]


async def test_the_page_about_getting_started_works_as_written(tmp_path: Path) -> None:
    for needed in ("bash", "curl", "jq"):
        if shutil.which(needed) is None:
            missing(needed)
    ports = {port: free_port() for port in ("8081", "8082", "8090")}
    for name, content in zip(re.findall(r"^`(\w+\.yaml)`$", PAGE, re.MULTILINE), blocks("yaml"), strict=True):
        (tmp_path / name).write_text(with_ports(content, ports))
    script = "set -euo pipefail\n" + with_ports("\n".join(blocks("sh")), ports)
    with trio.fail_after(LIMIT_SECONDS):
        async with AsyncExitStack() as stack:
            for number, arguments in enumerate(commands()):
                is_backbone = arguments[0] == "backbone"
                await stack.enter_async_context(
                    running_program(
                        tmp_path,
                        f"program-{number}",
                        [*arguments, "--port", str(ports["8090"])] if is_backbone else arguments,
                        until="Listening on port" if is_backbone else "Started all modules.",
                    )
                )
            ended = await trio.run_process(
                ["bash", "-c", script], cwd=tmp_path, capture_stdout=True, stderr=subprocess.STDOUT, check=False
            )
    print(ended.stdout.decode(), file=sys.stderr)  # noqa: T201 - shown when the test fails
    assert ended.returncode == 0
    assert ended.stdout.endswith(b"The file arrived unchanged.\n")
    assert b"Your invoice" in ended.stdout
