"""Where a configuration comes from: files and the environment, laid over one another (connector spec 2.1, 2.2)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

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
        value = json.loads(text) if path.suffix.lower() == ".json" else _read_yaml(text)
    except OSError as error:
        raise unreadable(path, error.strerror or str(error)) from error
    except (ValueError, RecursionError) as error:
        raise unreadable(path, str(error)) from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise unreadable(path, "the file does not contain an object")
    return value


def _read_yaml(text: str) -> Any:
    from trio_connector.settings.yaml_text import read_yaml  # a parser that those who write JSON need not load

    return read_yaml(text)


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
