"""DTOs of today as JSON values, read from the store."""

from __future__ import annotations

from typing import Any

import msgspec

from trio_connector.domain.collection import Collection
from trio_connector.usecases.services import Services


def stored_dto(services: Services, collection: Collection[Any], id_: str) -> dict[str, Any] | None:
    """The DTO of one record; None when there is none. Reads at once."""
    prepared = services.store.prepared(collection, id_)
    return None if prepared is None else msgspec.json.decode(prepared, type=dict[str, Any])
