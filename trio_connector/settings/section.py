"""What every part of the configuration has in common: frozen, strict about unknown keys, silent about its values."""

from __future__ import annotations

from typing import Any

import msgspec


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One object of the configuration file; unknown keys are an error.

    A section never shows its values: what is printed or logged by accident would carry secrets. Use
    ``redacted`` to show a configuration.
    """

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []


class OpenSection(Section, frozen=True, kw_only=True, forbid_unknown_fields=False, rename="camel"):
    """An object that may have more keys than are known here (options of a module, of an authentication method)."""
