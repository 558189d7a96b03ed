"""Relationship creation and acceptance on the wire (crypto spec sections 9.3 and 11); the keys are in `channel`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trio_connector.crypto.channel import (
    PublicRequest,
    PublicResponse,
    RelationshipSecrets,
    RequestSecrets,
    complete_request,
    decrypt_from_peer,
    decrypt_own,
    decrypt_request,
    encrypt_request,
    encrypt_to_peer,
    sign_for_peer,
)
from trio_connector.crypto.ciphers import Cipher
from trio_connector.crypto.encoding import from_base64url, from_utf8, to_base64url, to_utf8
from trio_connector.crypto.entropy import Entropy
from trio_connector.crypto.errors import CryptoError
from trio_connector.crypto.identity import Identity, signature_not_valid
from trio_connector.crypto.json_text import json_bytes, json_text, parse_json
from trio_connector.crypto.objects import Members
from trio_connector.crypto.signatures import SHA512, Signature, SignaturePrivateKey, SignaturePublicKey, sign, verify
from trio_connector.crypto.templates import content_object

_CREATION = "relationshipCreationContent"
_ACCEPTANCE = "relationshipCreationResponseContent"


@dataclass(frozen=True, slots=True)
class CreationContent:
    """What a relationship was created with: content (a JSON object), the requestor, the template it used."""

    content: dict[str, Any]
    identity: Identity
    template_id: str


@dataclass(frozen=True, slots=True)
class CreationCipher:
    """The creation content as it travels: encrypted, with the public request that leads to the key."""

    cipher: Cipher
    request: PublicRequest


@dataclass(frozen=True, slots=True)
class AcceptanceCipher:
    """The acceptance as it travels: encrypted on the new channel, with the public response that leads to its keys."""

    cipher: Cipher
    response: PublicResponse


def seal_creation(
    creation: CreationContent, secrets: RequestSecrets, device_key: SignaturePrivateKey, entropy: Entropy
) -> str:
    """Requestor: ``creationContent`` for the Backbone."""
    text = json_text(
        {
            "@type": "RelationshipCreationContentWrapper",
            "content": creation.content,
            "identity": creation.identity.to_json(False),
            "templateId": creation.template_id,
        }
    )
    signed = _sign(text, "serializedCreationContent", secrets, device_key)
    return to_base64url(
        json_bytes(
            {
                "@type": "RelationshipCreationContentCipher",
                "cipher": encrypt_request(to_utf8(signed), secrets, entropy).to_json(False),
                "publicCreationContentCrypto": secrets.public_request().to_json(False),
            }
        )
    )


def parse_creation(creation_content: str) -> CreationCipher:
    """Take ``creationContent`` apart; raises `CryptoError`, `EncodingError` or `DeserializationError`."""
    members = Members("RelationshipCreationContentCipher", parse_json(from_base64url(creation_content)))
    return CreationCipher(
        Cipher.from_json(members.need("cipher")),
        PublicRequest.from_json(members.need("publicCreationContentCrypto")),
    )


def open_creation(
    creation: CreationCipher, secrets: RelationshipSecrets, *, created_by: str, template_id: str
) -> CreationContent:
    """Templator: decrypt and verify; ``created_by`` and ``template_id`` are what the Backbone reports.

    Raises ``error.transport.signatureNotValid`` when the signature is wrong, the address inside is not ``created_by``
    or not made from the key inside, or another template is named; and like `parse_creation`.
    """
    content, signature_is_valid = _open_creation(
        decrypt_request(creation.cipher, secrets), creation.request.signature_key
    )
    if not (signature_is_valid and content.identity.is_consistent(created_by) and content.template_id == template_id):
        raise signature_not_valid(_CREATION)
    return content


def open_own_creation(creation: CreationCipher, secrets: RequestSecrets | RelationshipSecrets) -> CreationContent:
    """Requestor: decrypt one's own creation content; raises like `open_creation`."""
    content, signature_is_valid = _open_creation(
        decrypt_request(creation.cipher, secrets), secrets.signature.public_key
    )
    if not signature_is_valid:
        raise signature_not_valid(_CREATION)
    return content


def seal_acceptance(
    relationship_id: str, secrets: RelationshipSecrets, device_key: SignaturePrivateKey, counter: int
) -> str:
    """Templator: ``creationResponseContent`` for the Backbone. ``counter`` as in `channel.encrypt_to_peer`."""
    text = json_text({"@type": "RelationshipCreationResponseContentWrapper", "relationshipId": relationship_id})
    signed = _sign(text, "serializedCreationResponseContent", secrets, device_key)
    return to_base64url(
        json_bytes(
            {
                "@type": "RelationshipCreationResponseContentCipher",
                "cipher": encrypt_to_peer(to_utf8(signed), secrets, counter).to_json(False),
                "publicCreationResponseContentCrypto": secrets.public_response().to_json(False),
            }
        )
    )


def parse_acceptance(creation_response_content: str) -> AcceptanceCipher:
    """Take ``creationResponseContent`` apart; raises `CryptoError`, `EncodingError` or `DeserializationError`."""
    members = Members(
        "RelationshipCreationResponseContentCipher", parse_json(from_base64url(creation_response_content))
    )
    return AcceptanceCipher(
        Cipher.from_json(members.need("cipher")),
        PublicResponse.from_json(members.need("publicCreationResponseContentCrypto")),
    )


def open_acceptance(
    acceptance: AcceptanceCipher, secrets: RequestSecrets, *, relationship_id: str
) -> RelationshipSecrets:
    """Requestor: the secrets of the accepted relationship, after the encrypted part has been verified.

    Raises ``error.transport.signatureNotValid`` when that part cannot be decrypted with the new keys, is not signed by
    the key in the response, or names another relationship (section 11: the official client does not look).
    """
    completed = complete_request(secrets, acceptance.response)
    try:
        signed = decrypt_from_peer(acceptance.cipher, completed)
    except CryptoError as error:
        raise signature_not_valid(_ACCEPTANCE) from error
    _check_acceptance(signed, acceptance.response.signature_key, relationship_id)
    return completed


def check_own_acceptance(acceptance: AcceptanceCipher, secrets: RelationshipSecrets, *, relationship_id: str) -> None:
    """Templator: verify one's own acceptance; raises like `open_acceptance`."""
    _check_acceptance(decrypt_own(acceptance.cipher, secrets), secrets.signature.public_key, relationship_id)


def _sign(
    text: str, member: str, secrets: RequestSecrets | RelationshipSecrets, device_key: SignaturePrivateKey
) -> str:
    content = to_utf8(text)
    return json_text(
        {
            "deviceSignature": sign(content, device_key, SHA512).to_json(False),
            "relationshipSignature": sign_for_peer(content, secrets).to_json(False),
            member: text,
        }
    )


def _open_creation(signed: bytes, signature_key: SignaturePublicKey) -> tuple[CreationContent, bool]:
    members = Members("RelationshipCreationContentSigned", parse_json(from_utf8(signed)))
    text = members.text("serializedCreationContent")
    signature = Signature.from_json(members.need("relationshipSignature"))
    wrapper = Members("RelationshipCreationContentWrapper", parse_json(text))
    content = CreationContent(
        content_object(wrapper), Identity.from_json(wrapper.need("identity")), wrapper.text("templateId")
    )
    return content, verify(to_utf8(text), signature, signature_key)


def _check_acceptance(signed: bytes, signature_key: SignaturePublicKey, relationship_id: str) -> None:
    members = Members("RelationshipCreationResponseContentSigned", parse_json(from_utf8(signed)))
    text = members.text("serializedCreationResponseContent")
    signature = Signature.from_json(members.need("relationshipSignature"))
    wrapper = Members("RelationshipCreationResponseContentWrapper", parse_json(text))
    if not verify(to_utf8(text), signature, signature_key) or wrapper.text("relationshipId") != relationship_id:
        raise signature_not_valid(_ACCEPTANCE)
