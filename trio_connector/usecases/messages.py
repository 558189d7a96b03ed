"""Messages: send, receive, read (transport spec section 13, runtime spec 5.5).

A message is on its way once the Backbone has it, which is before it can be recorded. So its record is kept as *pending*
beforehand: should the process die in between, ``recover_pending_messages`` asks the Backbone which of them it has.
Opening what peers sent stands in ``received_messages``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec
import structlog

from trio_connector.crypto.ciphers import SecretKey
from trio_connector.crypto.dates import iso, normalized, parse_date
from trio_connector.crypto.hashes import content_hash
from trio_connector.crypto.ids import new_id
from trio_connector.crypto.messages import Recipient, SealedMessage, seal_message
from trio_connector.crypto.references import FileReference
from trio_connector.domain.file import File
from trio_connector.domain.message import (
    MESSAGE_CONTENT_TYPES,
    MESSAGES,
    Message,
    MessageDTO,
    MessageRecipient,
    check_recipients,
    message_dto,
)
from trio_connector.domain.message_rules import (
    check_mail_recipients,
    check_reachable,
    check_single_recipient,
    file_not_found_in_message,
    wrong_content,
)
from trio_connector.domain.relationship import Relationship
from trio_connector.errors import BackboneRequestError, UnexpectedCondition, runtime_record_not_found
from trio_connector.events.model import NewEvent
from trio_connector.store import Unit
from trio_connector.usecases.contents import kept, sent
from trio_connector.usecases.files import download_file, get_file
from trio_connector.usecases.large_work import by_size
from trio_connector.usecases.reachability import is_away, was_refused
from trio_connector.usecases.relationships import newest_relationship_to
from trio_connector.usecases.requests import check_request_can_be_sent
from trio_connector.usecases.secrets import load_channel_secrets
from trio_connector.usecases.services import Services

MESSAGE_SENT = "transport.messageSent"
MESSAGE_RECEIVED = "transport.messageReceived"
MESSAGE_WAS_READ_AT_CHANGED = "transport.messageWasReadAtChanged"

PENDING_MESSAGES = "PendingMessages"
"""Map from a local id to a message that may or may not be at the Backbone: its record and the hash of its body."""

FORGOTTEN_AFTER = timedelta(minutes=10)
"""A request that seemed lost can still reach the Backbone for a while; until then its message is looked for."""

_CLOCKS_DIFFER_BY = timedelta(hours=1)
"""How far back from its own date a message is looked for among those at the Backbone."""

log = structlog.get_logger("Transport.MessagesController")


# --- sending -------------------------------------------------------------------------------------------------------


async def send_message(
    services: Services, *, recipients: Sequence[str], content: Any, attachments: Sequence[str] = ()
) -> Message:
    """Send a message, with all checks of runtime 5.5.

    When its answer is lost, the message may be at the Backbone: the next synchronisation finds out and records it.
    """
    sent_content = kept(content)
    content_type = sent_content.get("@type", "")
    if content_type not in MESSAGE_CONTENT_TYPES:
        raise wrong_content()
    if content_type == "Request":
        check_single_recipient(recipients)
    relationships = {address: newest_relationship_to(services, address) for address in recipients}
    check_reachable(relationships, content_type)
    if content_type == "Mail":
        check_mail_recipients(sent_content["to"], sent_content.get("cc", []), recipients)
    if content_type == "Request":
        check_request_can_be_sent(services, sent_content, recipients[0])
    files = [get_file(services, file_id) for file_id in attachments]
    return await send_checked_message(services, relationships, sent_content, files)


async def send_checked_message(
    services: Services,
    relationships: Mapping[str, Relationship | None],
    content: dict[str, Any],
    files: Sequence[File] = (),
) -> Message:
    """Send ``content`` to the peers of ``relationships``, with the checks of the transport layer only (13.2)."""
    check_recipients(relationships)
    known = {address: relationship for address, relationship in relationships.items() if relationship is not None}
    keys = [
        Recipient(
            address,
            load_channel_secrets(services.store, services.account, relationship.relationship_secret_id),
            await services.counters.take(relationship.relationship_secret_id),
        )
        for address, relationship in known.items()
    ]
    now = services.now()
    references = [
        FileReference(id=file.id, key=SecretKey.from_json(file.secret_key), backbone_base_url=services.base_url)
        for file in files
    ]
    seal = partial(seal_message, sent(content), references, now, keys, services.entropy)
    sealed: SealedMessage = await by_size(seal, _size_of(content))
    pending_id = new_id("PENDMS", services.entropy)
    message = Message(
        id=pending_id,
        secret_key=sealed.key.to_json(False),
        is_own=True,
        created_by=services.address,
        created_by_device=services.account.device_id,
        created_at=now,
        recipients=[
            MessageRecipient(
                address=address, encrypted_key=encrypted_key.to_json(False), relationship_id=known[address].id
            )
            for address, encrypted_key in zip(known, sealed.encrypted_keys, strict=True)
        ],
        attachments=[file.id for file in files],
        content=content,
    )
    pending = {"bodyHash": content_hash(sealed.body.encode()), "message": message}
    await services.store.transact(lambda unit: unit.put_value(PENDING_MESSAGES, pending_id, pending))
    services.messages_on_their_way.add(pending_id)
    try:
        answer = await services.backbone.messages.send(
            body=sealed.body,
            recipients=[
                (recipient.address, encrypted_key.to_base64())
                for recipient, encrypted_key in zip(keys, sealed.encrypted_keys, strict=True)
            ],
            attachments=[file.id for file in files],
        )
        return await _record_sent(services, pending_id, message, answer.id, answer.created_at)
    except BackboneRequestError as error:
        if was_refused(error):
            await services.store.transact(lambda unit: unit.delete_value(PENDING_MESSAGES, pending_id))
        raise
    finally:
        services.messages_on_their_way.discard(pending_id)


def _size_of(content: dict[str, Any]) -> int:
    return len(msgspec.json.encode(content))


async def _record_sent(
    services: Services, pending_id: str, message: Message, message_id: str, created_at: str
) -> Message:
    sent = msgspec.structs.replace(message, id=message_id, created_at=normalized(created_at))

    def record(unit: Unit) -> None:
        unit.delete_value(PENDING_MESSAGES, pending_id)
        if unit.get(MESSAGES, message_id) is None:
            unit.insert(MESSAGES, sent)
            unit.append(message_event(MESSAGE_SENT, sent))

    await services.store.transact(record)
    return sent


async def recover_pending_messages(services: Services) -> None:
    """Record the messages that the Backbone has and this process did not live to record; forget those it has not.

    Raises BackboneRequestError while the Backbone is away; the pending messages are then kept. Messages that are being
    sent at this moment are left alone.
    """
    by_hash = {
        entry["bodyHash"]: (local_id, msgspec.convert(entry["message"], Message))
        for local_id, entry in services.store.values(PENDING_MESSAGES).items()
        if local_id not in services.messages_on_their_way
    }
    if not by_hash:
        return
    try:
        await _find_pending(services, by_hash)
    except BackboneRequestError as error:
        if is_away(error):
            raise
        # What is wrong with some message of ours must not stop everything that peers sent.
        log.warning("Messages whose sending was interrupted could not be looked for", code=error.code)
    too_old = iso(services.clock() - FORGOTTEN_AFTER)
    left = [local_id for local_id, message in by_hash.values() if message.created_at < too_old]

    def forget(unit: Unit) -> None:
        for local_id in left:
            unit.delete_value(PENDING_MESSAGES, local_id)

    if left:
        await services.store.transact(forget)


async def _find_pending(services: Services, by_hash: dict[str, tuple[str, Message]]) -> None:
    """Look through the newest messages at the Backbone; those that are found leave ``by_hash``."""
    oldest = min(parse_date(message.created_at) for _, message in by_hash.values()) - _CLOCKS_DIFFER_BY
    async with aclosing(services.backbone.messages.newest_first()) as answers:
        async for answer in answers:
            if answer.created_by == services.address:
                found = by_hash.pop(content_hash(answer.body.encode()), None)
                if found is not None:
                    local_id, message = found
                    await _record_sent(services, local_id, message, answer.id, answer.created_at)
                    log.info("Recorded a message whose sending was interrupted", message=answer.id)
            if not by_hash or parse_date(answer.created_at) < oldest:
                return


# --- reading -------------------------------------------------------------------------------------------------------


def get_message(services: Services, message_id: str) -> Message:
    """The stored message; raises ``error.runtime.recordNotFound``."""
    message = services.store.get(MESSAGES, message_id)
    if message is None:
        raise runtime_record_not_found("Message")
    return message


def get_message_with_attachments(services: Services, message_id: str) -> bytes:
    """The DTO of one message as JSON, its attachments as whole files (runtime 5.5)."""
    message = get_message(services, message_id)
    if not message.attachments:
        prepared = services.store.prepared(MESSAGES, message_id)
        if prepared is not None:
            return prepared
    dto: MessageDTO = message_dto(message)
    files = [_prepared_file(services, file_id) for file_id in message.attachments]
    return msgspec.json.encode(msgspec.structs.replace(dto, attachments=files))


def _prepared_file(services: Services, file_id: str) -> msgspec.Raw:
    prepared = services.store.prepared(services.collections.files, file_id)
    if prepared is None:
        raise UnexpectedCondition("An error occurred while fetching attachments. A file could not be fetched.")
    return msgspec.Raw(prepared)


def get_attachment(services: Services, message_id: str, attachment_id: str) -> File:
    """One attached file of a message."""
    if attachment_id not in get_message(services, message_id).attachments:
        raise file_not_found_in_message(attachment_id)
    return get_file(services, attachment_id)


async def download_attachment(services: Services, message_id: str, attachment_id: str) -> tuple[File, bytes]:
    """One attached file of a message, with its decrypted content."""
    get_attachment(services, message_id, attachment_id)
    return await download_file(services, attachment_id)


async def mark_message_as_read(services: Services, message_id: str) -> Message:
    """Note that the message was read; one that is marked already is left as it is (transport 13.6)."""
    return await _mark(services, message_id, read=True)


async def mark_message_as_unread(services: Services, message_id: str) -> Message:
    """Take the mark away again."""
    return await _mark(services, message_id, read=False)


async def _mark(services: Services, message_id: str, *, read: bool) -> Message:
    def mark(unit: Unit) -> Message:
        message = unit.get(MESSAGES, message_id)
        if message is None:
            raise runtime_record_not_found("Message")
        if (message.was_read_at is not None) == read:
            return message
        changed = msgspec.structs.replace(message, was_read_at=unit.now if read else None)
        unit.put(MESSAGES, changed)
        unit.append(message_event(MESSAGE_WAS_READ_AT_CHANGED, changed))
        return changed

    return await services.store.transact(mark)


def message_event(namespace: str, message: Message) -> NewEvent:
    """An event that carries ``message``; its entity is the peer, or the first of them."""
    peer = message.recipients[0].address if message.is_own and message.recipients else message.created_by
    return NewEvent(namespace=namespace, data=message_dto(message), entity=peer)
