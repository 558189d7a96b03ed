"""An identity provider on loopback: describes itself, publishes keys, signs tokens."""

from __future__ import annotations

import hashlib
import time
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
import msgspec
import trio
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from trio_connector.http_server import ServerConfig, serve

AUDIENCE = "the-connector"


class Provider:
    """Counts what it is asked."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: Counter[str] = Counter()
        self.keys: dict[str, Any] = {"first": rsa.generate_private_key(65537, 2048)}
        self.broken = False
        self.codes: dict[str, dict[str, Any]] = {}

    def token(self, key_id: str = "first", algorithm: str = "RS256", **claims: Any) -> str:
        now = int(time.time())
        given = {"iss": self.url, "aud": AUDIENCE, "exp": now + 60, "scope": "core:files core:tokens", **claims}
        present = {name: value for name, value in given.items() if value is not None}
        return jwt.encode(present, self.keys[key_id], algorithm, headers={"kid": key_id})

    def _published(self, key_id: str) -> dict[str, Any]:
        key = self.keys[key_id].public_key()
        is_curve = isinstance(key, ec.EllipticCurvePublicKey)
        public = ECAlgorithm.to_jwk(key, as_dict=True) if is_curve else RSAAlgorithm.to_jwk(key, as_dict=True)
        return {**public, "kid": key_id, "use": "sig"}

    def let_in(self, location: str, **claims: Any) -> str:
        """What a browser brings back from our login page, ``location``: the query of the callback."""
        query = dict(parse_qsl(urlsplit(location).query))
        assert location.startswith(f"{self.url}/authorize?")
        assert (query["response_type"], query["code_challenge_method"]) == ("code", "S256")
        code = f"code-{len(self.codes)}"
        self.codes[code] = {**query, **claims}
        return urlencode({"code": code, "state": query["state"]})

    def _tokens_for(self, form: dict[str, str]) -> Any:
        asked = self.codes.pop(form["code"], None)
        if asked is None:
            return {"error": "invalid_grant"}
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        assert urlsafe_b64encode(digest).decode().rstrip("=") == asked["code_challenge"]
        assert form["redirect_uri"] == asked["redirect_uri"]
        claims = {name: value for name, value in asked.items() if name in ("nonce", "aud", "exp", "realm")}
        return {"id_token": self.token(**{"aud": asked["client_id"], **claims}), "expires_in": 300}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        self.asked[scope["path"]] += 1
        document: Any = None
        if scope["path"] == "/.well-known/openid-configuration":
            document = {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
            }
        elif scope["path"] == "/keys":
            document = {"keys": [self._published(key_id) for key_id in self.keys]}
        elif scope["path"] == "/token":
            document = self._tokens_for(dict(parse_qsl((await receive())["body"].decode())))
        status = 500 if self.broken else 404 if document is None else 200
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": msgspec.json.encode(document)})


@asynccontextmanager
async def running_provider() -> AsyncIterator[Provider]:
    provider = Provider()
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        config = ServerConfig(graceful_timeout=1)
        [provider.url] = await nursery.start(partial(serve, provider, config, shutdown_trigger=stop.wait))
        yield provider
        stop.set()
