"""All collections of the consumption layer; a store that serves its use cases knows them."""

from __future__ import annotations

from typing import Any

from trio_connector.domain.attributes.record import ATTRIBUTES, FORWARDING_DETAILS
from trio_connector.domain.collection import Collection
from trio_connector.domain.identity_metadata import IDENTITY_METADATA
from trio_connector.domain.notifications.record import NOTIFICATIONS, PENDING_NOTIFICATIONS
from trio_connector.domain.requests.record import REQUESTS

CONSUMPTION_COLLECTIONS: tuple[Collection[Any], ...] = (
    ATTRIBUTES,
    FORWARDING_DETAILS,
    IDENTITY_METADATA,
    NOTIFICATIONS,
    PENDING_NOTIFICATIONS,
    REQUESTS,
)
