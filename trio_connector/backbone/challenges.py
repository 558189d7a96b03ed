"""Challenges (backbone spec 4.1)."""

from __future__ import annotations

from trio_connector.backbone.answers import Address, Answer, Date, Id
from trio_connector.backbone.connection import Connection, path_to


class ChallengeAnswer(Answer, frozen=True, kw_only=True):
    """A challenge; without creator when it was asked for anonymously."""

    id: Id
    expires_at: Date
    created_by: Address | None = None
    created_by_device: Id | None = None


class Challenges:
    """Raises BackboneRequestError throughout."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def create(self) -> ChallengeAnswer:
        """A fresh challenge for this device."""
        return await self._connection.send("POST", path_to("Challenges"), ChallengeAnswer, body={})

    async def create_anonymously(self) -> ChallengeAnswer:
        """A fresh challenge for an account that does not exist yet."""
        return await self._connection.send("POST", path_to("Challenges"), ChallengeAnswer, body={}, anonymous=True)

    async def get(self, challenge_id: str) -> ChallengeAnswer:
        """Any identity's challenge."""
        return await self._connection.get(path_to("Challenges", challenge_id), ChallengeAnswer)
