"""Decomposing a relationship: it and all exchanged with the peer go (transport 12.4, 11, 13.5, runtime 9)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from urllib.parse import urlsplit

from trio_connector.crypto.addresses import client_pseudonym, is_pseudonym
from trio_connector.domain.message import MESSAGES, anonymized_after_decomposition
from trio_connector.domain.query import Query, equals
from trio_connector.domain.relationship import RELATIONSHIPS, Relationship, permit
from trio_connector.errors import BackboneRequestError
from trio_connector.events.model import NewEvent
from trio_connector.store import Unit
from trio_connector.usecases.channel import CHANNEL_COUNTERS
from trio_connector.usecases.consumption_cleanup import delete_peer_consumption_data
from trio_connector.usecases.relationships import get_relationship
from trio_connector.usecases.secrets import delete_active_secret
from trio_connector.usecases.services import Services

DECOMPOSED_BY_SELF = "transport.relationshipDecomposedBySelf"
MESSAGES_PER_UNIT = 200
_ALREADY_DECOMPOSED = "error.platform.validation.relationship.relationshipAlreadyDecomposed"


async def decompose_relationship(services: Services, relationship_id: str) -> None:
    """End the relationship for good and forget the peer.

    Messages go first, some at a time so that nobody waits for a long history; the relationship, and with it the event,
    comes last. A process that dies in between is done after the next attempt: one that the Backbone counts as
    decomposed already is forgotten then.
    """
    relationship = get_relationship(services, relationship_id)
    permit("decompose", relationship)
    try:
        await services.backbone.relationships.decompose(relationship.id)
    except BackboneRequestError as error:
        if error.code != _ALREADY_DECOMPOSED:
            raise
    await _forget_messages(services, relationship)
    await services.store.transact(lambda unit: _forget(services, unit, relationship))
    await _forget_messages(services, relationship)  # of those that were being sent or received meanwhile


def _forget(services: Services, unit: Unit, relationship: Relationship) -> None:
    if not unit.delete(RELATIONSHIPS, relationship.id):  # somebody else was quicker
        return
    peer = relationship.peer.address
    delete_active_secret(unit, relationship.relationship_secret_id)
    unit.delete_value(CHANNEL_COUNTERS, relationship.relationship_secret_id)
    unit.append(NewEvent(namespace=DECOMPOSED_BY_SELF, data={"relationshipId": relationship.id}, entity=peer))
    templates = services.collections.templates
    used = unit.get(templates, relationship.template_id)
    if used is not None and (not used.is_own or used.max_number_of_allocations == 1):
        unit.delete(templates, used.id)
    for template in unit.select(templates, created_by=peer):
        unit.delete(templates, template.id)
    for token in unit.select(services.collections.tokens, created_by=peer):
        unit.delete(services.collections.tokens, token.id)
    delete_peer_consumption_data(unit, peer, relationship.id)


async def _forget_messages(services: Services, relationship: Relationship) -> None:
    exchanged = Query((equals("recipients.relationshipId", relationship.id),))
    ids = [message.id for message in await services.store.list(MESSAGES, exchanged)]
    pseudonym = client_pseudonym(urlsplit(services.base_url).hostname or "")
    for start in range(0, len(ids), MESSAGES_PER_UNIT):
        some = ids[start : start + MESSAGES_PER_UNIT]
        await services.store.transact(partial(_forget_some, relationship.id, pseudonym, some))


def _forget_some(relationship_id: str, pseudonym: str, ids: Sequence[str], unit: Unit) -> None:
    for message_id in ids:
        message = unit.get(MESSAGES, message_id)
        if message is None:
            continue
        others = frozenset(recipient.address for recipient in message.recipients if is_pseudonym(recipient.address))
        remaining = anonymized_after_decomposition(message, relationship_id, pseudonym, others)
        if remaining is None:
            unit.delete(MESSAGES, message.id)
        else:
            unit.put(MESSAGES, remaining)
