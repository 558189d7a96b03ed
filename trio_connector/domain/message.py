"""Messages: record, who may be written to, pseudonyms after decomposition, and the DTO (transport 13, runtime 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from trio_connector.domain.collection import Collection, Record
from trio_connector.domain.identity import Json
from trio_connector.domain.relationship import Relationship, wrapped
from trio_connector.errors import CoreError


class MessageRecipient(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One addressee; ``encrypted_key`` is the message key, encrypted for the relationship channel."""

    address: str
    encrypted_key: Json
    received_at: str | None = None
    received_by_device: str | None = None
    relationship_id: str | None = None


class Message(Record, frozen=True, kw_only=True):
    """A sent or received message (transport spec section 13). ``secret_key`` decrypts its body."""

    secret_key: Json
    is_own: bool
    created_by: str
    created_by_device: str
    created_at: str
    recipients: list[MessageRecipient]
    attachments: list[str]
    content: Any
    was_read_at: str | None = None
    metadata: Any = None
    metadata_modified_at: str | None = None


def check_recipients(relationships: Mapping[str, Relationship | None]) -> None:
    """Refuse to send to anybody who cannot receive (transport 13.2).

    ``relationships`` maps each recipient to the newest relationship to it. Raises CoreError.
    """
    unreachable = [
        address
        for address, relationship in relationships.items()
        if relationship is None or relationship.status not in ("Active", "Terminated")
    ]
    if unreachable:
        raise has_neither_active_nor_terminated_relationship(unreachable)
    deleted = [
        address
        for address, relationship in relationships.items()
        if relationship is not None
        and relationship.peer_deletion_info is not None
        and relationship.peer_deletion_info.deletion_status == "Deleted"
    ]
    if deleted:
        raise peer_is_deleted(deleted)


def has_neither_active_nor_terminated_relationship(addresses: Sequence[str]) -> CoreError:
    """Nobody without a relationship can be written to."""
    return CoreError(
        "error.transport.messages.hasNeitherActiveNorTerminatedRelationship",
        "The Message cannot be sent as there is neither an active nor a terminated Relationship to the recipient(s) "
        f"with the following address(es): {quoted(addresses)}.",
    )


def peer_is_deleted(addresses: Sequence[str]) -> CoreError:
    """A deleted identity receives nothing; the official text has no full stop."""
    return CoreError(
        "error.transport.messages.peerIsDeleted",
        "The Message cannot be sent due to the deletion of the recipient(s) with the following address(es): "
        f"{quoted(addresses)}",
    )


def quoted(values: Sequence[str]) -> str:
    """``'a', 'b'``: how the ecosystem lists values in texts."""
    return ", ".join(f"'{value}'" for value in values)


def anonymized_after_decomposition(
    message: Message, relationship_id: str, pseudonym: str, other_pseudonyms: frozenset[str] = frozenset()
) -> Message | None:
    """What remains of ``message`` without the relationship; None when it is to be deleted (transport 13.5)."""
    if not message.is_own or len(message.recipients) == 1:
        return None
    recipients = [
        msgspec.structs.replace(recipient, address=pseudonym, relationship_id=None)
        if recipient.relationship_id == relationship_id
        else recipient
        for recipient in message.recipients
    ]
    pseudonyms = other_pseudonyms | {pseudonym}
    if all(recipient.address in pseudonyms for recipient in recipients):
        return None
    return msgspec.structs.replace(message, recipients=recipients)


MESSAGE_CONTENT_TYPES = frozenset({"Mail", "Request", "ResponseWrapper", "Notification", "ArbitraryMessageContent"})


class RecipientDTO(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An addressee as the API shows it."""

    address: str
    received_at: str | None = None
    received_by_device: str | None = None
    relationship_id: str | None = None


class MessageDTO(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A message as the API and events show it; GET of one message shows whole files as ``attachments``."""

    id: str
    is_own: bool
    content: Any
    created_by: str
    created_by_device: str
    recipients: list[RecipientDTO]
    created_at: str
    attachments: list[Any]
    was_read_at: str | None = None


def message_dto(message: Message) -> MessageDTO:
    """What API users see; unknown content is wrapped into ArbitraryMessageContent (runtime spec section 3)."""
    return MessageDTO(
        id=message.id,
        is_own=message.is_own,
        content=wrapped(message.content, MESSAGE_CONTENT_TYPES, "ArbitraryMessageContent"),
        created_by=message.created_by,
        created_by_device=message.created_by_device,
        recipients=[
            RecipientDTO(
                address=recipient.address,
                received_at=recipient.received_at,
                received_by_device=recipient.received_by_device,
                relationship_id=recipient.relationship_id,
            )
            for recipient in message.recipients
        ],
        created_at=message.created_at,
        attachments=list(message.attachments),
        was_read_at=message.was_read_at,
    )


def carried_id(message: Message) -> str | None:
    """The id of the request that the message answers, or of the request or notification in it."""
    content = message.content
    if not isinstance(content, dict):
        return None
    match content.get("@type"):
        case "ResponseWrapper":
            found = content.get("requestId")
        case "Request" | "Notification":
            found = content.get("id")
        case _:
            return None
    return found if isinstance(found, str) else None


MESSAGES: Collection[Message] = Collection(
    name="Messages",
    record=Message,
    kind="Message",
    keys={"carried_id": carried_id},
    indexed=("createdBy", "createdAt", "content.@type"),
    prepare=message_dto,
)
