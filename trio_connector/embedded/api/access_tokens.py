"""Access tokens: signed, so that nothing has to be looked up to know who is asking (Backbone spec 3.1)."""

from __future__ import annotations

from collections import OrderedDict

import jwt

from trio_connector.embedded.api.call import Caller
from trio_connector.embedded.domain.moments import SECOND, Moment

_ALGORITHM = "HS256"
_REMEMBERED = 4096
_MAX_LENGTH = 4096


class AccessTokens:
    """Issues and reads them. The latest ones read are remembered, for verifying costs more than many a request."""

    def __init__(self, key: bytes, lifetime_seconds: int) -> None:
        self._key = key
        self.lifetime_seconds = lifetime_seconds
        self._known: OrderedDict[str, tuple[Caller, Moment]] = OrderedDict()

    def issue(self, caller: Caller, now: Moment) -> str:
        """A token for ``caller``."""
        claims = {
            "sub": caller.device_id,
            "name": caller.username,
            "nmshd_address": caller.address,
            "device_id": caller.device_id,
            "client_id": caller.client_id,
            "exp": now // SECOND + self.lifetime_seconds,
        }
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def caller(self, authorization: bytes | None, now: Moment) -> Caller | None:
        """Whom an ``Authorization`` header names; ``None`` when it is missing, wrong or expired."""
        if authorization is None or len(authorization) > _MAX_LENGTH:
            return None
        scheme, _, token = authorization.decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            return None
        known = self._known.get(token)
        if known is None:
            known = self._read(token.strip())
            if known is None:
                return None
            self._known[token] = known
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        caller, expires = known
        if expires <= now:
            self._known.pop(token, None)
            return None
        return caller

    def _read(self, token: str) -> tuple[Caller, Moment] | None:
        try:
            # Expiry is checked by `caller`, by our clock and also for remembered tokens.
            claims = jwt.decode(token, self._key, algorithms=[_ALGORITHM], options={"verify_exp": False})
            caller = Caller(claims["nmshd_address"], claims["device_id"], claims["name"], claims["client_id"])
            return caller, int(claims["exp"]) * SECOND
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError):
            return None
