"""The catalogue of all content types, ``content-types.json``: data made by observing the official packages."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

CATALOGUE: dict[str, Any] = json.loads(Path(__file__).with_name("content-types.json").read_text(encoding="utf-8"))

TYPES: dict[str, dict[str, Any]] = {entry["@type"]: entry for entry in CATALOGUE["types"] if entry["@type"] is not None}
"""All types with an ``@type``, in the order of the catalogue."""

WITH_EXAMPLE = [name for name, entry in TYPES.items() if "example" in entry]
OF_CRYPTO = [name for name, entry in TYPES.items() if entry.get("package") == "transport"] + [
    "Reference",
    "FileReference",
]
"""Types whose members crypto reads and prints."""
WITH_MEMBERS = [
    name for name in WITH_EXAMPLE if name not in (*OF_CRYPTO, "CoreId", "CoreAddress", "CoreDate", "JSONWrapper")
]


def example_input(type_name: str) -> dict[str, Any]:
    """A valid JSON of the type; a fresh copy."""
    entry = TYPES[type_name]
    value = copy.deepcopy(entry.get("exampleInput", entry["example"]))
    assert isinstance(value, dict)
    return value


def members(type_name: str) -> list[dict[str, Any]]:
    """The declared members, in the order in which they are read."""
    found: list[dict[str, Any]] = TYPES[type_name]["properties"]
    return found


def with_value_lists(hints: Any) -> Any:
    """``hints`` with the long lists of values in their places."""
    if isinstance(hints, dict):
        if "$valueList" in hints:
            return CATALOGUE["valueHintsValueLists"][hints["$valueList"]]
        return {name: with_value_lists(value) for name, value in hints.items()}
    if isinstance(hints, list):
        return [with_value_lists(value) for value in hints]
    return hints
