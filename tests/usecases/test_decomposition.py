"""Decomposing: the relationship and all exchanged with the peer go, on both sides (transport 12.4, 13.5, runtime 9)."""

from __future__ import annotations

import pytest

from tests.accounts import ARBITRARY_TEMPLATE, FAR_FUTURE, connected, synchronized, template_reference
from tests.usecases.test_messages import CONTENT, one_with_two_partners
from tests.usecases.world import told_from_now_on, two_partners
from trio_connector.crypto.addresses import client_pseudonym
from trio_connector.domain.message import MESSAGES
from trio_connector.domain.relationship import RELATIONSHIPS, Relationship
from trio_connector.domain.secret import SECRETS
from trio_connector.errors import ConnectorError, CoreError
from trio_connector.usecases.channel import CHANNEL_COUNTERS
from trio_connector.usecases.decomposition import MESSAGES_PER_UNIT, decompose_relationship
from trio_connector.usecases.messages import send_message
from trio_connector.usecases.relationships import get_relationship, terminate_relationship
from trio_connector.usecases.services import Services
from trio_connector.usecases.templates import create_own_template, get_template, load_peer_template
from trio_connector.usecases.tokens import create_own_token, get_token, load_peer_token

PSEUDONYM = client_pseudonym("localhost")


def relationship_to(services: Services, peer: Services) -> Relationship:
    """The only one to ``peer``."""
    (relationship,) = services.store.select(RELATIONSHIPS, peer=peer.address)
    return relationship


async def ended(one: Services, other: Services) -> str:
    """Terminate the relationship, on both sides; its id."""
    relationship = relationship_to(one, other)
    await terminate_relationship(one, relationship.id)
    await synchronized(other)
    return relationship.id


async def test_only_what_has_ended_is_decomposed() -> None:
    async with two_partners() as (_, one, other):
        with pytest.raises(CoreError) as refused:
            await decompose_relationship(one, relationship_to(one, other).id)
        assert refused.value.code == "error.transport.relationships.wrongRelationshipStatus"
        with pytest.raises(ConnectorError) as unknown:
            await decompose_relationship(one, "REL" + 17 * "x")
        assert unknown.value.code == "error.runtime.recordNotFound"


async def test_both_sides_forget_and_may_meet_again() -> None:
    async with two_partners() as (_, one, other):
        relationship_id = await ended(one, other)
        mine, theirs = await told_from_now_on(one), await told_from_now_on(other)
        secret_id = relationship_to(one, other).relationship_secret_id
        await decompose_relationship(one, relationship_id)
        assert await mine.data() == [{"relationshipId": relationship_id}]
        assert one.store.select(RELATIONSHIPS) == []
        assert one.store.select(SECRETS, name=secret_id, active=1) == []
        assert one.store.value(CHANNEL_COUNTERS, secret_id) is None
        await synchronized(other)
        assert get_relationship(other, relationship_id).status == "DeletionProposed"
        assert get_relationship(other, relationship_id).last_entry.reason == "Decomposition"
        assert await theirs.names() == ["relationshipChanged"]
        await decompose_relationship(other, relationship_id)
        assert await theirs.names() == ["relationshipDecomposedBySelf"]
        await synchronized(one)
        assert await connected(one, other) != relationship_id


async def test_messages_of_the_peer_go_and_the_own_ones_keep_the_others() -> None:
    async with one_with_two_partners() as (_, one, second, third):
        to_second = await send_message(one, recipients=[second.address], content=CONTENT)
        to_both = await send_message(one, recipients=[second.address, third.address], content=CONTENT)
        to_third = await send_message(one, recipients=[third.address], content=CONTENT)
        from_second = await send_message(second, recipients=[one.address], content=CONTENT)
        from_third = await send_message(third, recipients=[one.address], content=CONTENT)
        await synchronized(one)
        await decompose_relationship(one, await ended(one, second))
        left = {message.id: message for message in await one.store.list(MESSAGES)}
        assert set(left) == {to_both.id, to_third.id, from_third.id}
        assert left[to_third.id] == to_third
        anonymous, known = left[to_both.id].recipients
        assert (anonymous.address, anonymous.relationship_id) == (PSEUDONYM, None)
        assert known == to_both.recipients[1]
        await decompose_relationship(one, await ended(one, third))
        assert await one.store.list(MESSAGES) == []
        assert {to_second.id, from_second.id} & set(left) == set()


async def test_a_long_history_goes_in_pieces() -> None:
    async with two_partners(max_unreceived_messages=10_000) as (_, one, other):
        for _ in range(MESSAGES_PER_UNIT + 5):
            await send_message(one, recipients=[other.address], content=CONTENT)
        await decompose_relationship(one, await ended(one, other))
        assert await one.store.list(MESSAGES) == []


async def test_templates_and_tokens_of_the_peer_go() -> None:
    async with two_partners() as (_, templator, requestor):
        used = relationship_to(requestor, templator).template_id
        unused = await create_own_template(templator, content=ARBITRARY_TEMPLATE, expires_at=FAR_FUTURE)
        await load_peer_template(requestor, template_reference(templator, unused.id))
        own = await create_own_template(requestor, content=ARBITRARY_TEMPLATE, expires_at=FAR_FUTURE)
        token = await create_own_token(templator, content={"a": 1}, expires_at=FAR_FUTURE, ephemeral=True)
        from tests.usecases.test_tokens import reference_to

        await load_peer_token(requestor, reference_to(templator, token), ephemeral=False)
        await decompose_relationship(requestor, await ended(requestor, templator))
        for template_id in (used, unused.id):
            with pytest.raises(ConnectorError):
                get_template(requestor, template_id)
        with pytest.raises(ConnectorError):
            get_token(requestor, token.id)
        assert get_template(requestor, own.id) == own
        assert get_template(templator, used).is_own


async def test_what_the_backbone_has_decomposed_already_is_forgotten() -> None:
    async with two_partners() as (_, one, other):
        relationship_id = await ended(one, other)
        await one.backbone.relationships.decompose(relationship_id)
        await decompose_relationship(one, relationship_id)
        assert one.store.select(RELATIONSHIPS) == []


async def test_late_news_of_a_decomposed_relationship_are_ignored() -> None:
    async with two_partners() as (world, one, other):
        relationship_id = await ended(one, other)
        await world.add_event(one, "RelationshipStatusChanged", {"relationshipId": relationship_id})
        await decompose_relationship(one, relationship_id)
        assert await synchronized(one) == []
        assert await world.reported(one) == []
