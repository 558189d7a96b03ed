"""Decomposing a relationship: it and all exchanged with the peer go (transport 12.4, 11, 13.5, runtime 9)."""

from __future__ import annotations

from urllib.parse import urlsplit

from trio_connector.crypto.addresses import client_pseudonym, is_pseudonym
from trio_connector.domain.message import MESSAGES, anonymized_after_decomposition
from trio_connector.domain.relationship import RELATIONSHIPS, Relationship, permit
from trio_connector.errors import BackboneRequestError
from trio_connector.events.model import NewEvent
from trio_connector.store import Unit
from trio_connector.usecases.consumption_cleanup import delete_peer_consumption_data
from trio_connector.usecases.relationships import get_relationship
from trio_connector.usecases.secrets import delete_active_secret
from trio_connector.usecases.services import Services

DECOMPOSED_BY_SELF = "transport.relationshipDecomposedBySelf"
_ALREADY_DECOMPOSED = "error.platform.validation.relationship.relationshipAlreadyDecomposed"


async def decompose_relationship(services: Services, relationship_id: str) -> None:
    """End the relationship for good and forget the peer, in one unit of work.

    One that the Backbone counts as decomposed already (the process died before it forgot) is forgotten now.
    """
    relationship = get_relationship(services, relationship_id)
    permit("decompose", relationship)
    try:
        await services.backbone.relationships.decompose(relationship.id)
    except BackboneRequestError as error:
        if error.code != _ALREADY_DECOMPOSED:
            raise
    await services.store.transact(lambda unit: _forget(services, unit, relationship))


def _forget(services: Services, unit: Unit, relationship: Relationship) -> None:
    peer = relationship.peer.address
    delete_active_secret(unit, relationship.relationship_secret_id)
    unit.delete(RELATIONSHIPS, relationship.id)
    unit.append(NewEvent(namespace=DECOMPOSED_BY_SELF, data={"relationshipId": relationship.id}, entity=peer))
    _forget_messages(services, unit, relationship)
    templates = services.collections.templates
    used = unit.get(templates, relationship.template_id)
    if used is not None and (not used.is_own or used.max_number_of_allocations == 1):
        unit.delete(templates, used.id)
    for template in unit.select(templates, created_by=peer):
        unit.delete(templates, template.id)
    for token in unit.select(services.collections.tokens, created_by=peer):
        unit.delete(services.collections.tokens, token.id)
    delete_peer_consumption_data(unit, peer, relationship.id)


def _forget_messages(services: Services, unit: Unit, relationship: Relationship) -> None:
    pseudonym = client_pseudonym(urlsplit(services.base_url).hostname or "")
    for message in unit.select(MESSAGES):
        if not any(recipient.relationship_id == relationship.id for recipient in message.recipients):
            continue
        others = frozenset(recipient.address for recipient in message.recipients if is_pseudonym(recipient.address))
        remaining = anonymized_after_decomposition(message, relationship.id, pseudonym, others)
        if remaining is None:
            unit.delete(MESSAGES, message.id)
        else:
            unit.put(MESSAGES, remaining)
