"""What a change of a relationship means for events and messages (Backbone spec 10, 13.2)."""

from __future__ import annotations

from trio_connector.embedded.domain.relationships import (
    ACTIVE,
    DELETION_PROPOSED,
    READY_FOR_DELETION,
    REJECTED,
    REVOKED,
    Relationship,
)
from trio_connector.embedded.store.database import Transaction
from trio_connector.embedded.store.events import (
    add_event,
    delete_blocked_message_events,
    delete_message_events,
    unblock_message_events,
)
from trio_connector.embedded.store.messages import decompose_messages, forget_messages


def spread(tx: Transaction, relationship: Relationship, actor: str, peer: str, event: str, anonymized: str) -> None:
    """``relationship`` has just been changed by ``actor``: tell the ``peer``, and let go of what is over."""
    status = relationship.status
    if status != READY_FOR_DELETION:  # the peer has left already
        add_event(tx, peer, event, {"relationshipId": relationship.id})
    if status in (DELETION_PROPOSED, READY_FOR_DELETION):
        delete_message_events(tx, actor, relationship.id)
        decompose_messages(tx, relationship.id, actor)
        if status == READY_FOR_DELETION:
            forget_messages(tx, relationship.id, anonymized)
    elif status == ACTIVE:
        unblock_message_events(tx, relationship.id)
    elif status in (REJECTED, REVOKED):
        delete_blocked_message_events(tx, relationship.id)
