"""How a webhook request proves itself to its target: an API key or an OAuth 2 access token (connector spec 9.3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import httpx
import msgspec
import trio

from trio_connector.crypto.dates import Clock
from trio_connector.events.senders.http_post import new_client, read_limited
from trio_connector.events.senders.tls import verified_context

EARLY_SECONDS = 10.0
"""A token that is valid for less than this is replaced before it is used."""
TOKEN_TIMEOUT_SECONDS = 10.0
TOKEN_ANSWER_LIMIT_BYTES = 65536


class AuthenticationError(Exception):
    """No access token could be had; the text is for logs and shows no secret."""


class Authentication(Protocol):
    """Makes the authentication header of a request."""

    async def header(self) -> tuple[str, str]:
        """Name and value. Raises AuthenticationError."""
        ...

    def refused(self) -> None:
        """The target answered 401: what is remembered is worthless."""
        ...


@dataclass(frozen=True)
class ApiKey:
    """``{type: "ApiKey", apiKey, headerName?}``."""

    api_key: str = field(repr=False)
    header_name: str = "x-api-key"

    async def header(self) -> tuple[str, str]:
        """Name and value of the configured header."""
        return self.header_name, self.api_key

    def refused(self) -> None:
        """Nothing is remembered."""


@dataclass(frozen=True)
class OAuth2Settings:
    """``{type: "OAuth2", accessTokenUrl, clientId, clientSecret, scope?}``."""

    access_token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str | None = None


class _TokenAnswer(msgspec.Struct, frozen=True):
    access_token: str
    expires_in: float | None = None


class OAuth2ClientCredentials:
    """One access token for all subscribers of a target; parallel requests share one refresh.

    A cancelled refresh leaves the old state; the next in line tries again. TLS is verified here whatever
    ``skipTlsCheck`` says.
    """

    def __init__(self, settings: OAuth2Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = trio.Lock()
        self._token: str | None = None
        self._good_until: datetime | None = None

    def __repr__(self) -> str:
        return f"OAuth2ClientCredentials({self._settings!r})"

    async def header(self) -> tuple[str, str]:
        """``Authorization: Bearer <token>``, with a token that lasts 10 more seconds. Raises AuthenticationError."""
        async with self._lock:
            if self._token is None or self._good_until is None or self._clock() > self._good_until:
                asked_at = self._clock()
                answer = await self._fetch()
                self._token = answer.access_token
                # Without a lifetime the token serves the request it was fetched for.
                lifetime = min(max(answer.expires_in or 0.0, 0.0), 1e9)
                self._good_until = asked_at + timedelta(seconds=lifetime - EARLY_SECONDS)
            return "authorization", f"Bearer {self._token}"

    def refused(self) -> None:
        """Forget the token: it was revoked, or the clocks differ."""
        self._token = None

    async def _fetch(self) -> _TokenAnswer:
        form = {"grant_type": "client_credentials"}
        if self._settings.scope:
            form["scope"] = self._settings.scope
        try:
            with trio.fail_after(TOKEN_TIMEOUT_SECONDS):
                async with (
                    new_client(verified_context(), timeout_seconds=TOKEN_TIMEOUT_SECONDS, connections=1) as client,
                    client.stream(
                        "POST",
                        self._settings.access_token_url,
                        data=form,
                        auth=(self._settings.client_id, self._settings.client_secret),
                    ) as response,
                ):
                    if response.status_code != httpx.codes.OK:
                        raise AuthenticationError(f"The access token request returned status {response.status_code}.")
                    body = await read_limited(response, TOKEN_ANSWER_LIMIT_BYTES)
        except trio.TooSlowError:
            raise AuthenticationError("The access token request took too long.") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise AuthenticationError(f"The access token request failed ({type(error).__name__}).") from error
        if body is None:
            raise AuthenticationError("The answer to the access token request is too long.")
        try:
            answer = msgspec.json.decode(body, type=_TokenAnswer, strict=False)
        except msgspec.DecodeError as error:
            raise AuthenticationError("The answer to the access token request is not a token.") from error
        if not answer.access_token.isascii() or not answer.access_token.isprintable() or not answer.access_token:
            raise AuthenticationError("The answer to the access token request is not a token.")
        return answer
