"""The decision per request: which method applies, and what it says (connector spec 4.1 and 4.2)."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final

import structlog
import trio

from trio_connector.api.answer import Answer
from trio_connector.api.authentication.api_keys import ApiKeys
from trio_connector.api.errors import unauthorized
from trio_connector.api.request import Request
from trio_connector.api.routing import Route
from trio_connector.outgoing import Outgoing

if TYPE_CHECKING:
    from trio_connector.api.authentication.jwt_bearer import JwtBearer
    from trio_connector.api.authentication.oidc import OidcSessions
    from trio_connector.settings import AuthenticationSettings

EVERYTHING: Final = ("**",)
MAX_DELAYED_REFUSALS: Final = 100
"""How many refused requests may wait at a time; further ones are refused at once."""

_log = structlog.get_logger("HttpServer")
Clock = Callable[[], datetime]
Entropy = Callable[[int], bytes]


class Authenticator:
    """Tells who is asking. With no method at all everybody has every role: debug mode only, see `authenticator`."""

    def __init__(
        self,
        api_keys: ApiKeys | None,
        bearer_tokens: JwtBearer | None = None,
        sessions: OidcSessions | None = None,
    ) -> None:
        self._api_keys = api_keys
        self._bearer_tokens = bearer_tokens
        self._sessions = sessions
        self.routes: list[Route] = [] if sessions is None else sessions.routes()
        """What the methods need to have served: where browsers log in and come back to."""
        self._open = api_keys is None and bearer_tokens is None and sessions is None
        self._delayed = 0

    async def roles(self, request: Request) -> tuple[str, ...] | Answer:
        """The caller's roles, or an answer that sends a browser to its provider.

        Raises HttpError 401, after a delay of one to four seconds that ends early when the client goes away.
        """
        if self._open:
            return EVERYTHING
        found = await self._found(request)
        if found is None:
            await self._delay(request)
            raise unauthorized()
        return found

    async def _found(self, request: Request) -> tuple[str, ...] | Answer | None:
        if self._api_keys is not None and (key := request.header(self._api_keys.header)):
            return self._api_keys.roles(key)
        if self._bearer_tokens is not None and (authorization := request.header(b"authorization")) is not None:
            return await self._bearer_tokens.roles(authorization)
        if self._sessions is not None:
            return await self._sessions.roles(request)
        return None

    async def _delay(self, request: Request) -> None:
        """Slow guessing down. Waiting costs a task and nothing else; how many may wait is bounded."""
        if self._delayed >= MAX_DELAYED_REFUSALS:
            return
        self._delayed += 1
        try:
            # Nothing depends on this being unpredictable.
            with trio.move_on_after(random.randint(1, 4)):
                if request.disconnected is None:
                    await trio.sleep_forever()
                else:
                    await request.disconnected()
        finally:
            self._delayed -= 1


def authenticator(
    settings: AuthenticationSettings,
    *,
    debug: bool,
    clock: Clock,
    outgoing: Outgoing,
    entropy: Entropy,
) -> Authenticator:
    """The authenticator for a configuration; ``outgoing`` makes the clients that ask an identity provider.

    Raises ValueError for settings that cannot work, and when nothing is configured outside debug mode; in debug mode
    that is logged as a warning.
    """
    api_keys = ApiKeys(settings.api_key, clock) if settings.api_key.on else None
    bearer, oidc = settings.jwt_bearer, settings.oidc
    bearer_tokens, sessions = None, None
    # Imported only when they are used: the cryptography behind them takes eight megabytes.
    if bearer is not None and bearer.on:
        from trio_connector.api.authentication.jwt_bearer import JwtBearer

        bearer_tokens = JwtBearer(bearer, outgoing, clock)
    if oidc is not None and oidc.on:
        from trio_connector.api.authentication.oidc import OidcSessions

        sessions = OidcSessions(oidc, outgoing, clock, entropy)
    if api_keys is None and bearer_tokens is None and sessions is None:
        if not debug:
            raise ValueError(
                "No API key and OAuth config set in configuration. At least one is required in production mode."
            )
        _log.warning("No authentication is configured: everybody who reaches this port may do everything.")
    return Authenticator(api_keys, bearer_tokens, sessions)
