"""Push notifications to other identities (backbone spec 15.2)."""

from __future__ import annotations

from collections.abc import Sequence

from trio_connector.backbone.connection import Connection, path_to


class Notifications:
    """Raises BackboneRequestError throughout."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def send(self, recipients: Sequence[str], code: str) -> None:
        """Notify identities; ``code`` names one of the Backbone's texts."""
        body = {"recipients": list(recipients), "code": code}
        await self._connection.send_without_answer("POST", path_to("Notifications"), body=body)
