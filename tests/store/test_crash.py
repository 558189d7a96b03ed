"""``kill -9`` at any moment leaves all of a unit or nothing of it, and no cursor ahead of its deliveries."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.store.conftest import OpenStore
from tests.store.records import NOTES
from trio_connector.events.model import NewEvent
from trio_connector.events.patterns import EVERYTHING
from trio_connector.store import Unit

ROOT = Path(__file__).parents[2]
ROUNDS = 4


def run_and_kill(folder: Path, what: str, lines: int) -> list[str]:
    """Let the process say so many lines, kill it, and return all it said."""
    command = [sys.executable, "-m", "tests.store.crashing", str(folder), what]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        said = [process.stdout.readline().strip() for _ in range(lines)]
        process.kill()
        said += [line.strip() for line in process.stdout if line.endswith("\n")]
    return [line for line in said if line]


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_a_unit_is_there_as_a_whole_or_not_at_all(open_file: OpenStore, tmp_path: Path, seed: int) -> None:
    said = run_and_kill(tmp_path / "data", "units", random.Random(seed).randrange(1, 300))
    async with open_file() as store:
        notes = await store.list(NOTES)
        pairs = {note.author for note in notes}
        assert {note.id for note in notes} == {f"{name}-{side}" for name in pairs for side in ("left", "right")}
        assert pairs >= set(said), "what was acknowledged is there"
        told: list[str] = []
        reached = 0
        while reached < store.events.head:
            page = store.events.page(reached, EVERYTHING, 1000)
            told += [bytes(event.data).decode().strip('"') for event in page.events]
            reached = page.until
        assert sorted(told) == sorted(pairs), "an event for each change and none without"


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_everything_is_delivered_and_only_what_was_under_way_again(
    open_file: OpenStore, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    count = 400

    def fill(unit: Unit) -> None:
        for _ in range(count):
            unit.append(NewEvent(namespace="a", entity=str(chance.randrange(5))))

    async with open_file() as store:
        await store.transact(fill)
    said = run_and_kill(tmp_path / "data", "deliveries", chance.randrange(1, count))
    async with open_file() as store:
        subscription = store.events.subscription("teller")
        waiting = {retry.position for retry in store.events.retries("teller")}
    assert subscription is not None, "it is known before the first delivery"
    standing = subscription.standing
    delivered = set(map(int, said))
    done = set(range(1, standing.reached + 1)) - set(standing.open)
    assert done <= delivered, "what counts as done was delivered"
    assert waiting <= set(standing.open) | set(range(standing.reached + 1, count + 1))
    # 16 attempts may be unsaved and 2 under way, of 3 events each.
    assert len(delivered - done - waiting) <= (16 + 2 + 2) * 3
