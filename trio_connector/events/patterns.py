"""Which namespaces a subscriber wants (connector spec section 9).

Pure. A pattern is a dotted name; ``*`` stands for exactly one segment, ``**`` for any number of them, also none:
``transport.*`` matches ``transport.messageReceived``, ``consumption.**`` matches everything below ``consumption`` and
itself, ``**`` matches all.
"""

from __future__ import annotations

from collections.abc import Iterable

_MAX_REMEMBERED = 1024


def matches(pattern: str, namespace: str) -> bool:
    """Whether ``namespace`` is one that ``pattern`` stands for."""
    if "*" not in pattern:
        return pattern == namespace
    # The set of pattern segments that may come next; linear in both lengths whatever the pattern.
    wanted = pattern.split(".")
    reached = _with_skips({0}, wanted)
    for segment in namespace.split("."):
        after = set()
        for index in reached:
            if index < len(wanted):
                if wanted[index] == "**":
                    after.add(index)
                elif wanted[index] in ("*", segment):
                    after.add(index + 1)
        reached = _with_skips(after, wanted)
    return len(wanted) in reached


def _with_skips(reached: set[int], wanted: list[str]) -> set[int]:
    """``reached``, and what follows any ``**`` in it."""
    complete = set(reached)
    for index in sorted(reached):
        following = index
        while following < len(wanted) and wanted[following] == "**":
            following += 1
            complete.add(following)
    return complete


class Patterns:
    """Several patterns at once, remembering what it found: the same few namespaces are asked for again and again."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self.patterns = tuple(patterns)
        self._everything = "**" in self.patterns
        self._found: dict[str, bool] = {}

    def match(self, namespace: str) -> bool:
        """Whether any of the patterns stands for ``namespace``."""
        if self._everything:
            return True
        found = self._found.get(namespace)
        if found is None:
            found = any(matches(pattern, namespace) for pattern in self.patterns)
            if len(self._found) >= _MAX_REMEMBERED:  # some namespaces end with an id
                self._found.clear()
            self._found[namespace] = found
        return found


EVERYTHING = Patterns(("**",))
