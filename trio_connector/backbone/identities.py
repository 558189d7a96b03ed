"""Identities: creation and whether one was deleted (backbone spec 4.3 and 6.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trio_connector.backbone.answers import Address, Answer, Date, Id
from trio_connector.backbone.connection import Connection, path_to


class NewIdentityDevice(Answer, frozen=True, kw_only=True):
    """The first device of a new identity."""

    id: Id
    username: Id
    created_at: Date | None = None


class NewIdentity(Answer, frozen=True, kw_only=True):
    """What the Backbone made."""

    address: Address
    created_at: Date
    device: NewIdentityDevice


class DeletionAnswer(Answer, frozen=True, kw_only=True):
    """Whether an identity is deleted, and since when."""

    is_deleted: bool
    deletion_date: Date | None = None


class Identities:
    """Raises BackboneRequestError throughout."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def create(
        self,
        *,
        device_password: str,
        identity_public_key: str,
        signed_challenge: Mapping[str, Any],
        identity_version: int,
    ) -> NewIdentity:
        """Create an identity with its first device; ``identity_public_key`` in its base64 form (anonymous).

        A cancellation or a lost response leaves open whether there is a new identity that nobody can use.
        """
        body = {
            "clientId": self._connection.client_id,
            "clientSecret": self._connection.client_secret,
            "devicePassword": device_password,
            "identityPublicKey": identity_public_key,
            "signedChallenge": signed_challenge,
            "identityVersion": identity_version,
        }
        return await self._connection.send("POST", path_to("Identities"), NewIdentity, body=body, anonymous=True)

    async def is_deleted(self, username: str) -> DeletionAnswer:
        """Whether the identity of the device with ``username`` is deleted (anonymous)."""
        return await self._connection.get(
            path_to("Identities", "IsDeleted"), DeletionAnswer, query={"username": username}, anonymous=True
        )
