"""Messages: sent to one and to several, with files, received, read (transport 13, runtime 5.5)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.accounts import connected, synchronized
from tests.usecases.test_files import upload
from tests.usecases.world import World, a_world, told_from_now_on, two_accounts, two_partners
from trio_connector.crypto.ciphers import Cipher, SecretKey, decrypt_text
from trio_connector.domain.message import MESSAGES
from trio_connector.domain.relationship import RELATIONSHIPS
from trio_connector.errors import BackboneRequestError, ConnectorError, DeserializationError, ValidationFailed
from trio_connector.usecases.files import get_file
from trio_connector.usecases.messages import (
    PENDING_MESSAGES,
    download_attachment,
    get_attachment,
    get_message,
    get_message_with_attachments,
    mark_message_as_read,
    mark_message_as_unread,
    send_message,
)
from trio_connector.usecases.relationships import terminate_relationship
from trio_connector.usecases.services import Services

CONTENT = {"@type": "ArbitraryMessageContent", "value": {"text": "Hello"}}


def mail(*to: Services, cc: tuple[Services, ...] = (), **members: Any) -> dict[str, Any]:
    """A mail as an API user writes it."""
    addresses = [services.address for services in to]
    return {
        "@type": "Mail",
        "to": addresses,
        "cc": [services.address for services in cc],
        "subject": "Hello",
        "body": "Text",
        **members,
    }


@asynccontextmanager
async def one_with_two_partners() -> AsyncIterator[tuple[World, Services, Services, Services]]:
    async with a_world() as world, world.account() as one, world.account() as second, world.account() as third:
        await connected(one, second)
        await connected(one, third)
        yield world, one, second, third


async def test_a_message_reaches_several_peers_with_its_files() -> None:
    async with one_with_two_partners() as (_, one, second, third):
        files = [await upload(one, content) for content in (b"first", b"second")]
        mine, theirs = await told_from_now_on(one), await told_from_now_on(second)
        message = await send_message(
            one,
            recipients=[second.address, third.address],
            content=mail(second, cc=(third,)),
            attachments=[file.id for file in files],
        )
        assert await mine.names() == ["messageSent"]
        assert get_message(one, message.id) == message
        assert [recipient.address for recipient in message.recipients] == [second.address, third.address]
        assert one.store.values(PENDING_MESSAGES) == {}
        for peer in (second, third):
            assert await synchronized(peer) == [message.id]
            received = get_message(peer, message.id)
            assert (received.is_own, received.created_by, received.content) == (False, one.address, message.content)
            assert received.created_at == message.created_at
            assert [recipient.address for recipient in received.recipients] == [peer.address]
            (relationship,) = peer.store.select(RELATIONSHIPS)
            assert received.recipients[0].relationship_id == relationship.id
            assert received.attachments == [file.id for file in files]
            assert (await download_attachment(peer, message.id, files[1].id))[1] == b"second"
            assert get_attachment(peer, message.id, files[0].id).owner == one.address
            shown = json.loads(get_message_with_attachments(peer, message.id))
            assert [file["filename"] for file in shown["attachments"]] == ["hello.txt", "hello.txt"]
        assert await theirs.names() == ["messageReceived"]


async def test_replies_come_back() -> None:
    async with two_partners() as (_, one, other):
        for sender, receiver in ((one, other), (other, one)):
            message = await send_message(sender, recipients=[receiver.address], content=CONTENT)
            assert await synchronized(receiver) == [message.id]
            assert get_message(receiver, message.id).content == CONTENT


async def test_a_message_without_files_is_shown_as_it_is_stored() -> None:
    async with two_partners() as (_, one, other):
        message = await send_message(one, recipients=[other.address], content=CONTENT)
        shown = json.loads(get_message_with_attachments(one, message.id))
        assert (shown["id"], shown["attachments"], shown["content"]) == (message.id, [], CONTENT)
        assert "secretKey" not in shown


async def test_what_peers_of_old_versions_read_is_on_the_wire_and_not_in_the_store() -> None:
    async with two_partners() as (world, one, other):
        item = {
            "@type": "ReadAttributeAcceptResponseItem",
            "attribute": {
                "@type": "IdentityAttribute",
                "owner": one.address,
                "value": {"@type": "GivenName", "value": "Ada"},
            },
            "attributeId": "ATT" + 17 * "x",
            "initialAttributePeer": other.address,
            "result": "Accepted",
        }
        content = {
            "@type": "ResponseWrapper",
            "requestId": "REQ" + 17 * "x",
            "requestSourceReference": "MSG" + 17 * "x",
            "requestSourceType": "Message",
            "response": {"result": "Accepted", "requestId": "REQ" + 17 * "x", "items": [item]},
        }
        message = await send_message(one, recipients=[other.address], content=content)
        ((body,),) = await world.rows("SELECT body FROM messages")
        signed = json.loads(decrypt_text(Cipher.parse(body), SecretKey.from_json(message.secret_key)))
        (sent,) = json.loads(signed["message"])["content"]["response"]["items"]
        assert sent["initialAttributePeer"] == sent["thirdPartyAddress"] == other.address
        assert "thirdPartyAddress" not in json.dumps(message.content)
        await synchronized(other)
        assert get_message(other, message.id).content == message.content


async def test_reading_is_noted_once() -> None:
    async with two_partners() as (_, one, other):
        message = await send_message(one, recipients=[other.address], content=CONTENT)
        await synchronized(other)
        told = await told_from_now_on(other)
        read = await mark_message_as_read(other, message.id)
        assert read.was_read_at is not None
        assert await mark_message_as_read(other, message.id) == read
        assert await told.names() == ["messageWasReadAtChanged"]
        assert (await mark_message_as_unread(other, message.id)).was_read_at is None
        await mark_message_as_unread(other, message.id)
        assert await told.names() == ["messageWasReadAtChanged"]
        with pytest.raises(ConnectorError) as unknown:
            await mark_message_as_read(other, "MSG" + 17 * "x")
        assert unknown.value.code == "error.runtime.recordNotFound"


async def test_only_what_travels_in_messages_is_sent() -> None:
    async with two_partners() as (world, one, other):
        for content in ({"no": "type"}, {"@type": "Request", "items": []}, {"@type": "NoSuchType"}, None):
            with pytest.raises(ConnectorError):
                await send_message(one, recipients=[other.address], content=content)
        with pytest.raises(DeserializationError):
            await send_message(one, recipients=[other.address], content={"@type": "CoreAddress", "address": "x"})
        assert await world.rows("SELECT id FROM messages") == []
        assert one.store.values(PENDING_MESSAGES) == {}


async def test_content_beyond_measure_is_refused_before_it_is_kept() -> None:
    async with two_partners() as (_, one, other):
        value: Any = "x"
        for _ in range(5000):
            value = [value]
        with pytest.raises(ConnectorError) as refused:
            await send_message(
                one, recipients=[other.address], content={"@type": "ArbitraryMessageContent", "value": value}
            )
        assert refused.value.message == "The content is nested too deeply."


async def test_a_mail_names_exactly_its_recipients() -> None:
    async with one_with_two_partners() as (_, one, second, third):
        wrong = [
            (mail(second), [second, third]),
            (mail(second, third), [second]),
            (mail(second, cc=(second,)), [second]),
            (mail(second, second), [second]),
        ]
        for content, recipients in wrong:
            with pytest.raises(ValidationFailed):
                await send_message(one, recipients=[peer.address for peer in recipients], content=content)


async def test_strangers_are_not_written_to() -> None:
    async with two_accounts() as (_, one, other):
        with pytest.raises(ConnectorError) as refused:
            await send_message(one, recipients=[other.address], content=CONTENT)
        assert refused.value.code == "error.runtime.messages.hasNoActiveRelationship"


async def test_after_the_end_only_notifications_are_sent_and_wait() -> None:
    async with two_partners() as (_, one, other):
        (relationship,) = one.store.select(RELATIONSHIPS)
        await terminate_relationship(one, relationship.id)
        with pytest.raises(ConnectorError) as refused:
            await send_message(one, recipients=[other.address], content=CONTENT)
        assert refused.value.code == "error.runtime.messages.hasNoActiveRelationship"
        notification = {"@type": "Notification", "id": "NOT" + 17 * "x", "items": []}
        item = {"@type": "OwnAttributeDeletedByOwnerNotificationItem", "attributeId": "ATT" + 17 * "x"}
        sent = await send_message(one, recipients=[other.address], content={**notification, "items": [item]})
        await synchronized(other)
        assert other.store.get(MESSAGES, sent.id) is None


async def test_files_that_are_not_known_are_not_attached() -> None:
    async with two_partners() as (_, one, other):
        with pytest.raises(ConnectorError) as refused:
            await send_message(one, recipients=[other.address], content=CONTENT, attachments=["FIL" + 17 * "x"])
        assert refused.value.code == "error.runtime.recordNotFound"
        message = await send_message(one, recipients=[other.address], content=CONTENT)
        with pytest.raises(ConnectorError) as other_file:
            get_attachment(one, message.id, "FIL" + 17 * "x")
        assert other_file.value.code == "error.runtime.messages.fileNotFoundInMessage"


async def test_what_the_backbone_refuses_is_not_kept() -> None:
    async with two_partners(max_unreceived_messages=1) as (_, one, other):
        await send_message(one, recipients=[other.address], content=CONTENT)
        with pytest.raises(BackboneRequestError) as refused:
            await send_message(one, recipients=[other.address], content=CONTENT)
        assert refused.value.code == "error.platform.validation.message.maxNumberOfUnreceivedMessagesReached"
        assert one.store.values(PENDING_MESSAGES) == {}
        assert len(await one.store.list(MESSAGES)) == 1


async def test_a_known_file_is_not_fetched_again() -> None:
    async with two_partners() as (world, one, other):
        file = await upload(one)
        for _ in range(2):
            await send_message(one, recipients=[other.address], content=CONTENT, attachments=[file.id])
        await synchronized(other)
        assert get_file(other, file.id).is_own is False
        await send_message(one, recipients=[other.address], content=CONTENT, attachments=[file.id])
        world.wire_of(other).listen()
        await synchronized(other)
        assert not any("/Files/" in path for path in world.wire_of(other).paths)


async def test_a_message_of_several_megabytes_travels() -> None:
    async with two_partners() as (_, one, other):
        content = {"@type": "ArbitraryMessageContent", "value": "äöü" * 400_000}
        message = await send_message(one, recipients=[other.address], content=content)
        await synchronized(other)
        assert get_message(other, message.id).content == content
