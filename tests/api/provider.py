"""An identity provider on loopback: describes itself, publishes keys, signs tokens."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

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
            document = {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        elif scope["path"] == "/keys":
            document = {"keys": [self._published(key_id) for key_id in self.keys]}
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
