"""Receivers' addresses: how they are shown, and short names made from them. Pure.

URLs of webhooks and brokers carry passwords and tokens; no log line, error or name may show them.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

_SAFE = re.compile(r"[A-Za-z0-9_.-]+")


@lru_cache(256)
def shown_url(url: str) -> str:
    """``url`` without user, password, query and fragment, for people to recognise."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port is not None else ""
        host = parts.hostname or ""
    except ValueError:
        return "(invalid URL)"
    if ":" in host:
        host = f"[{host}]"
    return f"{parts.scheme}://{host}{port}{parts.path}" + ("?..." if parts.query else "")


def split(url: str) -> SplitResult | None:
    """The parts of ``url``, None when it has none: the reasons that Python gives would quote a mistyped password."""
    try:
        parts = urlsplit(url)
        return parts if parts.port != 0 else None
    except ValueError:
        return None


def digest(*parts: str) -> str:
    """Eight hexadecimal characters that stand for ``parts``."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8]


def name_part(text: str) -> str:
    """``text`` as a part of a subscriber's name: as it is, or with unsafe characters replaced and a digest appended."""
    if _SAFE.fullmatch(text):
        return text
    return f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', text).strip('-')[:40]}-{digest(text)}".lstrip("-")


def url_part(url: str) -> str:
    """Host and a digest of ``url``, as a part of a subscriber's name."""
    host = urlsplit(url).hostname or "receiver"
    return f"{name_part(host)}-{digest(url)}"
