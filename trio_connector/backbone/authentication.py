"""The access token: fetched when first needed, shared by all requests, renewed before it ends (transport spec 2)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import msgspec
import trio

from trio_connector.backbone.outcomes import (
    Asked,
    Received,
    no_authentication_grant,
    no_authentication_possible,
)
from trio_connector.backbone.shared import Shared
from trio_connector.errors import BackboneRequestError

TOKEN_PATH = "/connect/token"  # noqa: S105 -- a path, no secret
ASKED = Asked("post", TOKEN_PATH)
_EARLY_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Credentials:
    """With what the device logs in."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A bearer token; ``expires_at_seconds`` is on Trio's clock."""

    value: str = field(repr=False)
    expires_at_seconds: float

    def is_fresh(self) -> bool:
        """Whether it can still be used for a request."""
        return trio.current_time() < self.expires_at_seconds - _EARLY_SECONDS


class _TokenAnswer(msgspec.Struct, frozen=True):
    access_token: str
    expires_in: float = 0


class Tokens:
    """Hands out access tokens.

    ``post_form`` sends the form to the token endpoint and returns the response, raising BackboneRequestError when there
    is none; ``credentials`` is asked for each token anew, since the device password can change.
    """

    def __init__(
        self,
        post_form: Callable[[dict[str, str]], Awaitable[Received]],
        *,
        client_id: str,
        client_secret: str,
        credentials: Callable[[], Credentials | None],
    ) -> None:
        self._post_form = post_form
        self._client_id = client_id
        self._client_secret = client_secret
        self._credentials = credentials
        self._current: AccessToken | None = None
        self._fetching: Shared[AccessToken] = Shared()

    async def current(self) -> str:
        """A token that is good for now; several callers share one request for it.

        Raises BackboneRequestError ``error.transport.request.noAuthGrant`` or ``...noAuthPossible``. A cancellation
        leaves the cached token as it was.
        """
        token = self._current
        if token is None or not token.is_fresh():
            token = await self._fetching.run(self._renew)
        return token.value

    def drop(self, value: str) -> None:
        """Forget the token ``value``, which the Backbone did not accept; a newer one stays."""
        if self._current is not None and self._current.value == value:
            self._current = None

    async def fetch(self) -> AccessToken:
        """Ask for a token now, whatever is cached, and without caching it; raises like `current`."""
        credentials = self._credentials()
        if credentials is None:
            raise no_authentication_possible(ASKED, "There are no credentials yet.", 500)
        try:
            received = await self._post_form(
                {
                    "client_id": self._client_id,
                    "client_secret": self._client_secret,
                    "grant_type": "password",
                    "username": credentials.username,
                    "password": credentials.password,
                }
            )
        except BackboneRequestError as error:
            cause = f"{error.code} ({error.backbone_status}): '{error.message}'"
            raise no_authentication_possible(ASKED, cause, error.backbone_status) from error
        if received.status == 200:
            return _token_of(received)
        if received.status < 300 or received.status in (400, 404, 500):
            raise no_authentication_grant(ASKED, max(received.status, 400), received.trace_id)
        cause = f"Request failed with status code {received.status}"
        raise no_authentication_possible(ASKED, cause, received.status, received.trace_id)

    async def _renew(self) -> AccessToken:
        # Whoever waited for the lock may find that another one has just brought a fresh token.
        if self._current is not None and self._current.is_fresh():
            return self._current
        self._current = await self.fetch()
        return self._current


def _token_of(received: Received) -> AccessToken:
    try:
        answer = msgspec.json.decode(received.body, type=_TokenAnswer)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        reason = "The answer to the token request is not understood."  # the answer may hold a token: do not show it
        raise no_authentication_possible(ASKED, reason, 500, received.trace_id) from error
    if not answer.access_token.isascii() or not answer.access_token.isprintable():
        raise no_authentication_possible(ASKED, "The token cannot stand in a header.", 500, received.trace_id)
    return AccessToken(answer.access_token, trio.current_time() + answer.expires_in)
