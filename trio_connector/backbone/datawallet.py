"""The datawallet: its version and its modifications (backbone spec 12.5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from trio_connector.backbone.answers import Answer, Date, Id
from trio_connector.backbone.connection import DATAWALLET_HEADERS, Connection, path_to

ModificationType = Literal["Create", "Update", "Delete", "CacheChanged"]


class NewDatawalletModification(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A modification to push; ``encrypted_payload`` is absent for deletions."""

    object_identifier: str
    collection: str
    type: ModificationType
    datawallet_version: int
    payload_category: str | None = None
    encrypted_payload: str | None = None


class DatawalletModificationAnswer(Answer, frozen=True, kw_only=True):
    """A modification some device pushed."""

    id: Id
    index: int
    datawallet_version: int
    object_identifier: str
    collection: str
    type: ModificationType
    created_at: Date
    created_by_device: Id
    payload_category: str | None = None
    encrypted_payload: str | None = None


class PushedModification(Answer, frozen=True, kw_only=True):
    """Under which index a pushed modification stands."""

    id: Id
    index: int
    created_at: Date


class DatawalletAnswer(Answer, frozen=True, kw_only=True):
    """The version of the datawallet."""

    version: int


class PushAnswer(Answer, frozen=True, kw_only=True):
    """What a push led to; the highest index in the datawallet."""

    new_index: int
    modifications: list[PushedModification] = msgspec.field(default_factory=list)


class Datawallet:
    """Raises BackboneRequestError throughout."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def get(self) -> DatawalletAnswer:
        """The datawallet; ``error.platform.recordNotFound`` when there is none."""
        return await self._connection.get(path_to("Datawallet"), DatawalletAnswer, headers=DATAWALLET_HEADERS)

    async def modifications(self, local_index: int | None = None) -> list[DatawalletModificationAnswer]:
        """What was pushed after ``local_index`` (``None``: everything), in order."""
        return await self._connection.pages(
            path_to("Datawallet", "Modifications"),
            DatawalletModificationAnswer,
            query={"localIndex": local_index},
            headers=DATAWALLET_HEADERS,
        )

    async def push(self, local_index: int | None, modifications: Sequence[NewDatawalletModification]) -> PushAnswer:
        """Push modifications; refused when ``local_index`` is not the highest index.

        A cancellation or a lost response leaves open whether they were stored: pull before pushing again.
        """
        body = {"localIndex": -1 if local_index is None else local_index, "modifications": list(modifications)}
        path = path_to("Datawallet", "Modifications")
        return await self._connection.send("POST", path, PushAnswer, body=body, headers=DATAWALLET_HEADERS)
