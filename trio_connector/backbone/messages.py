"""Messages (backbone spec 10)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from trio_connector.backbone.answers import Address, Answer, Date, Id
from trio_connector.backbone.connection import Connection, path_to


class NewMessage(Answer, frozen=True, kw_only=True):
    """The id of a message that was sent."""

    id: Id
    created_at: Date


class MessageRecipientAnswer(Answer, frozen=True, kw_only=True):
    """One recipient; a recipient sees only its own entry."""

    address: Address
    encrypted_key: str
    received_at: Date | None = None
    received_by_device: Id | None = None


class MessageAttachmentAnswer(Answer, frozen=True, kw_only=True):
    """The id of an attached file."""

    id: Id


class MessageAnswer(Answer, frozen=True, kw_only=True):
    """A message; ``body`` is the encrypted body in base64url."""

    id: Id
    created_at: Date
    created_by: Address
    created_by_device: Id
    body: str
    recipients: list[MessageRecipientAnswer]
    attachments: list[MessageAttachmentAnswer] | None = None


class Messages:
    """Raises BackboneRequestError throughout."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def send(
        self, *, body: str, recipients: Sequence[tuple[str, str]], attachments: Sequence[str] = ()
    ) -> NewMessage:
        """Send a message; ``recipients`` are pairs of address and encrypted key, ``attachments`` ids of files.

        A cancellation or a lost response leaves open whether it was sent; `newest_first` tells.
        """
        content = {
            "recipients": [{"address": address, "encryptedKey": key} for address, key in recipients],
            "body": body,
            "attachments": [{"id": file_id} for file_id in attachments],
        }
        return await self._connection.send("POST", path_to("Messages"), NewMessage, body=content)

    async def get(self, message_id: str) -> MessageAnswer:
        """One message; for a recipient this counts as its reception."""
        return await self._connection.get(path_to("Messages", message_id), MessageAnswer)

    async def list(self, ids: Sequence[str]) -> list[MessageAnswer]:
        """The messages with these ids, as far as they are visible; counts as reception, like `get`."""
        return await self._connection.pages(path_to("Messages"), MessageAnswer, query={"ids": ids}) if ids else []

    def newest_first(self) -> AsyncGenerator[MessageAnswer, None]:
        """All visible messages, the newest first, read page by page; who leaves before the end closes it."""
        return self._connection.pages_backwards(path_to("Messages"), MessageAnswer)
