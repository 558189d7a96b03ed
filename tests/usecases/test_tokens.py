"""Tokens: made, loaded, protected, empty, deleted (transport 10, runtime 5.3)."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from tests.accounts import FAR_FUTURE
from tests.usecases.world import a_world, two_accounts
from trio_connector.crypto.ciphers import SecretKey
from trio_connector.crypto.references import TokenReference
from trio_connector.crypto.tokens import seal_token
from trio_connector.domain.password_protection import PasswordProtectionParameters
from trio_connector.domain.token import Token, token_dto
from trio_connector.errors import BackboneRequestError, ConnectorError, CoreError
from trio_connector.usecases.services import Services
from trio_connector.usecases.tokens import create_own_token, delete_token, get_token, load_peer_token

CONTENT = {"value": "anything"}


def reference_to(services: Services, token: Token) -> TokenReference:
    """As it is handed on."""
    return TokenReference.of_text(token_dto(token, services.base_url).reference.truncated)


async def a_token(services: Services, **options: Any) -> Token:
    """An own token."""
    return await create_own_token(
        services, **{"content": CONTENT, "expires_at": FAR_FUTURE, "ephemeral": False, **options}
    )


async def test_a_peer_reads_what_the_owner_wrote() -> None:
    async with two_accounts() as (_, owner, peer):
        token = await a_token(owner)
        assert get_token(owner, token.id) == token
        loaded = await load_peer_token(peer, reference_to(owner, token), ephemeral=False)
        assert (loaded.content, loaded.is_own, loaded.created_by) == (CONTENT, False, owner.address)
        assert get_token(peer, token.id) == loaded


async def test_an_ephemeral_token_is_kept_nowhere() -> None:
    async with two_accounts() as (_, owner, peer):
        token = await a_token(owner, ephemeral=True)
        loaded = await load_peer_token(peer, reference_to(owner, token), ephemeral=True)
        assert loaded.content == CONTENT
        for services in (owner, peer):
            with pytest.raises(ConnectorError) as unknown:
                get_token(services, token.id)
            assert unknown.value.code == "error.runtime.recordNotFound"


async def test_a_stored_token_is_not_asked_for_again() -> None:
    async with two_accounts() as (world, owner, peer):
        reference = reference_to(owner, await a_token(owner))
        first = await load_peer_token(peer, reference, ephemeral=False)
        world.wire_of(peer).listen()
        assert await load_peer_token(peer, reference, ephemeral=True) == first
        assert world.wire_of(peer).paths == []


async def test_password_and_person_protect_a_token() -> None:
    async with a_world() as world, world.account() as owner, world.account() as peer, world.account() as other:
        protection = PasswordProtectionParameters(password="open sesame", location_indicator="SMS")
        token = await a_token(owner, for_identity=peer.address, password_protection=protection)
        reference = reference_to(owner, token)
        with pytest.raises(CoreError) as nothing:
            await load_peer_token(peer, reference, ephemeral=False)
        assert nothing.value.code == "error.transport.noPasswordProvided"
        with pytest.raises(BackboneRequestError):
            await load_peer_token(peer, reference, ephemeral=False, password="close sesame")
        with pytest.raises(ConnectorError):
            await load_peer_token(other, reference, ephemeral=False, password="open sesame")
        loaded = await load_peer_token(peer, reference, ephemeral=False, password="open sesame")
        assert loaded.content == CONTENT
        assert loaded.for_identity == peer.address


async def test_an_empty_token_has_nothing_to_give() -> None:
    async with two_accounts() as (world, owner, peer):
        created = await owner.backbone.tokens.create(expires_at=world.in_seconds(120), anonymous=True)
        reference = TokenReference(created.id, SecretKey.generate(secrets.token_bytes))
        with pytest.raises(CoreError) as empty:
            await load_peer_token(peer, reference, ephemeral=False)
        assert empty.value.code == "error.transport.tokens.emptyToken"
        filled = seal_token(CONTENT, reference.key, secrets.token_bytes)
        await owner.backbone.tokens.update_content(created.id, new_content=filled)
        assert (await load_peer_token(peer, reference, ephemeral=False)).content == CONTENT


async def test_a_deleted_token_is_gone() -> None:
    async with two_accounts() as (_, owner, peer):
        token = await a_token(owner)
        await load_peer_token(peer, reference_to(owner, token), ephemeral=False)
        await delete_token(owner, token.id)
        await delete_token(peer, token.id)
        for services in (owner, peer):
            with pytest.raises(ConnectorError):
                get_token(services, token.id)
        with pytest.raises(BackboneRequestError) as gone:
            await load_peer_token(peer, reference_to(owner, token), ephemeral=False)
        assert gone.value.code == "error.platform.recordNotFound"


async def test_a_token_that_the_backbone_has_no_more_can_still_be_deleted() -> None:
    async with two_accounts() as (world, owner, _):
        token = await a_token(owner)
        await world.change("DELETE FROM tokens WHERE id = ?", token.id)
        await delete_token(owner, token.id)
        with pytest.raises(ConnectorError):
            get_token(owner, token.id)


@pytest.mark.parametrize(
    "content",
    [
        None,
        {"@type": "NoSuchType"},
        {"@type": "TokenContentFile", "fileId": "FIL" + 17 * "x"},
        {"@type": "CoreDate", "date": FAR_FUTURE},
    ],
)
async def test_what_is_no_content_is_refused_before_the_backbone_hears_of_it(content: Any) -> None:
    async with a_world() as world, world.account() as owner:
        world.wire_of(owner).listen()
        with pytest.raises(ConnectorError) as refused:
            await a_token(owner, content=content)
        assert refused.value.code == "error.runtime.invalidTokenContent"
        assert world.wire_of(owner).paths == []


@pytest.mark.parametrize(
    "content",
    [b"no cipher", b'{"@type":"NoSuchType"}', b"[]", b'"text"', b"{" * 5000, b'{"a":' * 400 + b"1" + b"}" * 400],
    ids=["no JSON", "unknown type", "a list", "a text", "broken", "nested"],
)
async def test_a_strangers_nonsense_in_a_token_is_refused(content: bytes) -> None:
    async with two_accounts() as (_, owner, peer):
        from trio_connector.crypto.ciphers import encrypt

        key = SecretKey.generate(secrets.token_bytes)
        sealed = encrypt(content, key, secrets.token_bytes).to_base64()
        created = await owner.backbone.tokens.create(content=sealed, expires_at=FAR_FUTURE)
        with pytest.raises(ConnectorError):
            await load_peer_token(peer, TokenReference(created.id, key), ephemeral=False)
        with pytest.raises(ConnectorError):
            get_token(peer, created.id)


async def test_a_large_token_travels() -> None:
    async with two_accounts() as (_, owner, peer):
        content = {"value": "x" * 2_000_000}
        token = await a_token(owner, content=content)
        loaded = await load_peer_token(peer, reference_to(owner, token), ephemeral=False)
        assert loaded.content == content
