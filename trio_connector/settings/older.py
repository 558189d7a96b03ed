"""The keys of 2022, and of other drivers, said in today's words (old connector spec section 6).

Works on what the operator wrote, before it is laid over the defaults: whether ``modules.webhooks`` means the webhook of
2022 or today's shows in which keys are there. Everything else stays untouched, mistakes included.
"""

from __future__ import annotations

import copy
from typing import Any

from trio_connector.settings.modules import BY_KIND

OLD_API_KEY_ID = "apiKey"
"""Id of the entry that the single API key of 2022 becomes."""

_V1_KEYS = frozenset({"url", "publishInterval"})
_V2_KEYS = frozenset({"targets", "webhooks", "skipTlsCheck"})


def in_todays_words(written: dict[str, Any]) -> tuple[dict[str, Any], str | None, list[str]]:
    """``written`` with old keys translated, the API key of 2022 if one was given, and warnings for the log."""
    config = copy.deepcopy(written)
    warnings: list[str] = []
    _transport(_object(config, "transportLibrary"), warnings)
    _database(_object(config, "database"), warnings)
    api_key = _api_key(_object(config, "infrastructure", "httpServer"), warnings)
    modules = _object(config, "modules")
    _webhooks_v2(modules, warnings)
    _webhooks_v1(modules, warnings)
    _amqp_publisher(modules, warnings)
    _auto_accept(modules, warnings)
    return config, api_key, warnings


def _object(config: Any, *path: str) -> dict[str, Any]:
    for key in path:
        config = config.get(key) if isinstance(config, dict) else None
    return config if isinstance(config, dict) else {}


def _transport(transport: dict[str, Any], warnings: list[str]) -> None:
    if "realm" in transport:
        del transport["realm"]
        warnings.append("'transportLibrary.realm' is ignored: addresses no longer contain a realm.")


def _database(database: dict[str, Any], warnings: list[str]) -> None:
    if database.get("driver") == "lokijs":
        database["driver"] = "sqlite"
        warnings.append("The database driver 'lokijs' is taken as 'sqlite': the data are kept in an SQLite file.")
    if database.get("driver") != "mongodb" and database.get("connectionString"):
        warnings.append(
            "'database.connectionString' is not used: the data are kept in an SQLite file in 'database.folder'."
        )


def _api_key(server: dict[str, Any], warnings: list[str]) -> str | None:
    if not isinstance(server.get("apiKey"), str):
        return None  # another type stays where it is and is refused as an unknown key
    key: str = server.pop("apiKey")
    if not key:
        warnings.append("'infrastructure.httpServer.apiKey' is empty and ignored.")
        return None
    warnings.append(
        "'infrastructure.httpServer.apiKey' is deprecated, and the rules for API keys are not applied to it. "
        "Please use 'infrastructure.httpServer.authentication.apiKey.keys' instead."
    )
    return key


def _webhooks_v2(modules: dict[str, Any], warnings: list[str]) -> None:
    old = modules.pop("webhooksV2", None)
    if not isinstance(old, dict):
        return
    warnings.append("The 'webhooksV2' configuration is deprecated. Please use 'webhooks' instead.")
    old.pop("location", None)
    if old.get("webhooks") == {}:  # as the documentation of 2022 shows it
        old["webhooks"] = []
    today = modules.setdefault("webhooks", {})
    if not isinstance(today, dict):
        return
    if _V1_KEYS & today.keys():  # both were in use side by side: their `enabled` are two switches
        modules["webhooksV1"] = {**{k: v for k, v in today.items() if k not in _V2_KEYS}, **_location("webhooksV1")}
        modules["webhooks"] = {**{k: v for k, v in today.items() if k in _V2_KEYS}, **old}
        _warn_v1(modules["webhooksV1"], warnings)
        return
    for key, value in old.items():
        if isinstance(value, dict) and isinstance(today.get(key), dict):
            today[key] = {**today[key], **value}
        else:
            today[key] = value


def _webhooks_v1(modules: dict[str, Any], warnings: list[str]) -> None:
    module = _object(modules, "webhooks")
    if not _V1_KEYS & module.keys():
        return
    old: dict[str, Any] = {key: module.pop(key) for key in ("url", "headers", "publishInterval") if key in module}
    for key in ("enabled", "displayName", "secret", "delivery"):
        if key in module:
            old[key] = module[key]
    module.pop("location", None)
    if not _V2_KEYS & module.keys():
        modules["webhooks"] = {"enabled": False}
    modules["webhooksV1"] = {**old, **_location("webhooksV1")}
    _warn_v1(old, warnings)


def _warn_v1(module: dict[str, Any], warnings: list[str]) -> None:
    if module.get("enabled") is True:
        warnings.append("The form of 'webhooks' with 'url' is deprecated. Please use 'targets' and 'webhooks' instead.")


def _amqp_publisher(modules: dict[str, Any], warnings: list[str]) -> None:
    old = modules.pop("amqpPublisher", None)
    if not isinstance(old, dict):
        return
    warnings.append(
        "The 'amqpPublisher' configuration is deprecated. "
        "Please use 'messageBrokerPublisher' with a broker of type 'AMQP' instead."
    )
    if old.get("enabled") is not True:
        return
    configuration = {key: old[key] for key in ("url", "exchange", "timeout") if key in old}
    broker = {"type": "AMQP", "configuration": configuration}
    broker.update({key: old[key] for key in ("delivery", "secret") if key in old})
    today = modules.setdefault("messageBrokerPublisher", {})
    if not isinstance(today, dict):
        return
    brokers = today.get("brokers") if today.get("enabled") is True else None
    brokers = brokers if isinstance(brokers, list) else []
    same = [
        entry
        for entry in brokers
        if isinstance(entry, dict) and entry.get("type") == "AMQP" and _address(entry) == _address(broker)
    ]
    modules["messageBrokerPublisher"] = {**today, "enabled": True, "brokers": brokers if same else [*brokers, broker]}


def _address(broker: dict[str, Any]) -> tuple[Any, Any]:
    configuration = _object(broker, "configuration")
    return configuration.get("url"), configuration.get("exchange") or ""


def _auto_accept(modules: dict[str, Any], warnings: list[str]) -> None:
    old = modules.pop("autoAcceptRelationshipCreationChanges", None)
    if not isinstance(old, dict):
        return
    warnings.append(
        "The 'autoAcceptRelationshipCreationChanges' configuration is deprecated. "
        "Please use 'autoAcceptPendingRelationships' instead."
    )
    if old.get("responseContent"):
        warnings.append("'responseContent' is ignored: accepting a relationship no longer carries content.")
    today = modules.setdefault("autoAcceptPendingRelationships", {})
    if isinstance(today, dict) and "enabled" in old and today.get("enabled") is not True:
        today["enabled"] = old["enabled"]


def _location(kind: str) -> dict[str, Any]:
    return {"location": BY_KIND[kind].location}
