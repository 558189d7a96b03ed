"""Modules in the daemon: a wrong one ends the start, one of a user works, and one that dies for good ends it all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio

from tests.accounts import running_backbone
from tests.daemon.processes import Daemon, running_daemon

SHOP = """
import trio
from pathlib import Path

class Module:
    patterns = ("runtime.*",)

    def __init__(self, context):
        self.options = context.options

    async def react(self, event):
        Path(self.options["file"]).write_text(event.namespace)

    async def run(self, *, task_status):
        task_status.started()
        while not Path(self.options["die"]).exists():
            await trio.sleep(0.01)
        raise RuntimeError("the shop has burnt down")
"""


@pytest.mark.parametrize(
    ("modules", "said"),
    [
        (
            {"webhooks": {"enabled": True, "webhooks": [{"triggers": ["**"], "target": "lost"}]}},
            "error.runtime.modules.webhooks.invalidTargetReference: Module 'webhooks' "
            "(modules.webhooks.webhooks[0].target): Invalid configuration. target 'lost' not found!",
        ),
        (
            {"mine": {"enabled": True, "location": "shop:Lost"}},
            "error.connector.modules.cannotBeLoaded: Module 'mine' (modules.mine.location): The module on location "
            "'shop:Lost' could not be loaded: it has no class 'Lost'.",
        ),
        ({"sync": {"enabled": True, "interval": -1}}, "instance.modules.sync.interval must be strictly greater than 0"),
    ],
)
async def test_a_wrong_module_ends_the_start_with_status_1_and_the_reason(
    tmp_path: Path, modules: dict[str, Any], said: str
) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    async with running_backbone() as url:
        daemon = Daemon(tmp_path, url, modules=modules)
        daemon.launch()
        assert await daemon.wait() == 1
    assert said in daemon.log()
    assert "Traceback" not in daemon.log()
    assert "Listening on port" not in daemon.log()


async def test_a_users_module_reacts_and_when_its_task_dies_the_daemon_ends_with_its_traceback(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    told, die = tmp_path / "told", tmp_path / "die"
    mine = {"enabled": True, "location": "shop:Module", "file": str(told), "die": str(die)}
    async with running_backbone() as url, running_daemon(tmp_path, url, modules={"mine": mine}) as daemon:
        with trio.fail_after(30):
            while not (told.exists() and told.read_text() == "runtime.modulesStarted"):
                await trio.sleep(0.01)  # polls what another process writes
        die.touch()
        assert await daemon.wait() == 1
    assert "RuntimeError: the shop has burnt down" in daemon.log()
    assert 'shop.py", line' in daemon.log()
