"""How many requests were answered with which status since the start (connector spec 8.3)."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from trio_connector.api.routing import Route
from trio_connector.crypto.dates import iso


class RequestCounter:
    """Counts finished responses of all routes; the one being written is not among them."""

    def __init__(self, since: datetime) -> None:
        self._since = iso(since)
        self._by_status: Counter[int] = Counter()

    def observe(self, method: str, route: Route | None, status: int, seconds: float) -> None:
        """Count one response."""
        self._by_status[status] += 1

    def shown(self) -> dict[str, object]:
        """As ``/Monitoring/Requests`` shows it."""
        return {
            "since": self._since,
            "requestCount": self._by_status.total(),
            "requestCountByStatus": {str(status): count for status, count in sorted(self._by_status.items())},
        }
