"""What a peer can send that our own software never would: made by hand from the parts of the crypto room."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from trio_connector.crypto.channel import (
    RelationshipSecrets,
    RequestSecrets,
    create_request,
    encrypt_request,
    encrypt_to_peer,
)
from trio_connector.crypto.ciphers import SecretKey, encrypt
from trio_connector.crypto.encoding import to_base64url, to_utf8
from trio_connector.crypto.exchange import TemplatePublicKey
from trio_connector.crypto.json_text import json_bytes, json_text
from trio_connector.crypto.signatures import SHA256, SHA512, SignaturePrivateKey, SignaturePublicKey, sign
from trio_connector.domain.relationship import RELATIONSHIPS
from trio_connector.domain.template import RelationshipTemplate
from trio_connector.usecases.secrets import load_channel_secrets
from trio_connector.usecases.services import Services

CONTENT = {"@type": "ArbitraryMessageContent", "value": "Hello"}


def channel_to(sender: Services, receiver: Services) -> RelationshipSecrets:
    """The secrets that ``sender`` has for its relationship with ``receiver``."""
    (relationship,) = sender.store.select(RELATIONSHIPS, peer=receiver.address, status="Active")
    return load_channel_secrets(sender.store, sender.account, relationship.relationship_secret_id)


class ForgedMessage:
    """A message from ``sender`` to ``receiver``, right in everything that is not said to be wrong."""

    def __init__(self, sender: Services, receiver: Services) -> None:
        self.sender, self.receiver = sender, receiver
        self.secrets = channel_to(sender, receiver)
        self.key = SecretKey.generate(os.urandom)
        self.encrypted_key = self.key
        self.content: Any = CONTENT
        self.recipients: Any = [receiver.address]
        self.attachments: Any = []
        self.signed_for = receiver.address
        self.signing_key: SignaturePrivateKey = self.secrets.signature.private_key
        self.wrapper: dict[str, Any] = {}
        self.text: str | None = None
        """The signed text, when it is not made of the members above."""
        self.body: bytes | None = None
        """The body as the Backbone gets it, when it is not made of the members above."""

    def sealed(self) -> str:
        """The body in base64url."""
        text = self.text or json_text(
            {
                "@type": "MessageContentWrapper",
                "attachments": self.attachments,
                "content": self.content,
                "createdAt": "2026-01-01T00:00:00.000Z",
                "recipients": self.recipients,
                **self.wrapper,
            }
        )
        signature = sign(to_utf8(text), self.signing_key, SHA256).serialize(False)
        signed = {"message": text, "signatures": [{"recipient": self.signed_for, "signature": signature}]}
        return encrypt(json_bytes(signed), self.key, os.urandom).to_base64()

    def sealed_key(self) -> str:
        """The encrypted key in base64url."""
        return encrypt_to_peer(to_utf8(self.encrypted_key.serialize(False)), self.secrets, 7).to_base64()

    async def send(self) -> str:
        """Give it to the Backbone; its id."""
        body = to_base64url(self.body) if self.body is not None else self.sealed()
        answer = await self.sender.backbone.messages.send(
            body=body, recipients=[(self.receiver.address, self.sealed_key())]
        )
        return answer.id


class ForgedCreation:
    """A request for a relationship, right in everything that is not said to be wrong."""

    def __init__(self, sender: Services, template: RelationshipTemplate) -> None:
        self.sender, self.template = sender, template
        self.secrets: RequestSecrets = create_request(
            TemplatePublicKey.from_json(template.template_key),
            SignaturePublicKey.from_json(template.identity.public_key),
            os.urandom,
        )
        identity = sender.account.identity
        self.content: Any = {"@type": "ArbitraryRelationshipCreationContent", "value": 1}
        self.identity: Any = {"address": identity.address, "publicKey": identity.public_key}
        self.template_id = template.id
        self.signing_key: SignaturePrivateKey = self.secrets.signature.private_key

    def sealed(self) -> str:
        """The creation content in base64url."""
        text = json_text(
            {
                "@type": "RelationshipCreationContentWrapper",
                "content": self.content,
                "identity": self.identity,
                "templateId": self.template_id,
            }
        )
        signed = {
            "deviceSignature": sign(to_utf8(text), self.sender.account.device_key, SHA512).to_json(False),
            "relationshipSignature": sign(to_utf8(text), self.signing_key, SHA256).to_json(False),
            "serializedCreationContent": text,
        }
        return to_base64url(
            json_bytes(
                {
                    "@type": "RelationshipCreationContentCipher",
                    "cipher": encrypt_request(json_bytes(signed), self.secrets, os.urandom).to_json(False),
                    "publicCreationContentCrypto": self.secrets.public_request().to_json(False),
                }
            )
        )

    async def send(self, content: str | None = None) -> str:
        """Give it to the Backbone; the id of the relationship."""
        answer = await self.sender.backbone.relationships.create(self.template.id, content or self.sealed())
        return answer.id


class ForgedAcceptance:
    """An acceptance, right in everything that is not said to be wrong; ``secrets`` are the templator's."""

    def __init__(self, templator: Services, relationship_id: str, secrets: RelationshipSecrets) -> None:
        self.templator, self.relationship_id, self.secrets = templator, relationship_id, secrets
        self.named_id = relationship_id
        self.signing_key: SignaturePrivateKey = secrets.signature.private_key
        self.response: dict[str, Any] = secrets.public_response().to_json(False)

    def sealed(self) -> str:
        """The creation response content in base64url."""
        text = json_text({"@type": "RelationshipCreationResponseContentWrapper", "relationshipId": self.named_id})
        signed = {
            "deviceSignature": sign(to_utf8(text), self.templator.account.device_key, SHA512).to_json(False),
            "relationshipSignature": sign(to_utf8(text), self.signing_key, SHA256).to_json(False),
            "serializedCreationResponseContent": text,
        }
        return to_base64url(
            json_bytes(
                {
                    "@type": "RelationshipCreationResponseContentCipher",
                    "cipher": encrypt_to_peer(json_bytes(signed), self.secrets, 7).to_json(False),
                    "publicCreationResponseContentCrypto": self.response,
                }
            )
        )

    async def send(self, content: str | None = None) -> None:
        """Give it to the Backbone."""
        await self.templator.backbone.relationships.accept(self.relationship_id, content or self.sealed())


def secret_texts(*accounts: Services) -> Sequence[str]:
    """Key material that must never be seen anywhere else."""
    found: list[str] = []
    for services in accounts:
        account = services.account
        for key in (account.identity_key, account.device_key, account.shared_base_key, account.synchronization_key):
            members = key.to_json(False)
            found.append(str(members.get("prv") or members.get("key")))
    return found
