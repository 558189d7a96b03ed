"""Relationship templates on the wire (crypto spec sections 9.2 and 11).

The content is wrapped with the identity and the template key, signed as text by the identity, and encrypted under a key
that only the reference holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trio_connector.crypto.ciphers import Cipher, SecretKey, decrypt_text, encrypt_text
from trio_connector.crypto.encoding import to_utf8
from trio_connector.crypto.entropy import Entropy
from trio_connector.crypto.exchange import ExchangeKeypair, TemplatePublicKey
from trio_connector.crypto.identity import Identity, signature_not_valid
from trio_connector.crypto.ids import new_id
from trio_connector.crypto.json_text import json_text, parse_json
from trio_connector.crypto.objects import Members
from trio_connector.crypto.signatures import SHA512, Signature, SignaturePrivateKey, sign, verify
from trio_connector.errors import DeserializationError


@dataclass(frozen=True, slots=True)
class TemplateContent:
    """What is inside a template: its content (a JSON object), who made it, and the key for requests."""

    content: dict[str, Any]
    identity: Identity
    template_key: TemplatePublicKey


def new_template_key(entropy: Entropy) -> tuple[TemplatePublicKey, ExchangeKeypair]:
    """A fresh key for one template: the public part for its content, the keypair to store under its id."""
    keypair = ExchangeKeypair.generate(entropy)
    return TemplatePublicKey(keypair.public_key.key, new_id("TRPRTK", entropy)), keypair


def seal_template(
    template: TemplateContent, identity_key: SignaturePrivateKey, secret_key: SecretKey, entropy: Entropy
) -> str:
    """``content`` for the Backbone."""
    text = json_text(
        {
            "@type": "RelationshipTemplateContentWrapper",
            "content": template.content,
            "identity": template.identity.to_json(False),
            "templateKey": template.template_key.to_json(False),
        }
    )
    signature = sign(to_utf8(text), identity_key, SHA512)
    signed = json_text(
        {
            "@type": "RelationshipTemplateSigned",
            "deviceSignature": signature.to_json(False),
            "serializedTemplate": text,
        }
    )
    return encrypt_text(signed, secret_key, entropy).to_base64()


def open_template(content: str, secret_key: SecretKey, created_by: str) -> TemplateContent:
    """Decrypt and verify what `seal_template` made; ``created_by`` is the creator the Backbone reports.

    Raises ``error.transport.signatureNotValid`` when the signature is wrong, or when the address inside is not
    ``created_by`` or not made from the key inside; `CryptoError`, `EncodingError` or `DeserializationError` for
    anything that is not a template.
    """
    signed = Members("RelationshipTemplateSigned", parse_json(decrypt_text(Cipher.from_base64(content), secret_key)))
    text = signed.text("serializedTemplate")
    signature = Signature.from_json(signed.need("deviceSignature"))
    wrapper = Members("RelationshipTemplateContentWrapper", parse_json(text))
    template = TemplateContent(
        content_object(wrapper),
        Identity.from_json(wrapper.need("identity")),
        TemplatePublicKey.from_json(wrapper.need("templateKey")),
    )
    if not verify(to_utf8(text), signature, template.identity.public_key):
        raise signature_not_valid("template")
    if not template.identity.is_consistent(created_by):
        raise signature_not_valid("template")
    return template


def content_object(wrapper: Members) -> dict[str, Any]:
    """The member ``content``, which must be a JSON object; raises `DeserializationError`."""
    content = wrapper.need("content")
    if not isinstance(content, dict):
        raise DeserializationError(f"{wrapper.owner}.content :: Value is not an object")
    return content
