"""A configuration that may be shown: no secret of any kind in it (connector spec 8.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec

from trio_connector.settings.root import Settings

HIDDEN = "***"

_SECRET_NAME = re.compile(
    r"secret|passw|passphrase|token|api[-_]?key|credential|private|authorization|cookie|signature|^key$|^pin$", re.I
)
_NOT_SECRET = frozenset({"accessTokenUrl", "tokenSigningAlg", "maxTokenAge", "forwardedFor"})
_SHOWN_OF_AUTHENTICATION = frozenset({"type", "accessTokenUrl", "clientId", "headerName", "scope"})


def redacted(settings: Settings) -> dict[str, Any]:
    """``settings`` as plain JSON data with every secret replaced; keys that are not set are left out."""
    shown: dict[str, Any] = _without_unset(msgspec.to_builtins(settings))
    authentication = settings.infrastructure.http_server.authentication
    methods = {
        "apiKey": authentication.api_key.on,
        "jwtBearer": authentication.jwt_bearer is not None and authentication.jwt_bearer.on,
        "oidc": authentication.oidc is not None and authentication.oidc.on,
    }
    transport = shown["transportLibrary"]
    transport["platformAdditionalHeaders"] = dict.fromkeys(transport["platformAdditionalHeaders"], HIDDEN)
    if "connectionString" in shown["database"]:
        shown["database"]["connectionString"] = HIDDEN
    shown["modules"] = {name: _module(module) for name, module in shown["modules"].items()}
    result: dict[str, Any] = _hide(shown)
    result["infrastructure"]["httpServer"]["authentication"] = {
        name: f"redacted ({'enabled' if on else 'disabled'})" for name, on in methods.items()
    }
    return result


def secrets_of(settings: Settings) -> frozenset[str]:
    """Every secret text in ``settings``, for a filter on what is logged."""
    return frozenset(_secrets(msgspec.to_builtins(settings), hidden=False))


def without_credentials(url: str) -> str:
    """A URL without user, password and query values."""
    try:
        parts = urlsplit(url)
        if not parts.scheme or not parts.netloc:
            return url
    except ValueError:
        return HIDDEN
    host = parts.netloc.rpartition("@")[2]
    netloc = f"{HIDDEN}@{host}" if "@" in parts.netloc else host
    return urlunsplit((parts.scheme, netloc, parts.path, re.sub(r"=[^&]*", f"={HIDDEN}", parts.query), ""))


def _module(module: dict[str, Any]) -> dict[str, Any]:
    own = module.pop("options", {})
    del module["name"]
    module.pop("kind", None)
    return {**module, **own}


def _hide(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        if name == "headers":
            return dict.fromkeys(value, HIDDEN)
        if name == "authentication" and "type" in value:
            return {
                key: _hide(member, key) if key in _SHOWN_OF_AUTHENTICATION else HIDDEN for key, member in value.items()
            }
        return {key: _hide(member, key) for key, member in value.items()}
    if _is_secret(name) and value not in (None, "", False, True):
        return HIDDEN
    if isinstance(value, list | tuple):
        return [_hide(item, name) for item in value]
    return without_credentials(value) if isinstance(value, str) else value


def _is_secret(name: str) -> bool:
    return name not in _NOT_SECRET and _SECRET_NAME.search(name) is not None


def _secrets(value: Any, *, hidden: bool, name: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        inside = hidden or name.lower().endswith("headers")
        for key, member in value.items():
            secret = _is_secret(key) and not (key == "apiKey" and isinstance(member, dict))
            yield from _secrets(member, hidden=inside or secret, name=key)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _secrets(item, hidden=hidden, name=name)
    elif isinstance(value, str):
        if hidden:
            yield value
        else:
            password = _password(value)
            if password:
                yield password


def _password(url: str) -> str | None:
    try:
        return urlsplit(url).password
    except ValueError:
        return None


def _without_unset(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_unset(member) for key, member in value.items() if member is not None}
    return value
