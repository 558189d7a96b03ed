"""What subscribers want remembered: cursors, retries, refused attempts, given up events, replays (design section 4)."""

from __future__ import annotations

from collections.abc import Sequence

import apsw
import msgspec

from trio_connector.events.log import (
    ORDINARY,
    Attempt,
    GivenUp,
    Progress,
    Replay,
    Retry,
    Standing,
    Subscription,
)
from trio_connector.store.long_reads import LongReads
from trio_connector.store.rows import first, rows
from trio_connector.store.unit import Transact, Unit

_ATTEMPT = "position, event_id, number, at, status, reason, next_at"


class StoredDeliveries:
    """Implements ``events.log.DeliveryLog``. ``transact`` runs a unit of work."""

    def __init__(self, reading: apsw.Connection, long_reads: LongReads, transact: Transact) -> None:
        self._reading = reading
        self._long_reads = long_reads
        self._transact = transact

    def subscription(self, name: str) -> Subscription | None:
        """What is remembered of subscriber ``name``."""
        found = rows(
            self._reading,
            "SELECT cursor, reached_position, open_positions, paused, accepted_at FROM subscribers WHERE name = ?",
            (name,),
        )
        if not found:
            return None
        cursor, reached, open_positions, paused, accepted_at = found[0]
        return Subscription(_standing(cursor, reached, open_positions), bool(paused), accepted_at)

    def names(self) -> list[str]:
        """All subscribers that ever were, also those that are not configured any more."""
        return [row[0] for row in rows(self._reading, "SELECT name FROM subscribers ORDER BY name")]

    def retries(self, name: str) -> Sequence[Retry]:
        """What subscriber ``name`` will try again."""
        statement = "SELECT replay, position, attempts, due_at FROM retries WHERE subscriber = ?"
        return [Retry(*row) for row in rows(self._reading, statement, (name,))]

    def replays(self, name: str) -> Sequence[Replay]:
        """What it was asked to deliver once more and has not finished, oldest request first."""
        found = rows(
            self._reading,
            "SELECT id, until_position, cursor, reached_position, open_positions FROM replays "
            "WHERE subscriber = ? ORDER BY id",
            (name,),
        )
        return [Replay(id_, until, _standing(*standing)) for id_, until, *standing in found]

    async def subscribe(self, name: str, position: int) -> None:
        """Remember a new subscriber that has everything up to ``position``; a known one stays as it is."""

        def work(unit: Unit) -> None:
            unit.execute(
                "INSERT INTO subscribers (name, cursor, reached_position) VALUES (?1, ?2, ?2) "
                "ON CONFLICT (name) DO NOTHING",
                (name, position),
            )

        await self._transact(work)

    async def forget(self, name: str) -> None:
        """Forget all about subscriber ``name``: when it comes back, it is a new one."""

        def work(unit: Unit) -> None:
            unit.execute("DELETE FROM subscribers WHERE name = ?", (name,))
            for table in ("replays", "retries", "given_up", "attempts"):
                unit.execute(f"DELETE FROM {table} WHERE subscriber = ?", (name,))

        await self._transact(work)

    async def save(self, name: str, progress: Progress) -> None:
        """Remember what happened; raises `WriteFailed`, which is a ``LogUnavailable``."""
        await self._transact(lambda unit: _save(unit, name, progress))

    async def set_paused(self, name: str, paused: bool) -> None:
        """Remember whether the subscriber is paused."""

        def work(unit: Unit) -> None:
            unit.execute("UPDATE subscribers SET paused = ? WHERE name = ?", (int(paused), name))

        await self._transact(work)

    async def add_replays(self, name: str, ranges: Sequence[tuple[int, int]]) -> Sequence[Replay]:
        """Remember that the events in ``ranges`` (after, until) are to be delivered once more."""

        def work(unit: Unit) -> list[Replay]:
            replays = []
            for after, until in ranges:
                added = unit.execute(
                    "INSERT INTO replays (subscriber, requested_at, until_position, cursor, reached_position) "
                    "VALUES (?1, ?2, ?3, ?4, ?4) RETURNING id",
                    (name, unit.now, until, after),
                )
                replays.append(Replay(added[0][0], until, Standing(after, after)))
            return replays

        return await self._transact(work)

    async def given_up(self, name: str, after: int, limit: int) -> Sequence[GivenUp]:
        """The give-up list, by position, after position ``after``."""
        found = await self._long_reads.rows(
            "SELECT position, event_id, attempts, given_up_at, reason FROM given_up "
            "WHERE subscriber = ? AND position > ? ORDER BY position LIMIT ?",
            (name, after, limit),
        )
        return [GivenUp(*row) for row in found]

    def given_up_count(self, name: str) -> int:
        """The length of the give-up list."""
        return int(first(self._reading, "SELECT count(*) FROM given_up WHERE subscriber = ?", (name,)))

    async def attempts(self, name: str, position: int) -> Sequence[Attempt]:
        """The refused attempts to deliver one event, oldest first."""
        found = await self._long_reads.rows(
            f"SELECT {_ATTEMPT} FROM attempts WHERE subscriber = ? AND position = ? ORDER BY sequence", (name, position)
        )
        return [Attempt(*row) for row in found]

    async def last_attempts(self, name: str, limit: int) -> Sequence[Attempt]:
        """The newest refused attempts, newest first."""
        found = await self._long_reads.rows(
            f"SELECT {_ATTEMPT} FROM attempts WHERE subscriber = ? ORDER BY sequence DESC LIMIT ?", (name, limit)
        )
        return [Attempt(*row) for row in found]


def _standing(cursor: int, reached: int, open_positions: str) -> Standing:
    # A module that advances its own cursor does not touch the rest, which may therefore be behind.
    still_open = tuple(position for position in msgspec.json.decode(open_positions) if position > cursor)
    return Standing(cursor, max(cursor, reached), still_open)


def _save(unit: Unit, name: str, progress: Progress) -> None:
    for replay, standing in progress.standings:
        open_positions = msgspec.json.encode(standing.open).decode()
        if replay == ORDINARY:
            unit.execute(
                "UPDATE subscribers SET cursor = max(cursor, ?2), reached_position = max(reached_position, ?3), "
                "open_positions = ?4, accepted_at = coalesce(?5, accepted_at) WHERE name = ?1",
                (name, standing.cursor, standing.reached, open_positions, progress.accepted_at),
            )
        else:
            unit.execute(
                "UPDATE replays SET cursor = ?, reached_position = ?, open_positions = ? WHERE id = ?",
                (standing.cursor, standing.reached, open_positions, replay),
            )
    for replay, position in progress.settled:
        unit.execute(
            "DELETE FROM retries WHERE subscriber = ? AND replay = ? AND position = ?", (name, replay, position)
        )
    for retry in progress.retries:
        unit.execute(
            "INSERT OR REPLACE INTO retries (subscriber, replay, position, attempts, due_at) VALUES (?, ?, ?, ?, ?)",
            (name, retry.replay, retry.position, retry.attempts, retry.due_at),
        )
    for replay in progress.finished_replays:
        unit.execute("DELETE FROM replays WHERE id = ?", (replay,))
        unit.execute("DELETE FROM retries WHERE subscriber = ? AND replay = ?", (name, replay))
    for position in progress.accepted_again:
        unit.execute("DELETE FROM given_up WHERE subscriber = ? AND position = ?", (name, position))
    for attempt in progress.attempts:
        unit.execute(
            "INSERT OR IGNORE INTO attempts (subscriber, position, event_id, number, at, status, reason, next_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                name,
                attempt.position,
                attempt.event_id,
                attempt.number,
                attempt.at,
                attempt.status,
                attempt.reason,
                attempt.next_at,
            ),
        )
    for given_up in progress.given_up:
        unit.execute(
            "INSERT OR REPLACE INTO given_up (subscriber, position, event_id, attempts, given_up_at, reason) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (
                name,
                given_up.position,
                given_up.event_id,
                given_up.attempts,
                given_up.given_up_at,
                given_up.reason,
            ),
        )
