"""Who sees which part of a message (Backbone spec section 10)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from trio_connector.embedded.domain.moments import Moment

MESSAGE_RECEIVED = "MessageReceived"


@dataclass(frozen=True)
class Recipient:
    """One recipient of a message."""

    address: str
    relationship_id: str
    encrypted_key: bytes
    received_at: Moment | None = None
    received_by_device: str | None = None
    decomposed_by_sender: bool = False
    decomposed_by_recipient: bool = False


@dataclass(frozen=True)
class Message:
    """A message with all its recipients."""

    id: str
    created_at: Moment
    created_by: str
    created_by_device: str
    body: bytes
    attachments: tuple[str, ...]
    recipients: tuple[Recipient, ...]


def recipients_for(message: Message, me: str, anonymized: str) -> list[Recipient] | None:
    """The recipients ``me`` sees, ``None`` when ``me`` sees nothing of this message.

    The sender sees all, decomposed ones under an ``anonymized`` address; a recipient sees itself.
    """
    if message.created_by == me and any(not recipient.decomposed_by_sender for recipient in message.recipients):
        return [
            replace(recipient, address=anonymized) if recipient.decomposed_by_sender else recipient
            for recipient in message.recipients
        ]
    mine = [
        recipient
        for recipient in message.recipients
        if recipient.address == me and not recipient.decomposed_by_recipient
    ]
    return mine or None


def received(recipients: list[Recipient], at: Moment, device_id: str) -> list[Recipient]:
    """The same, now that they have the message."""
    return [replace(recipient, received_at=at, received_by_device=device_id) for recipient in recipients]
