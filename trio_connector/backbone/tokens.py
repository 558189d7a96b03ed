"""Tokens (backbone spec 8)."""

from __future__ import annotations

from trio_connector.backbone.answers import Address, Answer, Date, Id
from trio_connector.backbone.connection import Connection, path_to


class NewToken(Answer, frozen=True, kw_only=True):
    """The id of a token that was created."""

    id: Id
    created_at: Date


class TokenAnswer(Answer, frozen=True, kw_only=True):
    """A token; an empty one has no content, an anonymous one no creator."""

    id: Id
    created_at: Date
    expires_at: Date
    created_by: Address | None = None
    created_by_device: Id | None = None
    for_identity: Address | None = None
    content: str | None = None
    is_password_protected: bool | None = None


class Tokens:
    """Raises BackboneRequestError throughout."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def create(
        self,
        *,
        content: str | None = None,
        expires_at: str,
        for_identity: str | None = None,
        password: str | None = None,
        anonymous: bool = False,
    ) -> NewToken:
        """Create a token; without content it is an empty one. ``password`` is the hash in base64."""
        body = {"content": content, "expiresAt": expires_at, "forIdentity": for_identity, "password": password}
        return await self._connection.send("POST", path_to("Tokens"), NewToken, body=body, anonymous=anonymous)

    async def get(self, token_id: str, *, password: str | None = None, anonymous: bool = False) -> TokenAnswer:
        """Read a token. A wrong password is counted, so a reading with password is never repeated."""
        return await self._connection.get(
            path_to("Tokens", token_id),
            TokenAnswer,
            query={"password": password},
            anonymous=anonymous,
            repeatable=password is None,
        )

    async def update_content(self, token_id: str, *, new_content: str, password: str | None = None) -> TokenAnswer:
        """Fill an empty token, and become its creator."""
        body = {"newContent": new_content, "password": password}
        return await self._connection.send("POST", path_to("Tokens", token_id, "UpdateContent"), TokenAnswer, body=body)

    async def delete(self, token_id: str) -> None:
        """Delete an own token."""
        await self._connection.send_without_answer("DELETE", path_to("Tokens", token_id))
