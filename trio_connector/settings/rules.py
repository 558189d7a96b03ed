"""Rules across several keys, checked once every single key is right."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from urllib.parse import urlsplit

from trio_connector.settings.api_keys import api_key_mistakes
from trio_connector.settings.logs import LoggingSettings
from trio_connector.settings.modules import ModuleSettings
from trio_connector.settings.root import Settings

_HOST = re.compile(r"^((([A-Za-z0-9]+(-[A-Za-z0-9]+)*)\.)+[a-z]{2,}|localhost)$")
_FINGERPRINT = re.compile(r"^[0-9a-f]{64}$")
_APPENDERS = frozenset({"stdout", "stderr", "console", "file", "dateFile", "logLevelFilter"})
_LAYOUTS = frozenset({"basic", "colored", "coloured", "messagePassThrough", "messagePassthrough", "pattern", "json"})


def broken_rules(settings: Settings, now: datetime, *, exempt_keys: frozenset[str] = frozenset()) -> list[str]:
    """Every broken rule; ``now`` (aware) decides which API keys are expired."""
    return [
        *_backbone_address(settings.transport_library.base_url),
        *_authentication(settings, now, exempt_keys),
        *_pins(settings),
        *_logging(settings.logging),
        *_modules(settings),
    ]


def _backbone_address(base_url: str) -> list[str]:
    if not base_url.startswith(("http://", "https://")):
        return ["The 'transportLibrary.baseUrl' must either start with 'http://' or 'https://'."]
    if "|" in base_url:
        return ["The 'transportLibrary.baseUrl' must not contain '|'."]
    try:
        host = urlsplit(base_url).hostname
        _ = urlsplit(base_url).port
    except ValueError:
        host = None
    return [] if host else ["The 'transportLibrary.baseUrl' is not a valid URL."]


def _authentication(settings: Settings, now: datetime, exempt_keys: frozenset[str]) -> list[str]:
    server = settings.infrastructure.http_server
    if not server.enabled:
        return []
    problems = api_key_mistakes(server.authentication.api_key, now, exempt=exempt_keys)
    if server.authentication.switched_off and not settings.debug:
        problems.append(
            "No API key and OAuth config set in configuration. At least one is required in production mode."
        )
    jwt = server.authentication.jwt_bearer
    if jwt is not None and jwt.on and not jwt.audience:
        problems.append("An 'audience' is required to validate the 'aud' claim")
    return problems


def _pins(settings: Settings) -> list[str]:
    problems = []
    for host, fingerprints in (settings.pinned_fingerprints or {}).items():
        if not _HOST.match(host):
            problems.append(
                f"Invalid host '{host}' in pinnedTLSCertificateSHA256Fingerprints. "
                "The host must not contain a protocol, path or query."
            )
        problems += [
            f"Invalid fingerprint '{fingerprint}' for host '{host}' in pinnedTLSCertificateSHA256Fingerprints. "
            "A fingerprint has 64 hexadecimal digits."
            for fingerprint in fingerprints
            if not _FINGERPRINT.match(fingerprint.replace(":", "").lower())
        ]
    return problems


def _logging(logging: LoggingSettings) -> list[str]:
    problems = []
    for name, appender in logging.appenders.items():
        path = f"instance.logging.appenders.{name}"
        if appender.type not in _APPENDERS:
            problems.append(
                f"{path}.type '{appender.type}' is not supported; use one of {', '.join(sorted(_APPENDERS))}"
            )
        if appender.layout is not None and appender.layout.type not in _LAYOUTS:
            problems.append(
                f"{path}.layout.type '{appender.layout.type}' is not supported; "
                f"use one of {', '.join(sorted(_LAYOUTS))}"
            )
        if appender.layout is not None and appender.layout.type == "pattern" and appender.layout.pattern is None:
            problems.append(f'{path}.layout requires property "pattern"')
        if appender.type in {"file", "dateFile"} and not appender.filename:
            problems.append(f'{path} requires property "filename"')
        if appender.type == "logLevelFilter":
            problems += _filter(logging, path, appender.appender, appender.level, appender.max_level)
    for name, category in logging.categories.items():
        problems += [
            f"instance.logging.categories.{name}.appenders names the appender '{appender}', which does not exist"
            for appender in category.appenders
            if appender not in logging.appenders
        ]
    return problems


def _filter(
    logging: LoggingSettings, path: str, behind: str | None, lowest: str | None, highest: str | None
) -> list[str]:
    levels = ("ALL", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "MARK", "OFF")
    problems = [
        f"{path} names the level '{level}', which does not exist"
        for level in (lowest, highest)
        if level is not None and level.upper() not in levels
    ]
    if behind is None:
        problems.append(f'{path} requires property "appender"')
    elif behind not in logging.appenders or logging.appenders[behind].type == "logLevelFilter":
        problems.append(f"{path}.appender '{behind}' is not an appender that writes")
    return problems


def _modules(settings: Settings) -> list[str]:
    available = {"httpServer"} if settings.infrastructure.http_server.enabled else set()
    enabled = [module for module in settings.modules.values() if module.enabled]
    problems = []
    for module in enabled:
        if module.kind is None and module.location.startswith("@nmshd/runtime:"):
            problems.append(f"Module {module.location} is not a builtin module.")
        problems += [
            f"The module on location '{module.location}' requires the '{name}' infrastructure, "
            "but it is not available / enabled."
            for name in module.required_infrastructure
            if name not in available
        ]
    return problems + _duplicates(enabled)


def _duplicates(enabled: list[ModuleSettings]) -> list[str]:
    counts = Counter(module.kind or module.location for module in enabled)
    problems = []
    for identity, count in counts.items():
        if count > 1:
            module = next(module for module in enabled if (module.kind or module.location) == identity)
            problems.append(
                f"The Module '{module.display_name}' at location '{module.location}' is not allowed to be used "
                f"multiple times, but it has {count} instances."
            )
    return problems
