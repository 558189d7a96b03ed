"""The headers that keep browsers careful, in the options of the ``helmet`` package (connector spec 3.2). Pure.

`security_headers` turns ``helmetOptions`` of the configuration into the fixed headers of every response; it raises
ValueError with the name of the option for what it does not understand, so that a typing mistake does not silently
switch a protection off.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

Headers = list[tuple[str, str]]

_PRODUCTION_POLICY: Final = (
    "default-src 'self';base-uri 'self';font-src 'self' https: data:;form-action 'self';frame-ancestors 'self';"
    "img-src 'self' data:;object-src 'none';script-src 'self';script-src-attr 'none';"
    "style-src 'self' https: 'unsafe-inline';upgrade-insecure-requests"
)
_DEBUG_POLICY: Final = (
    "default-src;base-uri 'self';font-src 'self' https: data:;form-action 'self';frame-ancestors 'self';"
    "img-src 'self' https://enmeshed.eu data:;object-src 'none';script-src 'self';script-src-attr 'none';"
    "style-src 'self' 'unsafe-inline' https://fonts.googleapis.com;connect-src 'self'"
)
_DEFAULT_DIRECTIVES: Final[dict[str, list[str] | None]] = {
    "default-src": ["'self'"],
    "base-uri": ["'self'"],
    "font-src": ["'self'", "https:", "data:"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'self'"],
    "img-src": ["'self'", "data:"],
    "object-src": ["'none'"],
    "script-src": ["'self'"],
    "script-src-attr": ["'none'"],
    "style-src": ["'self'", "https:", "'unsafe-inline'"],
    "upgrade-insecure-requests": [],
}
_YEAR_SECONDS: Final = 31_536_000


def security_headers(options: Any, *, debug: bool) -> Headers:
    """The fixed headers for ``helmetOptions``; absent options mean the default of the mode."""
    if options is None:
        policy = _DEBUG_POLICY if debug else _PRODUCTION_POLICY
        return [("Content-Security-Policy", policy), *_headers({"contentSecurityPolicy": False})]
    if not isinstance(options, Mapping):
        raise ValueError("helmetOptions must be an object")
    return _headers(options)


def _headers(options: Mapping[str, Any]) -> Headers:
    unknown = set(options) - set(_OPTIONS) - set(_ALIASES) - _NOTHING_TO_DO
    if unknown:
        raise ValueError(f"helmetOptions has no option '{min(unknown)}'")
    given = {_ALIASES.get(name, name): value for name, value in options.items()}
    headers: Headers = []
    for name, (default, write) in _OPTIONS.items():
        value = given.get(name, default)
        if value is None or value is False:
            continue
        if not (value is True or isinstance(value, Mapping)):
            raise ValueError(f"helmetOptions.{name} must be an object or a boolean")
        try:
            headers.append(write({} if value is True else value))
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"helmetOptions.{name} has an unusable value") from error
    return headers


def _fixed(header: str, value: str) -> Callable[[Mapping[str, Any]], tuple[str, str]]:
    return lambda options: (header, value)


def _chosen(header: str, key: str, default: str) -> Callable[[Mapping[str, Any]], tuple[str, str]]:
    return lambda options: (header, str(options.get(key, default)))


def _content_security_policy(options: Mapping[str, Any]) -> tuple[str, str]:
    directives: dict[str, list[str] | None] = dict(_DEFAULT_DIRECTIVES) if options.get("useDefaults", True) else {}
    for name, value in options.get("directives", {}).items():
        dashed = re.sub("[A-Z]", lambda found: f"-{found[0].lower()}", name)
        if value is None:
            directives.pop(dashed, None)
        else:
            directives[dashed] = [value] if isinstance(value, str) else [str(part) for part in value]
    text = ";".join(" ".join([name, *(values or [])]) for name, values in directives.items())
    header = "Content-Security-Policy" + ("-Report-Only" if options.get("reportOnly") else "")
    return header, text


def _strict_transport_security(options: Mapping[str, Any]) -> tuple[str, str]:
    value = f"max-age={int(options.get('maxAge', _YEAR_SECONDS))}"
    if options.get("includeSubDomains", True):
        value += "; includeSubDomains"
    return "Strict-Transport-Security", value + ("; preload" if options.get("preload") else "")


def _referrer_policy(options: Mapping[str, Any]) -> tuple[str, str]:
    policy = options.get("policy", "no-referrer")
    return "Referrer-Policy", policy if isinstance(policy, str) else ",".join(policy)


def _frame_options(options: Mapping[str, Any]) -> tuple[str, str]:
    return "X-Frame-Options", str(options.get("action", "sameorigin")).upper()


def _prefetch_control(options: Mapping[str, Any]) -> tuple[str, str]:
    return "X-DNS-Prefetch-Control", "on" if options.get("allow") else "off"


_OPTIONS: Final[dict[str, tuple[bool, Callable[[Mapping[str, Any]], tuple[str, str]]]]] = {
    "contentSecurityPolicy": (True, _content_security_policy),
    "crossOriginEmbedderPolicy": (False, _chosen("Cross-Origin-Embedder-Policy", "policy", "require-corp")),
    "crossOriginOpenerPolicy": (True, _chosen("Cross-Origin-Opener-Policy", "policy", "same-origin")),
    "crossOriginResourcePolicy": (True, _chosen("Cross-Origin-Resource-Policy", "policy", "same-origin")),
    "originAgentCluster": (True, _fixed("Origin-Agent-Cluster", "?1")),
    "referrerPolicy": (True, _referrer_policy),
    "strictTransportSecurity": (True, _strict_transport_security),
    "xContentTypeOptions": (True, _fixed("X-Content-Type-Options", "nosniff")),
    "xDnsPrefetchControl": (True, _prefetch_control),
    "xDownloadOptions": (True, _fixed("X-Download-Options", "noopen")),
    "xFrameOptions": (True, _frame_options),
    "xPermittedCrossDomainPolicies": (
        True,
        _chosen("X-Permitted-Cross-Domain-Policies", "permittedPolicies", "none"),
    ),
    "xXssProtection": (True, _fixed("X-XSS-Protection", "0")),
}
_ALIASES: Final = {
    "hsts": "strictTransportSecurity",
    "noSniff": "xContentTypeOptions",
    "dnsPrefetchControl": "xDnsPrefetchControl",
    "ieNoOpen": "xDownloadOptions",
    "frameguard": "xFrameOptions",
    "permittedCrossDomainPolicies": "xPermittedCrossDomainPolicies",
    "xssFilter": "xXssProtection",
}
_NOTHING_TO_DO: Final = frozenset(["xPoweredBy", "hidePoweredBy"])
"""There is no ``X-Powered-By`` to take away."""
