"""The demonstration, as a new user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_the_demonstration_shows_the_whole_flow_and_leaves_nothing_behind(tmp_path: Path) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "trio_connector", "demo"],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert shown.stderr == ""
    for event in ("relationshipChanged", "messageSent", "messageReceived"):
        assert f"event transport.{event}" in shown.stdout
    assert shown.stdout.splitlines()[-1].startswith("Done:")
    assert list(tmp_path.iterdir()) == []
