"""Templates: made, handed on as references and tokens, protected, loaded, deleted (transport 11, runtime 5.3)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.accounts import ARBITRARY_CREATION, ARBITRARY_TEMPLATE, FAR_FUTURE, synchronized
from tests.usecases.world import a_world, told_from_now_on, two_accounts, two_partners
from trio_connector.crypto.references import RelationshipTemplateReference
from trio_connector.domain.password_protection import PasswordProtectionParameters
from trio_connector.domain.template import RelationshipTemplateDTO, template_dto
from trio_connector.errors import BackboneRequestError, ConnectorError, CoreError, UnexpectedCondition
from trio_connector.usecases.relationships import create_relationship
from trio_connector.usecases.services import Services
from trio_connector.usecases.templates import (
    create_own_template,
    create_token_for_template,
    delete_template,
    get_template,
    load_peer_template,
)
from trio_connector.usecases.tokens import create_own_token


async def offer(templator: Services, **options: Any) -> RelationshipTemplateDTO:
    """A template as its owner's API user sees it."""
    options = {"content": ARBITRARY_TEMPLATE, "expires_at": FAR_FUTURE, **options}
    return template_dto(await create_own_template(templator, **options), templator.base_url)


@pytest.mark.parametrize("form", ["truncated", "url"])
async def test_a_peer_loads_what_the_owner_made(form: str) -> None:
    async with two_accounts() as (_, templator, requestor):
        offered = await offer(templator, max_number_of_allocations=3)
        told = await told_from_now_on(requestor)
        loaded = await load_peer_template(requestor, getattr(offered.reference, form))
        assert (loaded.id, loaded.is_own, loaded.created_by) == (offered.id, False, templator.address)
        assert loaded.content == ARBITRARY_TEMPLATE
        assert loaded.expires_at == FAR_FUTURE
        assert loaded.identity == templator.account.identity
        assert await told.names() == ["peerRelationshipTemplateLoaded"]
        assert get_template(requestor, offered.id) == loaded


async def test_loading_again_asks_nobody_and_tells_again() -> None:
    async with two_accounts() as (world, templator, requestor):
        reference = (await offer(templator)).reference.truncated
        first = await load_peer_template(requestor, reference)
        told = await told_from_now_on(requestor)
        world.wire_of(requestor).listen()
        assert await load_peer_template(requestor, reference) == first
        assert world.wire_of(requestor).paths == []
        assert await told.names() == ["peerRelationshipTemplateLoaded"]


async def test_the_owner_loads_its_own_template_without_telling() -> None:
    async with two_accounts() as (_, templator, _requestor):
        offered = await offer(templator)
        told = await told_from_now_on(templator)
        assert (await load_peer_template(templator, offered.reference.truncated)).is_own
        assert await told.names() == []


@pytest.mark.parametrize(
    ("password", "is_pin", "location"), [("geheim & süß", False, "Letter"), ("0042", True, 50), ("x", False, None)]
)
async def test_a_password_opens_a_protected_template(password: str, is_pin: bool, location: str | int | None) -> None:
    async with two_accounts() as (_, templator, requestor):
        protection = PasswordProtectionParameters(password=password, is_pin=is_pin, location_indicator=location)
        reference = (await offer(templator, password_protection=protection)).reference.truncated
        for missing in (None, ""):
            with pytest.raises(CoreError) as refused:
                await load_peer_template(requestor, reference, missing)
            assert refused.value.code == "error.transport.noPasswordProvided"
        with pytest.raises(BackboneRequestError) as wrong:
            await load_peer_template(requestor, reference, "wrong")
        assert wrong.value.code == "error.platform.recordNotFound"
        loaded = await load_peer_template(requestor, reference, password)
        kept = loaded.password_protection
        assert kept is not None
        assert (kept.password, kept.password_type) == (password, "pin4" if is_pin else "pw")
        assert template_dto(loaded, requestor.base_url).reference.truncated == reference


async def test_a_personalised_template_is_for_nobody_else() -> None:
    async with a_world() as world, world.account() as templator, world.account() as one, world.account() as other:
        offered = await offer(templator, for_identity=one.address)
        if other.address[-4:] != one.address[-4:]:
            world.wire_of(other).listen()
            with pytest.raises(CoreError) as refused:
                await load_peer_template(other, offered.reference.truncated)
            assert refused.value.code == "error.transport.general.notIntendedForYou"
            assert world.wire_of(other).paths == []
        assert (await load_peer_template(one, offered.reference.truncated)).for_identity == one.address


async def test_a_token_hands_on_a_template_with_all_its_protection() -> None:
    async with a_world() as world, world.account() as templator, world.account() as one, world.account() as other:
        protection = PasswordProtectionParameters(password="1234", is_pin=True)
        offered = await offer(templator, for_identity=one.address, password_protection=protection)
        token = await create_token_for_template(
            templator, offered.id, for_identity=one.address, password_protection=protection
        )
        assert token.expires_at == FAR_FUTURE
        reference = _token_reference(templator, token)
        with pytest.raises(ConnectorError):
            await load_peer_template(other, reference, "1234")
        with pytest.raises(CoreError):
            await load_peer_template(one, reference)
        assert (await load_peer_template(one, reference, "1234")).content == ARBITRARY_TEMPLATE


async def test_a_token_that_names_somebody_else_with_the_same_last_digits_is_refused() -> None:
    async with two_accounts() as (world, templator, requestor):
        offered = await offer(templator)
        content = {
            "@type": "TokenContentRelationshipTemplate",
            "forIdentity": "did:e:localhost:dids:000000000000000000" + requestor.address[-4:],
            "secretKey": get_template(templator, offered.id).secret_key,
            "templateId": offered.id,
        }
        token = await create_own_token(templator, content=content, expires_at=FAR_FUTURE, ephemeral=True)
        with pytest.raises(CoreError) as refused:
            await load_peer_template(requestor, _token_reference(templator, token))
        assert refused.value.code == "error.transport.general.notIntendedForYou"
        assert not any("Templates" in path for path in world.wire_of(requestor).paths)


@pytest.mark.parametrize(
    ("protected", "personalised", "given", "code"),
    [
        (True, False, {}, "passwordProtectionMustBeInherited"),
        (True, False, {"password": "12345", "is_pin": True}, "passwordProtectionMustBeInherited"),
        (False, True, {}, "personalizationMustBeInherited"),
    ],
)
async def test_a_token_must_not_open_more_than_its_template(
    protected: bool, personalised: bool, given: dict[str, Any], code: str
) -> None:
    async with two_accounts() as (_, templator, requestor):
        offered = await offer(
            templator,
            for_identity=requestor.address if personalised else None,
            password_protection=PasswordProtectionParameters(password="1234", is_pin=True) if protected else None,
        )
        protection = PasswordProtectionParameters(**given) if given else None
        with pytest.raises(ConnectorError) as refused:
            await create_token_for_template(templator, offered.id, password_protection=protection)
        assert refused.value.code == f"error.runtime.relationshipTemplates.{code}"


async def test_nobody_makes_a_token_for_a_peers_template() -> None:
    async with two_accounts() as (_, templator, requestor):
        loaded = await load_peer_template(requestor, (await offer(templator)).reference.truncated)
        with pytest.raises(ConnectorError) as refused:
            await create_token_for_template(requestor, loaded.id)
        assert refused.value.code == "error.runtime.relationshipTemplates.cannotCreateTokenForPeerTemplate"


async def test_an_expired_template_creates_no_relationship() -> None:
    async with two_accounts() as (world, templator, requestor):
        offered = await offer(templator, expires_at=world.in_seconds(60))
        loaded = await load_peer_template(requestor, offered.reference.truncated)
        world.time_passes(61)
        with pytest.raises(CoreError) as refused:
            await create_relationship(requestor, loaded.id, ARBITRARY_CREATION)
        assert refused.value.code == "error.transport.relationships.relationshipTemplateIsExpired"


async def test_an_expired_template_cannot_be_loaded() -> None:
    async with two_accounts() as (world, templator, requestor):
        offered = await offer(templator, expires_at=world.in_seconds(60))
        world.time_passes(61)
        with pytest.raises(BackboneRequestError) as refused:
            await load_peer_template(requestor, offered.reference.truncated)
        assert refused.value.code == "error.platform.recordNotFound"


async def test_the_owner_hears_that_all_allocations_are_used() -> None:
    async with a_world() as world, world.account() as templator, world.account() as one, world.account() as other:
        offered = await offer(templator, max_number_of_allocations=1)
        await load_peer_template(one, offered.reference.truncated)
        with pytest.raises(BackboneRequestError) as refused:
            await load_peer_template(other, offered.reference.truncated)
        assert refused.value.code.endswith("AllocationsExhausted")
        told = await told_from_now_on(templator)
        await synchronized(templator)
        (event,) = await told.data()
        assert event["id"] == offered.id
        await world.add_event(
            templator, "RelationshipTemplateAllocationsExhausted", {"relationshipTemplateId": "RLT" + 17 * "x"}
        )
        await synchronized(templator)
        assert await told.names() == []
        assert await world.reported(templator) == []


async def test_a_deleted_template_is_gone_for_everybody() -> None:
    async with two_accounts() as (_, templator, requestor):
        offered = await offer(templator)
        await delete_template(templator, offered.id)
        with pytest.raises(ConnectorError) as unknown:
            get_template(templator, offered.id)
        assert unknown.value.code == "error.runtime.recordNotFound"
        with pytest.raises(BackboneRequestError) as refused:
            await load_peer_template(requestor, offered.reference.truncated)
        assert refused.value.code == "error.platform.recordNotFound"


async def test_a_peers_template_is_deleted_here_alone() -> None:
    async with two_accounts() as (_, templator, requestor):
        reference = (await offer(templator)).reference.truncated
        loaded = await load_peer_template(requestor, reference)
        await delete_template(requestor, loaded.id)
        assert (await load_peer_template(requestor, reference)).id == loaded.id


async def test_a_template_that_the_backbone_has_no_more_can_still_be_deleted() -> None:
    async with two_accounts() as (world, templator, _):
        offered = await offer(templator)
        await world.change("DELETE FROM templates WHERE id = ?", offered.id)
        await delete_template(templator, offered.id)
        with pytest.raises(ConnectorError):
            get_template(templator, offered.id)


async def test_other_references_are_refused() -> None:
    async with two_partners() as (_, templator, requestor):
        token = await create_own_token(templator, content={"any": "thing"}, expires_at=FAR_FUTURE, ephemeral=True)
        with pytest.raises(ConnectorError) as other_token:
            await load_peer_template(requestor, _token_reference(templator, token))
        assert other_token.value.code == "error.runtime.invalidTokenContent"
        file_reference = RelationshipTemplateReference.of_text((await offer(templator)).reference.truncated)
        with pytest.raises(ConnectorError) as other_kind:
            await load_peer_template(requestor, _with_id(file_reference, "FIL" + 17 * "x"))
        assert other_kind.value.code == "error.runtime.invalidReference"


async def test_a_template_under_a_wrong_key_is_refused() -> None:
    async with two_accounts() as (_, templator, requestor):
        first, second = await offer(templator), await offer(templator)
        mixed = _with_id(RelationshipTemplateReference.of_text(first.reference.truncated), second.id)
        with pytest.raises(CoreError) as refused:
            await load_peer_template(requestor, mixed)
        assert refused.value.code == "error.crypto.encryption.decrypt"
        with pytest.raises(ConnectorError):
            get_template(requestor, second.id)


async def test_another_template_than_the_one_asked_for_is_refused() -> None:
    async with two_accounts() as (world, templator, requestor):
        offered, other = await offer(templator), await offer(templator)
        await world.change("UPDATE templates SET id = ? WHERE id = ?", "RLT" + 17 * "y", offered.id)
        await world.change("UPDATE templates SET id = ? WHERE id = ?", offered.id, other.id)
        with pytest.raises((CoreError, UnexpectedCondition)):
            await load_peer_template(requestor, offered.reference.truncated)


@pytest.mark.parametrize("content", [{"@type": "Mail", "to": [], "subject": "s", "body": "b"}, {"a": 1}])
async def test_only_template_contents_make_templates(content: dict[str, Any]) -> None:
    async with a_world() as world, world.account() as templator:
        with pytest.raises(ConnectorError):
            await offer(templator, content=content)


async def test_dates_are_kept_in_their_one_form() -> None:
    async with two_accounts() as (_, templator, _requestor):
        template = await create_own_template(templator, content=ARBITRARY_TEMPLATE, expires_at="2099-01-01T02:00+02:00")
        assert template.expires_at == FAR_FUTURE
        token = await create_own_token(
            templator, content={"any": "thing"}, expires_at="2099-01-01T00:00:00.0001234Z", ephemeral=True
        )
        assert token.expires_at == FAR_FUTURE


def _token_reference(services: Services, token: Any) -> str:
    prepare = services.collections.tokens.prepare
    assert prepare is not None
    dto: Any = prepare(token)
    return str(dto.reference.truncated)


def _with_id(reference: RelationshipTemplateReference, id_: str) -> str:
    from trio_connector.crypto.references import Reference

    return Reference(id=id_, key=reference.key, backbone_base_url=reference.backbone_base_url).truncated()
