"""The ``autoAcceptPendingRelationships`` module; in 2022 ``autoAcceptRelationshipCreationChanges`` (connector 9.5).

Not for production: everybody who holds a template becomes a partner. An acceptance is found done when its event comes
twice, since the relationship is no longer pending then.
"""

from __future__ import annotations

import msgspec
import structlog

from trio_connector.domain.relationship import RELATIONSHIPS, RelationshipDTO
from trio_connector.errors import ConnectorError
from trio_connector.events.model import Event
from trio_connector.usecases.reachability import is_unreachable
from trio_connector.usecases.relationships import RELATIONSHIP_CHANGED, accept_relationship
from trio_connector.usecases.services import Services

NAME = "autoAcceptPendingRelationships"
PATTERNS = (RELATIONSHIP_CHANGED,)
PRODUCTION_WARNING = (
    "It is not recommended to use the autoAcceptPendingRelationships module for production scenarios: "
    "it accepts every Relationship that is requested."
)
RESPONSE_CONTENT_WARNING = (
    "The 'responseContent' of autoAcceptRelationshipCreationChanges cannot be transmitted any more; it is ignored."
)

log = structlog.get_logger("AutoAcceptPendingRelationshipsModule")

_decode = msgspec.json.Decoder(RelationshipDTO).decode


def warn(options: dict[str, object]) -> None:
    """Say at the start what an operator must know."""
    log.warning(PRODUCTION_WARNING)
    if options.get("responseContent"):
        log.warning(RESPONSE_CONTENT_WARNING)


async def accept_if_pending(services: Services, event: Event) -> None:
    """Accept the relationship that ``event`` tells of, when a peer just asked for it."""
    told = _decode(event.data)
    if told.status != "Pending" or len(told.audit_log) != 1 or told.audit_log[0].created_by == services.address:
        return
    current = services.store.get(RELATIONSHIPS, told.id)
    if current is None or current.status != "Pending":
        return
    log.info("Incoming 'Pending' Relationship detected.", relationship=told.id)
    try:
        await accept_relationship(services, told.id)
    except ConnectorError as error:
        if is_unreachable(error):
            raise  # it is tried again
        log.error("Error while accepting 'Pending' Relationship:", code=error.code, error=error.message)
    else:
        log.info("Incoming 'Pending' Relationship was accepted successfully.", relationship=told.id)
