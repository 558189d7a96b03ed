"""The ``message`` module: tells of mails under names of their own (runtime spec 7.2). Off by default.

A received Mail becomes ``consumption.mailReceived`` with the message, and ``consumption.relationshipEvent.<id>`` with
the relationship to its sender. Both are appended in the unit that moves the cursor, so each is told once.
"""

from __future__ import annotations

from trio_connector.domain.changes import Changes
from trio_connector.domain.message import MESSAGES, message_dto
from trio_connector.domain.relationship import RELATIONSHIPS, newest, relationship_dto
from trio_connector.events.model import Event
from trio_connector.modules.told import told_id
from trio_connector.usecases.consumption import Reaction, react
from trio_connector.usecases.messages import MESSAGE_RECEIVED
from trio_connector.usecases.services import Services

NAME = "message"
PATTERNS = (MESSAGE_RECEIVED,)

MAIL_RECEIVED = "consumption.mailReceived"


async def react_to(services: Services, event: Event) -> None:
    """Tell of the mail that ``event`` brought, if it brought one."""
    message = services.store.get(MESSAGES, told_id(event))
    if message is None or message.content.get("@type") != "Mail":
        return

    def tell(changes: Changes) -> None:
        changes.event(MAIL_RECEIVED, message_dto(message), message.created_by)
        relationship = newest(changes.select(RELATIONSHIPS, peer=message.created_by))
        if relationship is not None:
            namespace = f"consumption.relationshipEvent.{relationship.id}"
            changes.event(namespace, relationship_dto(relationship), message.created_by)

    await react(services, Reaction(NAME, event.position), tell)
