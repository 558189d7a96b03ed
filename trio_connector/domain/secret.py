"""Synchronised secrets: encrypted containers in the collection ``Secrets`` (transport 6, crypto 3)."""

from __future__ import annotations

import msgspec

from trio_connector.domain.collection import Collection, Record
from trio_connector.domain.identity import Json


class SecretRecord(Record, frozen=True, kw_only=True):
    """One encrypted secret. ``nonce`` is the index from which its key is derived; of one name at most one is active."""

    name: str
    description: str = ""
    created_at: str
    valid_from: str
    valid_to: str | None = None
    nonce: int | None = None
    active: bool
    cipher: Json

    def superseded(self, at: str) -> SecretRecord:
        """This secret, no longer valid from ``at`` on."""
        return msgspec.structs.replace(self, active=False, valid_to=at)


SECRETS: Collection[SecretRecord] = Collection(
    name="Secrets",
    record=SecretRecord,
    kind="SecretContainerCipher",
    keys={"name": lambda secret: secret.name, "active": lambda secret: int(secret.active)},
)
