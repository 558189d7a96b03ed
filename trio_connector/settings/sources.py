"""Where a configuration comes from: files and the environment, laid over one another (connector spec 2.1, 2.2)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import yaml

from trio_connector.settings.problems import ConfigurationError

BUNDLED = Path(__file__).resolve().parent.parent / "bundled.config.json"
"""Defaults baked into an image; lies beside the installed code."""

ALIASES: Mapping[str, str] = {
    "DATABASE_NAME": "database:dbName",
    "DATABASE_CONNECTION_STRING": "database:connectionString",
    "SYNC_ENABLED": "modules:sync:enabled",
    "PLATFORM_CLIENT_ID": "transportLibrary:platformClientId",
    "PLATFORM_CLIENT_SECRET": "transportLibrary:platformClientSecret",
    "DEBUG": "debug",
}
OLD_ALIASES: Mapping[str, str] = {
    "ACCOUNT": "database:dbName",
    "API_KEY": "infrastructure:httpServer:apiKey",
}
"""Aliases of 2022 (old connector spec section 6); whatever else names the same key wins over them."""


def find_file(config: Path | None, environ: Mapping[str, str], folder: Path) -> tuple[Path | None, list[str]]:
    """The configuration file to read, and warnings: ``-c``, else ``CUSTOM_CONFIG_LOCATION``, else one in ``folder``.

    A named file that does not exist is ignored, as it always was, but not silently.
    """
    named = str(config) if config is not None else environ.get("CUSTOM_CONFIG_LOCATION")
    if named:
        path = folder / named
        if path.exists():
            return path, []
        return None, [f"The configuration file '{path}' does not exist and is ignored."]
    found = [path for name in ("config.yaml", "config.yml", "config.json") if (path := folder / name).exists()]
    warnings = [f"'{path.name}' is ignored because '{found[0].name}' exists." for path in found[1:]]
    return (found[0] if found else None), warnings


def read_file(path: Path) -> dict[str, Any]:
    """The object in a JSON (``.json``) or YAML file.

    Raises ConfigurationError with the text operators search for when it cannot be read or parsed.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
        value = json.loads(text) if path.suffix.lower() == ".json" else yaml.load(text, _Yaml)
    except OSError as error:
        raise unreadable(path, error.strerror or str(error)) from error
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise unreadable(path, str(error)) from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise unreadable(path, "the file does not contain an object")
    return value


def unreadable(path: Path, reason: str) -> ConfigurationError:
    """The error for a file that exists and cannot be used."""
    return ConfigurationError([], text=f"Error parsing your configuration file: [{path}]: {reason}")


def read_environment(environ: Mapping[str, str], known: Iterable[str]) -> tuple[dict[str, Any], list[str]]:
    """The part of the environment that names configuration keys, as an object, and warnings.

    ``known`` are the top-level keys of the configuration: the rest of the environment is none of our business
    and stays out. Values are JSON where they parse as JSON, else strings; a later variable wins over an earlier one.
    """
    top_level = frozenset(known)
    result: dict[str, Any] = {}
    warnings: list[str] = []
    for name, value in environ.items():
        if name in OLD_ALIASES:
            _put(result, OLD_ALIASES[name].split(":"), _parse(value))
            warnings.append(
                f"The environment variable '{name}' is deprecated and sets '{OLD_ALIASES[name].replace(':', '.')}'."
            )
    for name, value in environ.items():
        path = ALIASES.get(name, name).replace("__", ":").split(":")
        if path[0] in top_level:
            _put(result, path, _parse(value))
    return result, warnings


def merged(lower: Mapping[str, Any], higher: Mapping[str, Any]) -> dict[str, Any]:
    """``higher`` laid over ``lower``: objects deeply, everything else replaces."""
    result = dict(lower)
    for key, value in higher.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result


def _put(target: dict[str, Any], path: list[str], value: Any) -> None:
    for key in path[:-1]:
        inner = target.get(key)
        if not isinstance(inner, dict):
            inner = target[key] = {}
        target = inner
    target[path[-1]] = value


def _parse(value: str) -> Any:
    try:
        return json.loads(value, parse_constant=_not_json)
    except (ValueError, RecursionError):
        return value


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


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
