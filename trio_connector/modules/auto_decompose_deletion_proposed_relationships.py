"""The ``autoDecomposeDeletionProposedRelationships`` module: forget peers that have forgotten us (connector 9.6)."""

from __future__ import annotations

import msgspec
import structlog
import trio

from trio_connector.domain.relationship import RELATIONSHIPS, RelationshipDTO
from trio_connector.errors import ConnectorError
from trio_connector.events.model import Event
from trio_connector.usecases.decomposition import decompose_relationship
from trio_connector.usecases.reachability import is_unreachable
from trio_connector.usecases.relationships import RELATIONSHIP_CHANGED
from trio_connector.usecases.services import Services

NAME = "autoDecomposeDeletionProposedRelationships"
PATTERNS = (RELATIONSHIP_CHANGED,)
PAUSE_SECONDS = 0.5
"""Time for other modules to react to the proposal before its traces are gone."""

log = structlog.get_logger("AutoDecomposeDeletionProposedRelationshipsModule")

_decode = msgspec.json.Decoder(RelationshipDTO).decode


async def decompose_all(services: Services) -> None:
    """Decompose what is proposed for deletion already, at the start."""
    proposed = services.store.select(RELATIONSHIPS, status="DeletionProposed")
    log.info(f"Found {len(proposed)} 'DeletionProposed' Relationships.")
    for relationship in proposed:
        await _decompose(services, relationship.id)


async def decompose_if_proposed(services: Services, event: Event) -> None:
    """Decompose the relationship that ``event`` tells of, when its peer proposed to delete it."""
    told = _decode(event.data)
    if told.status != "DeletionProposed":
        return
    log.info("'DeletionProposed' Relationship detected.", relationship=told.id)
    await trio.sleep(PAUSE_SECONDS)
    await _decompose(services, told.id)


async def _decompose(services: Services, relationship_id: str) -> None:
    if services.store.get(RELATIONSHIPS, relationship_id) is None:
        return
    try:
        await decompose_relationship(services, relationship_id)
    except ConnectorError as error:
        if is_unreachable(error):
            raise  # it is tried again
        log.error("Error while decomposing 'DeletionProposed' Relationship:", code=error.code, error=error.message)
    else:
        log.info("'DeletionProposed' Relationship was decomposed successfully.", relationship=relationship_id)
