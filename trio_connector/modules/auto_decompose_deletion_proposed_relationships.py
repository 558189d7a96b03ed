"""The ``autoDecomposeDeletionProposedRelationships`` module: forget peers that have forgotten us (connector 9.6)."""

from __future__ import annotations

from itertools import chain, repeat

import msgspec
import structlog
import trio

from trio_connector.domain.relationship import RELATIONSHIPS, RelationshipDTO
from trio_connector.errors import ConnectorError
from trio_connector.events.model import Event
from trio_connector.store.errors import WriteFailed
from trio_connector.usecases.decomposition import decompose_relationship
from trio_connector.usecases.reachability import is_unreachable
from trio_connector.usecases.relationships import RELATIONSHIP_CHANGED
from trio_connector.usecases.services import Services

NAME = "autoDecomposeDeletionProposedRelationships"
PATTERNS = (RELATIONSHIP_CHANGED,)
PAUSE_SECONDS = 0.5
"""Time for other modules to react to the proposal before its traces are gone."""
RETRY_AFTER_SECONDS = (1.0, 5.0, 30.0, 60.0, 300.0)
"""Pauses between the attempts of the start while the Backbone is away; the last one is repeated."""

log = structlog.get_logger("AutoDecomposeDeletionProposedRelationshipsModule")

_decode = msgspec.json.Decoder(RelationshipDTO).decode


async def decompose_all(services: Services, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    """Decompose what is proposed for deletion already, at the start.

    Counts as started when each has been tried once. While the Backbone is away it is tried again; it returns when
    nothing is left to do.
    """
    left = [relationship.id for relationship in services.store.select(RELATIONSHIPS, status="DeletionProposed")]
    log.info(f"Found {len(left)} 'DeletionProposed' Relationships.")
    left = [id_ for id_ in left if not await _is_decomposed(services, id_)]
    task_status.started()
    pauses = chain(RETRY_AFTER_SECONDS, repeat(RETRY_AFTER_SECONDS[-1]))
    while left:
        await trio.sleep(next(pauses))
        left = [id_ for id_ in left if not await _is_decomposed(services, id_)]


async def decompose_if_proposed(services: Services, event: Event) -> None:
    """Decompose the relationship that ``event`` tells of, when its peer proposed to delete it.

    Raises BackboneRequestError while the Backbone is away; the reaction is then to be repeated.
    """
    told = _decode(event.data)
    if told.status != "DeletionProposed":
        return
    log.info("'DeletionProposed' Relationship detected.", relationship=told.id)
    await trio.sleep(PAUSE_SECONDS)
    await _decompose(services, told.id)


async def _is_decomposed(services: Services, relationship_id: str) -> bool:
    """Try once; False when the Backbone is away or the disk takes nothing."""
    try:
        await _decompose(services, relationship_id)
    except (ConnectorError, WriteFailed) as error:
        log.warning("A Relationship is not decomposed yet.", relationship=relationship_id, error=str(error))
        return False
    return True


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
