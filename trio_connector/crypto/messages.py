"""Messages on the wire (crypto spec section 9.5).

One body for all recipients, encrypted under a fresh key; that key once per recipient, encrypted on the channel of the
relationship; one signature per recipient over the same text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trio_connector.crypto.channel import (
    RelationshipSecrets,
    decrypt_from_peer,
    encrypt_to_peer,
    sign_for_peer,
    verify_from_peer,
)
from trio_connector.crypto.ciphers import Cipher, SecretKey, decrypt_text, encrypt_text
from trio_connector.crypto.dates import normalized
from trio_connector.crypto.encoding import from_utf8, to_utf8
from trio_connector.crypto.entropy import Entropy
from trio_connector.crypto.json_text import json_text, parse_json
from trio_connector.crypto.objects import Members
from trio_connector.crypto.references import FileReference
from trio_connector.crypto.signatures import Signature
from trio_connector.crypto.templates import content_object
from trio_connector.errors import CoreError, DeserializationError


@dataclass(frozen=True, slots=True)
class MessageContent:
    """What is inside a message: a JSON object, references to the attached files, when it was written and for whom."""

    content: dict[str, Any]
    attachments: tuple[FileReference, ...]
    created_at: str
    recipients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recipient:
    """To whom a message goes: address, secrets of the relationship, and an unused counter of its channel."""

    address: str
    secrets: RelationshipSecrets
    counter: int


@dataclass(frozen=True, slots=True)
class SealedMessage:
    """A message ready to be sent: ``body``, and per recipient the key (``encrypted_keys`` in the order given).

    ``key`` is what the sender keeps to read its own message.
    """

    body: str
    encrypted_keys: tuple[Cipher, ...]
    key: SecretKey


@dataclass(frozen=True, slots=True)
class OpenedMessage:
    """A verified message. ``lists_differ`` tells that signatures, recipients and envelope name different numbers."""

    content: MessageContent
    key: SecretKey
    lists_differ: bool


def seal_message(
    content: dict[str, Any],
    attachments: Sequence[FileReference],
    created_at: str,
    recipients: Sequence[Recipient],
    entropy: Entropy,
) -> SealedMessage:
    """Encrypt and sign; the order of ``recipients`` is the order of all lists."""
    key = SecretKey.generate(entropy)
    key_text = to_utf8(key.serialize(False))
    text = json_text(
        {
            "@type": "MessageContentWrapper",
            "attachments": [attachment.to_json(False) for attachment in attachments],
            "content": content,
            "createdAt": normalized(created_at),
            "recipients": [recipient.address for recipient in recipients],
        }
    )
    signed = to_utf8(text)
    body = json_text(
        {
            "@type": "MessageSigned",
            "message": text,
            "signatures": [
                {
                    "recipient": recipient.address,
                    # A JSON text inside the JSON: the official parser refuses an object here.
                    "signature": sign_for_peer(signed, recipient.secrets).serialize(False),
                }
                for recipient in recipients
            ],
        }
    )
    return SealedMessage(
        body=encrypt_text(body, key, entropy).to_base64(),
        encrypted_keys=tuple(
            encrypt_to_peer(key_text, recipient.secrets, recipient.counter) for recipient in recipients
        ),
        key=key,
    )


def open_message(
    body: str, encrypted_key: str, secrets: RelationshipSecrets, own_address: str, recipients_in_envelope: int
) -> OpenedMessage:
    """Decrypt and verify a message from the peer of ``secrets``; ``encrypted_key`` is that of our own entry.

    Raises ``error.transport.messages.signatureListMismatch``, ``...signatureNotValid`` or ``...plaintextMismatch``, and
    `CryptoError`, `EncodingError` or `DeserializationError` for anything that is not a message.
    """
    key = SecretKey.parse(from_utf8(decrypt_from_peer(Cipher.from_base64(encrypted_key), secrets)))
    text, signatures, content = _parse(body, key)
    signature = next((signature for address, signature in signatures if address == own_address), None)
    if signature is None:
        raise CoreError(
            "error.transport.messages.signatureListMismatch",
            f"The signature list didn't contain an entry for address '{own_address}'.",
        )
    if not verify_from_peer(to_utf8(text), Signature.parse(signature), secrets):
        raise CoreError(
            "error.transport.messages.signatureNotValid",
            "The digital signature on this Message for peer key is invalid. "
            "An impersonation attack might be the cause of this.",
        )
    if own_address not in content.recipients:
        raise CoreError(
            "error.transport.messages.plaintextMismatch",
            f"The own address '{own_address}' was not named as a recipient within the signed MessagePlaintext. "
            "A replay attack might be the cause of this.",
        )
    counts = {len(signatures), len(content.recipients), recipients_in_envelope}
    return OpenedMessage(content, key, lists_differ=len(counts) > 1)


def open_own_message(body: str, key: SecretKey) -> MessageContent:
    """Decrypt a message this identity sent, with the key kept for it; raises like `open_message`."""
    return _parse(body, key)[2]


def _parse(body: str, key: SecretKey) -> tuple[str, list[tuple[str, str]], MessageContent]:
    """The signed text, the signatures (recipient, JSON text), and the content."""
    signed = Members("MessageSigned", parse_json(decrypt_text(Cipher.from_base64(body), key)))
    text = signed.text("message")
    entries = signed.need("signatures")
    if not isinstance(entries, list):
        raise DeserializationError("MessageSigned.signatures :: Value is not an Array.")
    signatures = [
        (entry.text("recipient"), entry.text("signature"))
        for entry in (Members("MessageSignature", entry) for entry in entries)
    ]
    wrapper = Members("MessageContentWrapper", parse_json(text))
    recipients = wrapper.need("recipients")
    attachments = wrapper.find("attachments") or []
    if not isinstance(recipients, list) or not all(isinstance(address, str) for address in recipients):
        raise DeserializationError("MessageContentWrapper.recipients :: Value is not an Array.")
    if not isinstance(attachments, list):
        raise DeserializationError("MessageContentWrapper.attachments :: Value is not an Array.")
    content = MessageContent(
        content_object(wrapper),
        tuple(FileReference.from_json(attachment) for attachment in attachments),
        normalized(wrapper.text("createdAt")),
        tuple(recipients),
    )
    return text, signatures, content
