"""What a subscriber did and the disk does not know yet (design section 4).

Pure. Whatever comes up while one commit is under way is collected into the next one; the newest standing of a track
replaces older ones.
"""

from __future__ import annotations

from trio_connector.events.log import Attempt, GivenUp, Progress, Retry, Standing
from trio_connector.events.track import Track

_Place = tuple[int, int]
"""Replay id and position."""


class Unsaved:
    """Collects; `collect` hands everything over, `restore` takes it back when it could not be saved."""

    def __init__(self) -> None:
        self.attempts = 0
        """How many attempts to deliver are not saved, those in the commit under way included."""
        self._clear()

    def _clear(self) -> None:
        # The dictionaries without values are ordered sets.
        self._standings: dict[int, Track | Standing] = {}
        self._finished: dict[int, None] = {}
        self._retries: dict[_Place, Retry] = {}
        self._settled: dict[_Place, None] = {}
        self._accepted_again: dict[int, None] = {}
        self._refused: list[Attempt] = []
        self._given_up: dict[int, GivenUp] = {}
        self._accepted_at: str | None = None

    def __bool__(self) -> bool:
        return bool(self._standings or self._finished or self.has_details)

    @property
    def has_details(self) -> bool:
        """There is more than standings."""
        return bool(self._retries or self._settled or self._accepted_again or self._refused or self._given_up)

    def moved(self, track: Track) -> None:
        """The standing of ``track`` is to be saved, as it will be when it is collected."""
        self._standings[track.replay] = track

    def attempted(self, track: Track) -> None:
        """One attempt ended."""
        self.attempts += 1
        self.moved(track)

    def refused(self, attempt: Attempt) -> None:
        """The receiver did not take an event."""
        self._refused.append(attempt)

    def waits(self, track: Track, position: int, attempts: int, due_at: str) -> None:
        """An event will be tried again."""
        place = (track.replay, position)
        self._settled.pop(place, None)
        self._retries[place] = Retry(track.replay, position, attempts, due_at)

    def settled(self, track: Track, position: int, *, accepted_at: str | None = None, had_retries: bool = True) -> None:
        """An event needs nothing more: it was accepted, or given up."""
        place = (track.replay, position)
        self._retries.pop(place, None)
        if had_retries:
            self._settled[place] = None
        if accepted_at is not None:
            self._accepted_at = accepted_at
            if track.replay:
                self._given_up.pop(position, None)
                self._accepted_again[position] = None

    def gives_up(self, given_up: GivenUp) -> None:
        """An event goes to the give-up list."""
        self._accepted_again.pop(given_up.position, None)
        self._given_up[given_up.position] = given_up

    def finished(self, track: Track) -> None:
        """A replay came to its end."""
        self._standings.pop(track.replay, None)
        self._finished[track.replay] = None

    def collect(self) -> tuple[Progress, int]:
        """Everything, and how many attempts that are; it is not here any more, except in the count of attempts."""
        progress = Progress(
            standings=tuple(
                (replay, state.walk.standing if isinstance(state, Track) else state)
                for replay, state in self._standings.items()
            ),
            finished_replays=tuple(self._finished),
            retries=tuple(self._retries.values()),
            settled=tuple(self._settled),
            accepted_again=tuple(self._accepted_again),
            attempts=tuple(self._refused),
            given_up=tuple(self._given_up.values()),
            accepted_at=self._accepted_at,
        )
        self._clear()
        return progress, self.attempts

    def saved(self, attempts: int) -> None:
        """The commit with so many attempts is on the disk."""
        self.attempts -= attempts

    def restore(self, progress: Progress) -> None:
        """What could not be saved comes back, behind what came up meanwhile."""
        for replay, standing in progress.standings:
            if replay not in self._finished:
                self._standings.setdefault(replay, standing)
        self._finished.update(dict.fromkeys(progress.finished_replays))
        for retry in progress.retries:
            place = (retry.replay, retry.position)
            if place not in self._settled:
                self._retries.setdefault(place, retry)
        self._settled.update((place, None) for place in progress.settled if place not in self._retries)
        for given_up in progress.given_up:
            if given_up.position not in self._accepted_again:
                self._given_up.setdefault(given_up.position, given_up)
        self._accepted_again.update(
            (position, None) for position in progress.accepted_again if position not in self._given_up
        )
        self._refused[:0] = progress.attempts
        self._accepted_at = self._accepted_at or progress.accepted_at
