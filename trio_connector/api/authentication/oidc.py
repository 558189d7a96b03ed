"""Browser sessions by an identity provider: the authorization code flow with PKCE (connector spec 4.5).

A browser without a session is sent to the provider and comes back to ``/callback`` with a code, which we exchange for
an ID token. What the token says is kept in a cookie that only we can read and change; there is no state here. A session
ends with the access token it came with, after a day at the latest; the provider then usually lets the browser in again
without asking anybody.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import httpx
import jwt
import msgspec
import structlog
import trio
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from trio_connector.api.answer import Answer, Header
from trio_connector.api.authentication.jwt_bearer import ASYMMETRIC
from trio_connector.api.authentication.provider import Discovery, Fetcher, KeySet, ProviderFailure
from trio_connector.api.call import Call
from trio_connector.api.errors import unauthorized
from trio_connector.api.negotiation import preferred_type
from trio_connector.api.request import Request
from trio_connector.api.routing import Accept, Kind, Route
from trio_connector.outgoing import Outgoing
from trio_connector.settings import OidcSettings

SESSION_COOKIE: Final = "appSession"
LOGIN_COOKIE: Final = "appLogin"
SESSION_SECONDS: Final = 24 * 3600
LOGIN_SECONDS: Final = 600
_TIMEOUT_SECONDS: Final = 5
_COOLDOWN_SECONDS: Final = 5
_MAX_COOKIE_BYTES: Final = 4000
_TOLERANCE_SECONDS: Final = 60
_ONLY_THE_SIGNATURE: Final = {f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")}

_log = structlog.get_logger("HttpServer")
Clock = Callable[[], datetime]
Entropy = Callable[[int], bytes]


class _Session(msgspec.Struct, frozen=True):
    """What the session cookie says."""

    roles: tuple[str, ...]
    until: int


class _Login(msgspec.Struct, frozen=True):
    """What a browser takes with it to the provider and back."""

    state: str
    nonce: str
    verifier: str
    return_to: str
    until: int


class OidcSessions:
    """Browser sessions. Raises ValueError for settings that cannot work."""

    def __init__(self, settings: OidcSettings, outgoing: Outgoing, clock: Clock, entropy: Entropy) -> None:
        for name, value in (
            ("issuerBaseURL", settings.issuer_base_url),
            ("baseURL", settings.base_url),
            ("clientID", settings.client_id),
            ("secret", settings.secret),
        ):
            if not value:
                raise ValueError(f'"{name}" is required for OpenID Connect')
        self._settings = settings
        self._base_url = (settings.base_url or "").rstrip("/")
        self._is_secure = self._base_url.startswith("https://")
        self._outgoing = outgoing
        self._clock = clock
        self._entropy = entropy
        self._box = SecretBox(
            hashlib.blake2b((settings.secret or "").encode(), digest_size=32, person=b"oidc").digest()
        )
        fetcher = Fetcher(outgoing, timeout_seconds=_TIMEOUT_SECONDS, cooldown_seconds=_COOLDOWN_SECONDS)
        self._discovery = Discovery(settings.issuer_base_url or "", fetcher)
        self._keys = KeySet(fetcher, max_age_seconds=600, cooldown_seconds=30)

    # --- every request ---

    async def roles(self, request: Request) -> tuple[str, ...] | Answer | None:
        """The roles of the session; without one a redirection to the provider, or None for who is no browser."""
        session: _Session | None = self._read(request, SESSION_COOKIE, _Session)
        if session is not None:
            return session.roles
        if request.header(b"x-requested-with") == "XMLHttpRequest" or not _wants_html(request):
            return None
        return_to = request.raw_path if request.method in ("GET", "HEAD") else "/"
        query: bytes = request.scope["query_string"]
        if query and request.method in ("GET", "HEAD"):
            return_to += "?" + query.decode("latin-1")
        return await self._to_provider(return_to)

    # --- its own routes ---

    def routes(self) -> list[Route]:
        """``/login``, ``/callback`` and ``/logout``."""
        return [
            _route("/login", self._login, "Log in at the identity provider."),
            _route("/callback", self._callback, "Come back from the identity provider."),
            _route("/logout", self._logout, "End the session."),
        ]

    async def _login(self, call: Call) -> Answer:
        answer = await self._to_provider("/")
        if answer is None:
            raise unauthorized()
        return answer

    async def _logout(self, call: Call) -> Answer:
        return Answer(302, headers=(("Location", self._base_url + "/"), self._without(SESSION_COOKIE)))

    async def _callback(self, call: Call) -> Answer:
        login = self._read(call.request, LOGIN_COOKIE, _Login)
        state, code = call.query.get("state"), call.query.get("code")
        if login is None or not isinstance(state, str) or not isinstance(code, str):
            raise unauthorized()
        if not hmac.compare_digest(state.encode(), login.state.encode()):
            raise unauthorized()
        try:
            answer = await self._exchange(code, login)
            claims = await self._claims(answer, login)
        except ProviderFailure as error:
            _log.warning("A login failed.", reason=str(error))
            raise unauthorized() from error
        now = int(self._clock().timestamp())
        lifetime = answer.get("expires_in")
        seconds = min(int(lifetime or 0), SESSION_SECONDS) if _is_positive(lifetime) else SESSION_SECONDS
        session = _Session(roles=self._roles_of(claims), until=now + seconds)
        return Answer(
            302,
            headers=(
                ("Location", self._base_url + login.return_to),
                self._written(SESSION_COOKIE, session, seconds),
                self._without(LOGIN_COOKIE),
            ),
        )

    # --- the provider ---

    async def _to_provider(self, return_to: str) -> Answer | None:
        try:
            described = await self._discovery.get()
        except ProviderFailure:
            return None
        endpoint = described.get("authorization_endpoint")
        if not isinstance(endpoint, str):
            _log.warning("The identity provider has no authorization endpoint.")
            return None
        login = _Login(
            state=self._random(),
            nonce=self._random(),
            verifier=self._random(),
            return_to=return_to if return_to.startswith("/") and not return_to.startswith("//") else "/",
            until=int(self._clock().timestamp()) + LOGIN_SECONDS,
        )
        challenge = _base64url(hashlib.sha256(login.verifier.encode()).digest())
        query = urlencode(
            {
                "client_id": self._settings.client_id,
                "response_type": "code",
                "scope": "openid profile email",
                "redirect_uri": f"{self._base_url}/callback",
                "state": login.state,
                "nonce": login.nonce,
                "code_challenge": challenge,
                "code_challenge_method": "S256",
            }
        )
        location = f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{query}"
        return Answer(302, headers=(("Location", location), self._written(LOGIN_COOKIE, login, LOGIN_SECONDS)))

    async def _exchange(self, code: str, login: _Login) -> Mapping[str, Any]:
        """The provider's answer to a code. Raises ProviderFailure."""
        endpoint = (await self._discovery.get()).get("token_endpoint")
        if not isinstance(endpoint, str):
            raise ProviderFailure("the provider has no token endpoint")
        settings = self._settings
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": f"{self._base_url}/callback",
            "code_verifier": login.verifier,
            "client_id": settings.client_id,
        }
        secret = settings.client_secret
        auth = httpx.BasicAuth(settings.client_id or "", secret) if secret else httpx.USE_CLIENT_DEFAULT
        try:
            with trio.fail_after(_TIMEOUT_SECONDS):
                async with self._outgoing.client(timeout_seconds=_TIMEOUT_SECONDS, max_connections=1) as client:
                    response = await client.post(endpoint, data=form, auth=auth)
            if response.status_code != 200:
                raise ProviderFailure(f"the provider refuses the code with status {response.status_code}")
            return msgspec.json.decode(response.content, type=dict[str, Any])
        except (httpx.HTTPError, httpx.InvalidURL, trio.TooSlowError, msgspec.DecodeError) as error:
            raise ProviderFailure("the provider gave no usable answer to the code") from error

    async def _claims(self, answer: Mapping[str, Any], login: _Login) -> Mapping[str, Any]:
        """What the ID token says, checked. Raises ProviderFailure."""
        described = await self._discovery.get()
        token = answer.get("id_token")
        try:
            header = jwt.get_unverified_header(token if isinstance(token, str) else "")
            algorithm = header.get("alg")
            if algorithm not in ASYMMETRIC:
                raise ProviderFailure("the ID token is signed in a way that is not allowed")
            key = await self._keys.key(described["jwks_uri"], str(algorithm), header.get("kid"))
            claims: Mapping[str, Any] = jwt.decode(str(token), key, [str(algorithm)], _ONLY_THE_SIGNATURE)  # type: ignore[arg-type]  # the keys are the known options
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise ProviderFailure("the ID token is wrong") from error
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        now = self._clock().timestamp()
        expires = claims.get("exp")
        if (
            claims.get("iss") != described["issuer"]
            or self._settings.client_id not in audiences
            or claims.get("nonce") != login.nonce
            or not _is_positive(expires)
            or float(expires or 0) <= now - _TOLERANCE_SECONDS
        ):
            raise ProviderFailure("the ID token is not for this login")
        return claims

    def _roles_of(self, claims: Mapping[str, Any]) -> tuple[str, ...]:
        path = self._settings.roles_path
        if not path:
            return ()
        found: Any = claims
        passed: list[str] = []
        for name in path.split("."):
            passed.append(name)
            if not isinstance(found, dict) or name not in found:
                where = ".".join(passed)
                _log.warning(f"Roles path '{where}' not found in OIDC user info, using empty array as default.")
                return ()
            found = found[name]
        if not isinstance(found, list):
            _log.warning(f"Roles path '{path}' does not point to an array in OIDC user info.")
            return ()
        return tuple(role for role in found if isinstance(role, str))

    # --- cookies ---

    def _read(self, request: Request, name: str, kind: type[Any]) -> Any:
        """What a cookie of ours says, unless it is old, forged or missing."""
        try:
            morsel = SimpleCookie(request.header(b"cookie") or "").get(name)
        except CookieError:
            return None
        if morsel is None or len(morsel.value) > _MAX_COOKIE_BYTES:
            return None
        try:
            sealed = urlsafe_b64decode(morsel.value + "=" * (-len(morsel.value) % 4))
            read = msgspec.json.decode(self._box.decrypt(sealed), type=kind)
        except (ValueError, CryptoError, msgspec.DecodeError):
            return None
        return read if read.until > self._clock().timestamp() else None

    def _written(self, name: str, value: msgspec.Struct, seconds: int) -> Header:
        # The name of the cookie is sealed in by the form of its content: one cannot be taken for the other.
        sealed = self._box.encrypt(msgspec.json.encode(value), self._entropy(SecretBox.NONCE_SIZE))
        return self._cookie(name, _base64url(bytes(sealed)), seconds)

    def _without(self, name: str) -> Header:
        return self._cookie(name, "", 0)

    def _cookie(self, name: str, value: str, seconds: int) -> Header:
        secure = "; Secure" if self._is_secure else ""
        return ("Set-Cookie", f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")

    def _random(self) -> str:
        return _base64url(self._entropy(32))


def _route(path: str, answer: Any, summary: str) -> Route:
    return Route(
        "GET", path, answer, summary, Kind.NOTHING, 302, Accept.ANY, public=True, waits=True, names_methods=False
    )


def _wants_html(request: Request) -> bool:
    accept = request.header(b"accept")
    return (
        accept is None
        or preferred_type(accept, ("text/html",)) is not None
        or (preferred_type(accept, ("application/json",)) is None)
    )


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e12
