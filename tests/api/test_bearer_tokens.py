"""Bearer tokens of an identity provider (connector spec 4.4)."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
import structlog
import trio
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.accounts import utc_now
from tests.api.provider import AUDIENCE, Provider, running_provider
from tests.api.served import API_KEY, CORE, served_account, settings_with
from trio_connector.api.authentication.jwt_bearer import JwtBearer
from trio_connector.outgoing import Outgoing
from trio_connector.settings import JwtBearerSettings

SECRET = "a-shared-secret-of-thirty-two-bytes-or-more"


def bearer(provider: Provider, **settings: Any) -> JwtBearer:
    settings.setdefault("issuer_base_url", provider.url)
    return JwtBearer(JwtBearerSettings(audience=AUDIENCE, **settings), Outgoing(), utc_now)


async def test_a_valid_token_opens_what_its_scope_names() -> None:
    async with running_provider() as provider:
        authentication = {
            "jwtBearer": {"issuerBaseURL": provider.url, "audience": AUDIENCE},
            "apiKey": {"keys": {"test": {"key": API_KEY}}},
        }
        async with served_account(settings=settings_with(authentication=authentication)) as api:

            async def status(path: str, **headers: str) -> int:
                return (await api.stranger.get(f"{CORE}/{path}", headers=headers)).status_code

            token = f"Bearer {provider.token()}"
            assert await status("Files", Authorization=token) == 200
            assert await status("Relationships", Authorization=token) == 403
            assert await status("Files", Authorization=token + "x") == 401
            # A wrong API key is not made good by a token.
            assert await status("Files", **{"Authorization": token, "X-API-KEY": "wrong"}) == 401
            assert await status("Files", **{"Authorization": "Bearer x", "X-API-KEY": API_KEY}) == 200


async def test_what_is_wrong_with_a_token_makes_it_worthless() -> None:
    now = int(time.time())
    async with running_provider() as provider:
        tokens = bearer(provider)

        async def roles(**claims: Any) -> Any:
            return await tokens.roles("Bearer " + provider.token(**claims))

        assert await roles() == ("core:files", "core:tokens")
        assert await roles(aud=["other", AUDIENCE]) == ("core:files", "core:tokens")
        assert await roles(exp=now - 3) is not None  # within the tolerance
        for claims in (
            {"iss": "http://elsewhere"},
            {"aud": "other"},
            {"aud": None},
            {"exp": now - 10},
            {"exp": None},
            {"nbf": now + 60},
            {"client_id": 5},
        ):
            assert await roles(**claims) is None, claims
        for header in ("", "Bearer", "Bearer ", "Basic x", "Bearer a.b.c", "Bearer " + "x" * 10_000):
            assert await tokens.roles(header) is None
        good: dict[str, Any] = {"iss": provider.url, "aud": AUDIENCE, "exp": now + 60, "scope": "**"}
        no_key: Any = None
        assert await tokens.roles("Bearer " + jwt.encode(good, no_key, "none")) is None
        # Signed with a shared secret where a public key is expected.
        forged = jwt.encode(good, "x" * 64, "HS256", headers={"kid": "first"})
        assert await tokens.roles(f"Bearer {forged}") is None
        other = Provider()
        other.url = provider.url
        assert await tokens.roles("Bearer " + other.token()) is None


async def test_a_token_without_a_scope_text_opens_nothing_and_that_is_said() -> None:
    async with running_provider() as provider:
        tokens = bearer(provider)
        with structlog.testing.capture_logs() as lines:
            for scope in (None, ["core:files"]):
                assert await tokens.roles("Bearer " + provider.token(scope=scope)) == ()
        assert [line["event"] for line in lines] == [
            "JWT Bearer token does not contain a scope, using empty array as default."
        ] * 2


async def test_keys_are_fetched_once_and_again_when_one_is_new() -> None:
    async with running_provider() as provider:
        tokens = bearer(provider, cooldown_duration=0)
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(tokens.roles, "Bearer " + provider.token())
        assert provider.asked["/keys"] == 1
        provider.keys["second"] = ec.generate_private_key(ec.SECP256R1())
        assert await tokens.roles("Bearer " + provider.token("second", "ES256")) is not None
        assert provider.asked["/keys"] == 2
        assert provider.asked["/.well-known/openid-configuration"] >= 1


async def test_unknown_keys_do_not_make_us_ask_again_and_again() -> None:
    async with running_provider() as provider:
        tokens = bearer(provider)
        assert await tokens.roles("Bearer " + provider.token()) is not None
        other = Provider()
        other.url = provider.url
        other.keys = {"unknown": rsa.generate_private_key(65537, 2048)}
        for _ in range(5):
            assert await tokens.roles("Bearer " + other.token("unknown")) is None
        assert provider.asked["/keys"] == 1


async def test_a_provider_that_fails_opens_nothing_and_is_left_in_peace() -> None:
    async with running_provider() as provider:
        provider.broken = True
        tokens = bearer(provider)
        for _ in range(5):
            assert await tokens.roles("Bearer " + provider.token()) is None
        assert set(provider.asked.values()) == {1}
    assert await tokens.roles("Bearer " + provider.token()) is None


async def test_keys_may_be_configured_instead_of_discovered() -> None:
    provider = Provider()
    provider.url = "http://issuer.test"
    public = provider.keys["first"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    tokens = bearer(provider, issuer_base_url=None, issuer=provider.url, public_key=public.decode())
    assert await tokens.roles("Bearer " + provider.token()) is not None
    shared = bearer(provider, issuer_base_url=None, issuer=provider.url, secret=SECRET, token_signing_alg="HS256")
    claims = {"iss": provider.url, "aud": AUDIENCE, "exp": int(time.time()) + 60, "scope": "a"}
    assert await shared.roles("Bearer " + jwt.encode(claims, SECRET, "HS256")) == ("a",)
    assert await shared.roles("Bearer " + provider.token()) is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"issuer_base_url": "http://x"}, "An 'audience' is required to validate the 'aud' claim"),
        ({"audience": "a"}, "You must provide an 'issuerBaseURL' or an 'issuer'"),
        ({"audience": "a", "issuer": "i"}, "You must provide a 'jwksUri'"),
        ({"audience": "a", "issuer": "i", "secret": "s"}, "You must supply a 'tokenSigningAlg'"),
    ],
)
def test_settings_that_cannot_work_stop_the_start(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        JwtBearer(JwtBearerSettings(**settings), Outgoing(), utc_now)
