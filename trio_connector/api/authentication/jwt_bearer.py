"""Authentication by a signed bearer token of an identity provider (connector spec 4.4)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import jwt
import structlog

from trio_connector.api.authentication.provider import Discovery, Fetcher, KeySet, ProviderFailure
from trio_connector.outgoing import Outgoing
from trio_connector.settings import JwtBearerSettings

ASYMMETRIC: Final = frozenset(
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "ES256K", "EdDSA"]
)
SYMMETRIC: Final = frozenset(["HS256", "HS384", "HS512"])
FAILURE_COOLDOWN_SECONDS: Final = 5
"""How long a provider that failed is left in peace."""
_ONLY_THE_SIGNATURE: Final = {f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")}

_log = structlog.get_logger("HttpServer")


class _Refused(Exception):
    """Why a token is not accepted."""


class JwtBearer:
    """Checks bearer tokens. Raises ValueError for settings that cannot work."""

    def __init__(self, settings: JwtBearerSettings, outgoing: Outgoing, clock: Callable[[], datetime]) -> None:
        if not settings.audience:
            raise ValueError("An 'audience' is required to validate the 'aud' claim")
        cooldown_seconds = settings.cooldown_duration / 1000
        fetcher = Fetcher(
            outgoing,
            timeout_seconds=settings.timeout_duration / 1000,
            cooldown_seconds=min(cooldown_seconds, FAILURE_COOLDOWN_SECONDS),
        )
        self._settings = settings
        self._clock = clock
        self._audiences = (settings.audience,) if isinstance(settings.audience, str) else settings.audience
        self._discovery = Discovery(settings.issuer_base_url, fetcher) if settings.issuer_base_url else None
        self._keys = KeySet(fetcher, max_age_seconds=settings.cache_max_age / 1000, cooldown_seconds=cooldown_seconds)
        if self._discovery is None and not settings.issuer:
            raise ValueError("You must provide an 'issuerBaseURL' or an 'issuer'")
        if self._discovery is None and not (settings.jwks_uri or settings.public_key or settings.secret):
            raise ValueError("You must provide a 'jwksUri', a 'publicKey' or a 'secret' for the 'issuer'")
        if settings.secret and settings.token_signing_alg not in SYMMETRIC:
            raise ValueError("You must supply a 'tokenSigningAlg' of HS256, HS384 or HS512 for the 'secret'")

    async def roles(self, authorization: str) -> tuple[str, ...] | None:
        """The roles that a valid ``Authorization`` header gives, or None."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return None
        try:
            claims = await self._claims(token.strip())
        except (_Refused, ProviderFailure) as refusal:
            _log.debug("A bearer token was refused.", reason=str(refusal))
            return None
        scope = claims.get("scope")
        if isinstance(scope, str):
            return tuple(scope.split(" "))
        _log.warning("JWT Bearer token does not contain a scope, using empty array as default.")
        return ()

    async def _claims(self, token: str) -> Mapping[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError as error:
            raise _Refused("it is no token") from error
        algorithm = header.get("alg")
        if not isinstance(algorithm, str):
            raise _Refused("it names no algorithm")
        issuer, key = await self._issuer_and_key(algorithm, header.get("kid"))
        try:
            claims: Mapping[str, Any] = jwt.decode(token, key, algorithms=[algorithm], options=_ONLY_THE_SIGNATURE)  # type: ignore[arg-type]  # the keys are the known options
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise _Refused("its signature or form is wrong") from error
        self._check(claims, issuer)
        if self._settings.strict:
            _check_profile(header, claims)
        return claims

    async def _issuer_and_key(self, algorithm: str, key_id: object) -> tuple[str, Any]:
        settings = self._settings
        if settings.token_signing_alg and algorithm != settings.token_signing_alg:
            raise _Refused("its algorithm is not the configured one")
        if algorithm not in (SYMMETRIC if settings.secret else ASYMMETRIC):
            raise _Refused("its algorithm is not allowed")
        issuer, jwks_uri = settings.issuer or "", settings.jwks_uri
        if self._discovery is not None:
            described = await self._discovery.get()
            issuer, jwks_uri = described["issuer"], described["jwks_uri"]
            supported = described.get("id_token_signing_alg_values_supported")
            if isinstance(supported, list) and algorithm not in supported:
                raise _Refused("the provider does not use its algorithm")
        if settings.secret:
            return issuer, settings.secret
        if settings.public_key:
            return issuer, settings.public_key
        return issuer, await self._keys.key(jwks_uri or "", algorithm, key_id)

    def _check(self, claims: Mapping[str, Any], issuer: str) -> None:
        now = self._clock().timestamp()
        tolerance = self._settings.clock_tolerance
        audience = claims.get("aud")
        audiences = [audience] if isinstance(audience, str) else audience
        if claims.get("iss") != issuer:
            raise _Refused("it is from another issuer")
        if not isinstance(audiences, list) or not any(wanted in audiences for wanted in self._audiences):
            raise _Refused("it is for another audience")
        if not _is_number(claims.get("exp")) or claims["exp"] <= now - tolerance:
            raise _Refused("it has expired")
        if "nbf" in claims and (not _is_number(claims["nbf"]) or claims["nbf"] > now + tolerance):
            raise _Refused("it is not valid yet")
        if "iat" in claims and not _is_number(claims["iat"]):
            raise _Refused("its date of issue is no number")
        age = self._settings.max_token_age
        if age is not None and (not _is_number(claims.get("iat")) or now - claims["iat"] > age + tolerance):
            raise _Refused("it is too old")
        for claim in ("sub", "client_id", "jti"):
            if claim in claims and not isinstance(claims[claim], str):
                raise _Refused(f"its {claim} is no text")


def _check_profile(header: Mapping[str, Any], claims: Mapping[str, Any]) -> None:
    """What RFC 9068 asks of an access token."""
    kind = str(header.get("typ", "")).lower().removeprefix("application/")
    if kind != "at+jwt" or not all(claim in claims for claim in ("iat", "sub", "client_id", "jti")):
        raise _Refused("it does not follow RFC 9068")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
