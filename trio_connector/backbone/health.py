"""Whether the Backbone is there and lets us in, for the health endpoint (backbone spec 3.4, connector spec 8.1)."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
import trio

from trio_connector.backbone.connection import Connection
from trio_connector.backbone.outcomes import check_success
from trio_connector.backbone.shared import Shared
from trio_connector.errors import BackboneRequestError

AUTHENTICATION_IS_GOOD_SECONDS = 300

log = structlog.get_logger("HealthChecker")


@dataclass(frozen=True, slots=True)
class BackboneHealth:
    """Both outcomes of a check."""

    connection: bool
    authentication: bool


class Health:
    """Checks on demand; simultaneous callers share one check."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._checking: Shared[BackboneHealth] = Shared()
        self._authenticated_until_seconds = -1.0

    async def check(self) -> BackboneHealth:
        """Ask the Backbone; raises nothing, bounded by the timeout of requests."""
        return await self._checking.run(self._check)

    async def _check(self) -> BackboneHealth:
        connected = await self._is_connected()
        return BackboneHealth(connected, await self._is_authenticated())

    async def _is_connected(self) -> bool:
        try:
            check_success(await self._connection.exchange("GET", "/health", anonymous=True, repeatable=True))
        except BackboneRequestError as error:
            log.warning("An error occured during the Backbone connection health check: ", error=str(error))
            return False
        return True

    async def _is_authenticated(self) -> bool:
        """A token request of its own, which leaves the cached token alone; a success counts for five minutes."""
        if trio.current_time() < self._authenticated_until_seconds:
            return True
        try:
            await self._connection.tokens.fetch()
        except BackboneRequestError as error:
            log.warning("An error occured during the Backbone authentication health check: ", error=str(error))
            return False
        self._authenticated_until_seconds = trio.current_time() + AUTHENTICATION_IS_GOOD_SECONDS
        return True
