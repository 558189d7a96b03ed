"""What consumption forgets when a relationship is decomposed (consumption spec 0.4, runtime spec section 9)."""

from __future__ import annotations

from trio_connector.domain.changes import Changes
from trio_connector.domain.peer_data import delete_consumption_data
from trio_connector.store import Unit


def delete_peer_consumption_data(unit: Unit, peer: str, relationship_id: str) -> None:
    """Forget attributes, requests, notifications and metadata of ``peer``, inside the unit that decomposes.

    Settings of ``relationship_id`` would go too; a connector keeps none.
    """
    changes = Changes(unit, me="", now=unit.now, entropy=_no_ids)
    delete_consumption_data(changes, peer)
    changes.apply(unit)


def _no_ids(size: int) -> bytes:
    raise AssertionError("forgetting makes no new ids")
