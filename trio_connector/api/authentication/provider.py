"""What an identity provider publishes: its issuer, its addresses, its keys (connector spec 4.4).

Everything is fetched when it is first needed, remembered, and fetched again when it is old or a key is missing, never
more often than the cool-down allows. Callers that come at once share one fetch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx
import jwt
import msgspec
import structlog
import trio

from trio_connector.outgoing import Outgoing

MAX_ANSWER_BYTES: Final = 1024 * 1024
_OIDC: Final = "/.well-known/openid-configuration"
_OAUTH: Final = "/.well-known/oauth-authorization-server"
_KEY_TYPES: Final = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}

_log = structlog.get_logger("HttpServer")


class ProviderFailure(Exception):
    """The provider could not be asked, or gave no usable answer."""


class Discovery:
    """The provider's own description, once it was fetched."""

    def __init__(self, base_url: str, fetcher: Fetcher) -> None:
        self._addresses = _addresses(base_url)
        self._fetcher = fetcher
        self._found: Mapping[str, Any] | None = None

    async def get(self) -> Mapping[str, Any]:
        """The description, with ``issuer`` and ``jwks_uri``. Raises ProviderFailure."""
        if self._found is None:
            self._found = await self._fetch()
        return self._found

    async def _fetch(self) -> Mapping[str, Any]:
        failure = ProviderFailure("the provider does not describe itself")
        for address in self._addresses:
            try:
                found = await self._fetcher.get(address)
            except ProviderFailure as error:
                failure = error
                continue
            if isinstance(found.get("issuer"), str) and isinstance(found.get("jwks_uri"), str):
                return found
        raise failure


def _addresses(base_url: str) -> tuple[str, ...]:
    if "/.well-known/" in base_url:
        return (base_url,)
    url = httpx.URL(base_url)
    path = url.path.rstrip("/")
    known = str(url.copy_with(path=path + _OIDC))
    return (known,) if path else (known, str(url.copy_with(path=_OAUTH)))


class KeySet:
    """The provider's public keys."""

    def __init__(self, fetcher: Fetcher, *, max_age_seconds: float, cooldown_seconds: float) -> None:
        self._fetcher = fetcher
        self._max_age_seconds = max_age_seconds
        self._cooldown_seconds = cooldown_seconds
        self._keys: Sequence[Mapping[str, Any]] = ()
        self._fetched_at = float("-inf")
        self._lock = trio.Lock()

    async def key(self, jwks_uri: str, algorithm: str, key_id: object) -> jwt.PyJWK:
        """The one key that fits a token's header. Raises ProviderFailure."""
        fitting = [] if self._is_old() else self._fitting(algorithm, key_id)
        if not fitting:
            await self._refresh(jwks_uri)
            fitting = self._fitting(algorithm, key_id)
        if len(fitting) != 1:
            raise ProviderFailure(f"{len(fitting)} keys of the provider fit the token")
        try:
            return jwt.PyJWK(dict(fitting[0]), algorithm)
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise ProviderFailure("the provider's key is not usable") from error

    def _is_old(self) -> bool:
        return trio.current_time() - self._fetched_at > self._max_age_seconds

    def _fitting(self, algorithm: str, key_id: object) -> list[Mapping[str, Any]]:
        return [
            key
            for key in self._keys
            if (key_id is None or key.get("kid") == key_id)
            and key.get("kty") == _KEY_TYPES.get(algorithm[:2])
            and key.get("use", "sig") == "sig"
            and key.get("alg", algorithm) == algorithm
        ]

    async def _refresh(self, jwks_uri: str) -> None:
        asked_at = trio.current_time()
        async with self._lock:
            if self._fetched_at >= asked_at or (
                not self._is_old() and asked_at - self._fetched_at < self._cooldown_seconds
            ):
                return
            document = await self._fetcher.get(jwks_uri)
            keys = document.get("keys")
            if not isinstance(keys, list):
                raise ProviderFailure("the provider's key set has no keys")
            self._keys = [key for key in keys if isinstance(key, dict)]
            self._fetched_at = trio.current_time()


class Fetcher:
    """Fetches JSON objects; an address that failed is left in peace for the cool-down."""

    def __init__(self, outgoing: Outgoing, *, timeout_seconds: float, cooldown_seconds: float) -> None:
        self._outgoing = outgoing
        self._timeout_seconds = timeout_seconds
        self._cooldown_seconds = cooldown_seconds
        self._failed_at: dict[str, float] = {}

    async def get(self, url: str) -> Mapping[str, Any]:
        """The object under ``url``. Raises ProviderFailure."""
        if trio.current_time() - self._failed_at.get(url, float("-inf")) < self._cooldown_seconds:
            raise ProviderFailure(f"{url} failed a moment ago")
        try:
            with trio.fail_after(self._timeout_seconds):
                document = msgspec.json.decode(await self._body(url), type=dict[str, Any])
        except (httpx.HTTPError, httpx.InvalidURL, trio.TooSlowError, msgspec.DecodeError, UnicodeDecodeError) as error:
            self._failed_at[url] = trio.current_time()
            _log.warning("The identity provider gave no usable answer.", url=url, error=repr(error))
            raise ProviderFailure(f"{url}: {error!r}") from error
        self._failed_at.pop(url, None)
        return document

    async def _body(self, url: str) -> bytes:
        async with (
            self._outgoing.client(timeout_seconds=self._timeout_seconds, max_connections=1) as client,
            client.stream("GET", url, headers={"Accept": "application/json"}) as response,
        ):
            if response.status_code != 200:
                raise httpx.HTTPStatusError(
                    f"status {response.status_code}", request=response.request, response=response
                )
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    raise httpx.DecodingError("the answer is too long")
            return bytes(body)
