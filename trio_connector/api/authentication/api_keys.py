"""Authentication by a secret in a header (connector spec 4.2 and 4.3)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime

from trio_connector.settings import ApiKey, ApiKeySettings

Clock = Callable[[], datetime]


class ApiKeys:
    """The configured keys. Only digests of them are kept here."""

    def __init__(self, settings: ApiKeySettings, clock: Clock) -> None:
        self.header = settings.header_name.lower().encode("latin-1")
        self._clock = clock
        self._keys = [(_digest(key.key), key) for key in settings.keys.values()]

    def roles(self, given: str) -> tuple[str, ...] | None:
        """The roles of the holder of ``given``, or None when it is no usable key.

        Every key is compared, in constant time, so that the time taken tells nothing.
        """
        digest = _digest(given)
        found: ApiKey | None = None
        for known, key in self._keys:
            if hmac.compare_digest(digest, known):
                found = key
        return found.roles if found is not None and found.usable(self._clock()) else None

    def __repr__(self) -> str:
        return f"ApiKeys({len(self._keys)} keys)"


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8")).digest()
