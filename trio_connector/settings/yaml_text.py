"""Configuration files in YAML (connector spec 2.1)."""

from __future__ import annotations

import re
from typing import Any

import yaml


def read_yaml(text: str) -> Any:
    """The value in ``text``. Raises ValueError when there is none, RecursionError when it is too deep."""
    try:
        return yaml.load(text, _Yaml)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


class _Yaml(yaml.SafeLoader):
    """YAML as its version 1.2 reads scalars, so that ``OFF`` is a level, ``no`` a word and a date a string.

    A key that is given twice is refused instead of losing a value.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "found a key that is no text", key_node.start_mark)
            if key_node.value in seen:
                reason = f"found the key '{key_node.value}' twice"
                raise yaml.constructor.ConstructorError(None, None, reason, key_node.start_mark)
            seen.add(key_node.value)
            key_node.tag = "tag:yaml.org,2002:str"
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


_Yaml.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+0123456789."),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("merge", r"<<", "<"),
):
    _Yaml.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


def _int(loader: _Yaml, node: yaml.ScalarNode) -> int:
    return int(node.value, 10)


def _float(loader: _Yaml, node: yaml.ScalarNode) -> float:
    return float(node.value)


_Yaml.add_constructor("tag:yaml.org,2002:int", _int)
_Yaml.add_constructor("tag:yaml.org,2002:float", _float)
