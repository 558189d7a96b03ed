"""What is wrong with a configuration."""

from __future__ import annotations

from collections.abc import Iterable


class ConfigurationError(Exception):
    """The configuration cannot be used; the text lists every mistake (connector spec 2.4)."""

    def __init__(self, problems: Iterable[str], *, text: str | None = None) -> None:
        self.problems = tuple(problems)
        lines = "".join(f"\r\n  - {problem}" for problem in self.problems)
        super().__init__(text if text is not None else f"The configuration is not valid:{lines}")
