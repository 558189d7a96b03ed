"""Files: uploaded, loaded, downloaded, handed on and over, deleted (transport 9, runtime 5.2)."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from tests.accounts import FAR_FUTURE, synchronized
from tests.usecases.world import World, a_world, told_from_now_on, two_accounts, two_partners
from trio_connector.crypto.ciphers import SecretKey, encrypt, encrypt_text
from trio_connector.crypto.files import seal_file
from trio_connector.crypto.hashes import sha512
from trio_connector.crypto.references import FileReference, Reference
from trio_connector.domain.file import NEVER_EXPIRES, File, file_dto
from trio_connector.domain.token import token_dto
from trio_connector.errors import BackboneRequestError, ConnectorError, CoreError
from trio_connector.usecases.files import (
    claim_ownership,
    create_token_for_file,
    delete_file,
    download_file,
    get_file,
    get_file_by_id_or_reference,
    get_or_load_file,
    load_file,
    regenerate_ownership_token,
    upload_own_file,
    validate_ownership_token,
)
from trio_connector.usecases.services import Services

TAGS = {
    "IdentityFileReference": {"bkb": {"displayNames": {"en": "Tag"}, "children": {"a": {"displayNames": {"en": "A"}}}}}
}


async def upload(services: Services, content: bytes = b"Hello", **options: Any) -> File:
    """An own file."""
    return await upload_own_file(
        services, content=content, **{"filename": "hello.txt", "mimetype": "text/plain", **options}
    )


def reference_to(services: Services, file: File, form: str = "truncated") -> str:
    """As API users see it."""
    return str(getattr(file_dto(file, services.base_url).reference, form))


@pytest.mark.parametrize("form", ["truncated", "url"])
async def test_a_peer_reads_what_the_owner_uploaded(form: str) -> None:
    async with two_accounts() as (_, owner, peer):
        file = await upload(owner, title="A title", description="More", tags=["x:tag"], expires_at=FAR_FUTURE)
        loaded = await get_or_load_file(peer, reference_to(owner, file, form))
        assert (loaded.id, loaded.is_own, loaded.owner) == (file.id, False, owner.address)
        assert (loaded.title, loaded.description, loaded.tags) == ("A title", "More", ["x:tag"])
        assert (loaded.filename, loaded.mimetype, loaded.filesize) == ("hello.txt", "text/plain", 5)
        assert loaded.expires_at == FAR_FUTURE
        assert loaded.ownership_token is None
        assert (await download_file(peer, file.id))[1] == b"Hello"
        assert (await download_file(owner, file.id))[1] == b"Hello"
        assert get_file_by_id_or_reference(peer, reference_to(owner, file, form)) == loaded
        assert get_file_by_id_or_reference(peer, file.id) == loaded


@pytest.mark.parametrize("size", [0, 1, 32 * 1024, 32 * 1024 + 1, 7_800_000])
async def test_files_of_every_size_travel(size: int) -> None:
    async with two_accounts() as (_, owner, peer):
        content = secrets.token_bytes(size)
        file = await upload(owner, content)
        assert (file.expires_at, file.filesize) == (NEVER_EXPIRES, size)
        await get_or_load_file(peer, reference_to(owner, file))
        assert (await download_file(peer, file.id))[1] == content


async def test_a_file_that_is_too_large_is_refused_before_anything_is_sent() -> None:
    async with a_world() as world, world.account() as owner:
        world.wire_of(owner).listen()
        with pytest.raises(CoreError) as refused:
            await upload(owner, bytes(10 * 1024 * 1024 + 1))
        assert refused.value.code == "error.transport.files.maxFileSizeExceeded"
        assert world.wire_of(owner).paths == []


async def test_a_file_that_the_backbone_does_not_take_is_not_kept() -> None:
    """Encryption makes a file larger by a third, and the Backbone counts what it gets."""
    async with a_world() as world, world.account() as owner:
        with pytest.raises(BackboneRequestError):
            await upload(owner, bytes(9 * 1024 * 1024))
        assert await owner.store.list(owner.collections.files) == []


async def test_tags_are_checked_with_what_the_backbone_knows() -> None:
    async with a_world(tags=TAGS) as world, world.account() as owner:
        with pytest.raises(ConnectorError) as refused:
            await upload(owner, tags=["bkb:b", "language:de"])
        assert refused.value.code == "error.consumption.attributes.invalidTags"


async def test_a_token_hands_on_a_file() -> None:
    async with two_accounts() as (_, owner, peer):
        file = await upload(owner, expires_at=FAR_FUTURE)
        token = await create_token_for_file(owner, file.id)
        assert token.expires_at == FAR_FUTURE
        reference = token_dto(token, owner.base_url).reference.url
        assert (await get_or_load_file(peer, reference)).id == file.id


async def test_references_to_something_else_are_refused() -> None:
    async with two_accounts() as (_, owner, peer):
        key = SecretKey.generate(secrets.token_bytes)
        with pytest.raises(ConnectorError) as refused:
            await get_or_load_file(peer, Reference("RLT" + 17 * "x", key).truncated())
        assert refused.value.code == "error.runtime.invalidReference"
        with pytest.raises(BackboneRequestError) as unknown:
            await load_file(peer, FileReference("FIL" + 17 * "x", key))
        assert unknown.value.code == "error.platform.recordNotFound"
        file = await upload(owner)
        with pytest.raises(CoreError) as wrong_key:
            await load_file(peer, FileReference(file.id, key))
        assert wrong_key.value.code == "error.transport.files.invalidMetadata"
        with pytest.raises(ConnectorError):
            get_file(peer, file.id)


@pytest.mark.parametrize(
    "metadata",
    [
        '{"@type":"FileMetadata"}',
        "no JSON",
        '{"filename":"\\ud83d","filesize":1,"mimetype":"a/b","plaintextHash":"x","secretKey":KEY}',
        '{"filename":"a","filesize":-1,"mimetype":"a/b","plaintextHash":"x","secretKey":KEY}',
        '{"filename":"a","filesize":1e300,"mimetype":"a/b","plaintextHash":"x","secretKey":KEY}',
    ],
    ids=["nothing", "no JSON", "half a character", "less than nothing", "beyond measure"],
)
async def test_a_strangers_nonsense_in_metadata_is_refused(metadata: str) -> None:
    async with two_accounts() as (_, owner, peer):
        sealed = seal_file(b"Hello", owner.account.device_key, secrets.token_bytes, filename="a", mimetype="a/b")
        text = metadata.replace("KEY", sealed.metadata.secret_key.serialize(False))
        created = await owner.backbone.files.upload(
            content=sealed.content,
            cipher_hash=sealed.cipher_hash,
            owner=owner.address,
            owner_signature=sealed.owner_signature,
            expires_at=FAR_FUTURE,
            encrypted_properties=encrypt_text(text, sealed.metadata_key, secrets.token_bytes).to_base64(),
        )
        with pytest.raises(CoreError) as refused:
            await load_file(peer, FileReference(created.id, sealed.metadata_key))
        assert refused.value.code == "error.transport.files.invalidMetadata"


@pytest.mark.parametrize(
    ("stored", "code"),
    [
        (b"something else", "error.transport.files.cipherMismatch"),
        (None, "error.transport.files.plaintextHashMismatch"),
    ],
)
async def test_content_that_was_exchanged_is_refused(stored: bytes | None, code: str) -> None:
    async with two_accounts() as (world, owner, peer):
        file = await upload(owner)
        if stored is None:
            other = encrypt(b"Hallo", SecretKey.from_json(file.cipher_key), secrets.token_bytes)
            stored = other.serialize().encode()
            await world.change("UPDATE files SET cipher_hash = ? WHERE id = ?", sha512(stored), file.id)
        await get_or_load_file(peer, reference_to(owner, file))
        await _exchange(world, file.id, stored)
        with pytest.raises(CoreError) as refused:
            await download_file(peer, file.id)
        assert refused.value.code == code


async def test_the_owner_changes_and_both_hear_of_it() -> None:
    async with two_accounts() as (_, owner, peer):
        file = await upload(owner)
        assert file.ownership_token is not None
        await get_or_load_file(peer, reference_to(owner, file))
        told = await told_from_now_on(owner)
        claimed = await claim_ownership(peer, file.id, file.ownership_token)
        assert (claimed.is_own, claimed.owner) == (True, peer.address)
        assert claimed.ownership_token not in (None, file.ownership_token)
        assert await synchronized(owner) == [file.id]
        assert await told.names() == ["fileOwnershipClaimed"]
        given = get_file(owner, file.id)
        assert (given.is_own, given.owner, given.ownership_token) == (False, peer.address, None)
        with pytest.raises(ConnectorError) as refused:
            await regenerate_ownership_token(owner, file.id)
        assert refused.value.code == "error.runtime.files.notOwnedByYou"
        assert (await download_file(peer, file.id))[1] == b"Hello"


async def test_a_wrong_token_locks_the_file_until_its_owner_makes_another() -> None:
    async with two_accounts() as (_, owner, peer):
        file = await upload(owner)
        assert file.ownership_token is not None
        await get_or_load_file(peer, reference_to(owner, file))
        assert await validate_ownership_token(peer, file.id, file.ownership_token)
        told = await told_from_now_on(owner)
        assert not await validate_ownership_token(peer, file.id, "x" * 20)
        with pytest.raises(BackboneRequestError) as locked:
            await claim_ownership(peer, file.id, file.ownership_token)
        assert locked.value.code == "error.platform.forbidden"
        await synchronized(owner)
        assert await told.names() == ["fileOwnershipLocked"]
        assert get_file(owner, file.id).ownership_is_locked is True
        renewed = await regenerate_ownership_token(owner, file.id)
        assert renewed.ownership_is_locked is None
        assert renewed.ownership_token is not None
        assert (await claim_ownership(peer, file.id, renewed.ownership_token)).is_own


async def test_nobody_claims_the_own_file() -> None:
    async with a_world() as world, world.account() as owner:
        file = await upload(owner)
        with pytest.raises(BackboneRequestError) as refused:
            await claim_ownership(owner, file.id, file.ownership_token or "")
        assert refused.value.code == "error.platform.validation.file.cannotClaimOwnershipOfOwnFile"
        assert get_file(owner, file.id) == file


async def test_events_about_unknown_files_end_well() -> None:
    async with a_world() as world, world.account() as owner:
        told = await told_from_now_on(owner)
        for type_ in ("FileOwnershipLocked", "FileOwnershipClaimed"):
            await world.add_event(owner, type_, {"fileId": "FIL" + 17 * "x"})
        assert await synchronized(owner) == []
        assert await told.names() == []
        assert await world.reported(owner) == [("FileOwnershipClaimed", "error.transport.recordNotFound")]


async def test_a_deleted_file_is_gone_for_everybody() -> None:
    async with two_partners() as (_, owner, peer):
        file = await upload(owner)
        reference = reference_to(owner, file)
        await get_or_load_file(peer, reference)
        await delete_file(peer, file.id)
        await get_or_load_file(peer, reference)
        await delete_file(owner, file.id)
        with pytest.raises(ConnectorError):
            get_file(owner, file.id)
        with pytest.raises(BackboneRequestError):
            await download_file(peer, file.id)


async def test_a_file_that_the_backbone_has_no_more_can_still_be_deleted() -> None:
    async with a_world() as world, world.account() as owner:
        file = await upload(owner)
        await owner.backbone.files.delete(file.id)
        await delete_file(owner, file.id)
        with pytest.raises(ConnectorError):
            get_file(owner, file.id)


async def _exchange(world: World, file_id: str, content: bytes) -> None:
    await world.change("UPDATE file_contents SET content = ? WHERE file_id = ?", content, file_id)
