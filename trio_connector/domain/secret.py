"""Synchronised secrets: encrypted containers in the collection ``Secrets`` (transport spec section 6, crypto spec section 3)."""

from __future__ import annotations

import msgspec

from trio_connector.domain.collection import Collection, Record
from trio_connector.domain.identity import Json
from trio_connector.errors import CoreError


class SecretContainer(Record, frozen=True, kw_only=True):
    """One encrypted secret. ``nonce`` is the index from which its key is derived; of one name at most one is active."""

    name: str
    description: str = ""
    created_at: str
    valid_from: str
    valid_to: str | None = None
    nonce: int = 0
    active: bool
    cipher: Json

    def superseded(self, at: str) -> SecretContainer:
        """This container, no longer valid from ``at`` on."""
        return msgspec.structs.replace(self, active=False, valid_to=at)


SECRETS: Collection[SecretContainer] = Collection(
    name="Secrets",
    record=SecretContainer,
    kind="SecretContainerCipher",
    keys={"name": lambda secret: secret.name, "active": lambda secret: int(secret.active)},
)


def wrong_secret_type(secret_id: str) -> CoreError:
    """The stored secret is of another kind than the operation needs."""
    return CoreError(
        "error.transport.secrets.wrongSecretType", "The given secret type is not supported!", data={"secretId": secret_id}
    )


def secret_not_found(kind: str) -> CoreError:
    """A secret of the account is missing."""
    return CoreError("error.transport.secrets.secretNotFound", f"Secret '{kind}' not found.")
