"""How far one walk through the log is, while it is under way (design section 4).

Pure. Events are taken in order and may be done in any order. The cursor is the highest position up to which all is
done; what is done above it is remembered too, so that a restart sends only what was under way.
"""

from __future__ import annotations

from trio_connector.events.log import Standing


class Walk:
    """The changing form of a `Standing`."""

    def __init__(self, standing: Standing) -> None:
        self.reached = max(standing.cursor, standing.reached)
        self._open = {position for position in standing.open if position > standing.cursor}

    @property
    def cursor(self) -> int:
        """The highest position up to which everything is done."""
        return min(self._open) - 1 if self._open else self.reached

    @property
    def open(self) -> tuple[int, ...]:
        """What was taken and is not done, in order."""
        return tuple(sorted(self._open))

    @property
    def standing(self) -> Standing:
        """What is to be remembered."""
        return Standing(self.cursor, self.reached, self.open)

    def take(self, position: int) -> None:
        """This event is under way from now on."""
        self._open.add(position)
        self.reached = max(self.reached, position)

    def skip_to(self, position: int) -> None:
        """Nothing up to ``position`` is wanted besides what was taken."""
        self.reached = max(self.reached, position)

    def done(self, position: int) -> None:
        """This event needs nothing more."""
        self._open.discard(position)
