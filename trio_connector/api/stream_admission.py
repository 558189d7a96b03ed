"""Who may open a live stream from a browser (RFC 6455, sections 1.9 and 10.2). Pure.

A page cannot set the headers of a WebSocket. So that its key never stands in an address, which ends up in logs and
histories, it names its credentials among the subprotocols that it offers, beside `PROTOCOL`, which is the one chosen::

    new WebSocket(url, ["trio-connector.events.v1", "trio-connector.api-key." + base64url(key)])

A browser opens WebSockets for pages of any origin and sends the user's cookies along; what a page may not fetch it
may not stream either.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from trio_connector.api.cors import Cors
from trio_connector.api.request import Request

PROTOCOL: Final = "trio-connector.events.v1"
API_KEY_PREFIX: Final = "trio-connector.api-key."
BEARER_PREFIX: Final = "trio-connector.bearer."

_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}


def with_credentials(request: Request, offered: Sequence[str], api_key_header: str) -> Request:
    """``request`` with the credentials among the subprotocols as headers; headers that are there win."""
    key_header = api_key_header.lower().encode("latin-1")
    if request.header(key_header) or request.header(b"authorization"):
        return request
    added = []
    for protocol in offered:
        if protocol.startswith(API_KEY_PREFIX):
            added.append((key_header, _decoded(protocol.removeprefix(API_KEY_PREFIX))))
        elif protocol.startswith(BEARER_PREFIX):
            added.append((b"authorization", b"Bearer " + protocol.removeprefix(BEARER_PREFIX).encode("latin-1")))
    return Request({**request.scope, "headers": [*request.scope["headers"], *added]}) if added else request


def _decoded(text: str) -> bytes:
    """The key in base64url; what is none is taken as it stands, and no key looks like that."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return text.encode("latin-1")


def origin_allowed(request: Request, rules: Cors | None) -> bool:
    """Whether the page that asks is ours, or one that the CORS rules let read answers. No page: yes."""
    origin = request.header(b"origin")
    if origin is None:
        return True
    host = request.header(b"host")
    if host is not None and _same_host(origin, host):
        return True
    return rules is not None and rules.admits(origin, with_cookies=request.header(b"cookie") is not None)


def _same_host(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin.lower())
    except ValueError:
        return False
    port = _DEFAULT_PORTS.get(parts.scheme)
    return port is not None and parts.netloc.removesuffix(port) == host.lower().removesuffix(port)
