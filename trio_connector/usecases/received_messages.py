"""Messages from peers: fetched and stored in batches, each opened on its own (transport spec section 13.3).

Whatever a peer sent - forged, damaged, meant for somebody else, beyond measure - it costs this one message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from trio_connector.backbone import MessageAnswer, MessageRecipientAnswer
from trio_connector.crypto.channel import RelationshipSecrets
from trio_connector.crypto.ciphers import Cipher
from trio_connector.crypto.messages import OpenedMessage, open_message
from trio_connector.crypto.references import FileReference
from trio_connector.domain.file import File
from trio_connector.domain.identity import Json
from trio_connector.domain.message import MESSAGES, Message, MessageRecipient
from trio_connector.domain.relationship import Relationship
from trio_connector.errors import BackboneRequestError, CoreError, RecordNotFound, UnexpectedCondition
from trio_connector.store import Unit
from trio_connector.usecases.contents import kept
from trio_connector.usecases.files import fetch_file
from trio_connector.usecases.large_work import by_size
from trio_connector.usecases.messages import MESSAGE_RECEIVED, message_event
from trio_connector.usecases.relationships import newest_relationship_to
from trio_connector.usecases.secrets import load_channel_secrets
from trio_connector.usecases.services import Services

MAX_ATTACHMENTS = 100
"""More files than the Backbone lets anybody attach; each costs a request."""

log = structlog.get_logger("Transport.MessagesController")


@dataclass(frozen=True)
class ReceivedMessage:
    """A verified message that is not stored yet, with the attached files that were not known."""

    message: Message
    files: tuple[File, ...]
    size_bytes: int


async def fetch_messages(services: Services, ids: Sequence[str]) -> dict[str, MessageAnswer]:
    """What one request brings of ``ids``. Never raises: what is missing is asked for one by one, and fails there."""
    if len(ids) < 2:
        return {}
    try:
        return {answer.id: answer for answer in await services.backbone.messages.list(ids)}
    except BackboneRequestError as error:
        log.debug("Messages could not be fetched together", code=error.code)
        return {}


async def fetch_message(services: Services, message_id: str) -> MessageAnswer:
    """One message; raises BackboneRequestError, and UnexpectedCondition when it is another one."""
    answer = await services.backbone.messages.get(message_id)
    if answer.id != message_id:
        raise UnexpectedCondition(f"The Backbone answered with the Message '{answer.id}' instead of '{message_id}'.")
    return answer


async def open_received(services: Services, answer: MessageAnswer) -> ReceivedMessage:
    """Decrypt and verify a peer's message and load what is attached; nothing is stored.

    Raises RecordNotFound, CoreError ``messages.*``, BackboneRequestError for attachments, and what reading a stranger's
    content raises.
    """
    relationship = newest_relationship_to(services, answer.created_by)
    if relationship is None:
        raise RecordNotFound("Relationship", answer.created_by)
    own = next((entry for entry in answer.recipients if entry.address == services.address), None)
    if own is None:
        raise CoreError(
            "error.transport.messages.ownAddressNotInList",
            f"The recipients list of Message {answer.id} didn't contain an entry for the own address. "
            "This Message should not have been received.",
        )
    secrets = load_channel_secrets(services.store, services.account, relationship.relationship_secret_id)
    opening = partial(_open, answer, own.encrypted_key, secrets, services.address)
    opened, content = await by_size(opening, len(answer.body))
    if opened.lists_differ:
        log.warning("The lists of recipients inside a message differ in length", message=answer.id)
    references = {reference.id: reference for reference in opened.content.attachments}
    files = await _load_attachments(services, list(references.values()))
    message = Message(
        id=answer.id,
        secret_key=opened.key.to_json(False),
        is_own=False,
        created_by=answer.created_by,
        created_by_device=answer.created_by_device,
        created_at=answer.created_at,
        recipients=[_recipient(own, relationship)],
        attachments=list(references),
        content=content,
    )
    return ReceivedMessage(message, files, len(answer.body))


def _open(
    answer: MessageAnswer, encrypted_key: str, secrets: RelationshipSecrets, own_address: str
) -> tuple[OpenedMessage, Json]:
    opened = open_message(answer.body, encrypted_key, secrets, own_address, len(answer.recipients))
    return opened, kept(opened.content.content)


def _recipient(entry: MessageRecipientAnswer, relationship: Relationship) -> MessageRecipient:
    return MessageRecipient(
        address=entry.address,
        encrypted_key=Cipher.from_base64(entry.encrypted_key).to_json(False),
        received_at=entry.received_at,
        received_by_device=entry.received_by_device,
        relationship_id=relationship.id,
    )


async def _load_attachments(services: Services, references: Sequence[FileReference]) -> tuple[File, ...]:
    """The files that are not stored yet; storing them is the caller's."""
    if len(references) > MAX_ATTACHMENTS:
        raise UnexpectedCondition(f"The Message has more than {MAX_ATTACHMENTS} attachments.")
    return tuple(
        [
            await fetch_file(services, reference)
            for reference in references
            if services.store.get(services.collections.files, reference.id) is None
        ]
    )


def store_received(services: Services, unit: Unit, received: Sequence[ReceivedMessage]) -> set[str]:
    """Store what is new, with its files and the events that tell of it; the ids of those messages."""
    stored: set[str] = set()
    for one in received:
        if unit.get(MESSAGES, one.message.id) is not None:
            continue
        for file in one.files:
            if unit.get(services.collections.files, file.id) is None:
                unit.put(services.collections.files, file)
        unit.insert(MESSAGES, one.message)
        unit.append(message_event(MESSAGE_RECEIVED, one.message))
        stored.add(one.message.id)
    return stored
