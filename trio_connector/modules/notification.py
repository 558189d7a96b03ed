"""The ``notification`` module: takes and sends notifications (runtime spec 7.2). On by default.

A received notification is remembered and processed in one unit with the cursor. Whatever happens here or elsewhere is
also a chance to send notifications that are still owed; when the Backbone is away, the reaction is repeated.
"""

from __future__ import annotations

import structlog

from trio_connector.domain.attributes.record import (
    ATTRIBUTE_DELETED,
    ATTRIBUTE_SUCCEEDED,
    FORWARDING_DETAILS_CHANGED,
)
from trio_connector.domain.changes import Changes
from trio_connector.domain.message import MESSAGES, Message
from trio_connector.domain.notifications.record import process_notification, record_received, record_sent
from trio_connector.errors import ConnectorError
from trio_connector.events.model import Event
from trio_connector.modules.told import told_id
from trio_connector.usecases.consumption import Reaction, react
from trio_connector.usecases.messages import MESSAGE_RECEIVED, MESSAGE_SENT
from trio_connector.usecases.notifications import deliver_pending_notifications
from trio_connector.usecases.services import Services

NAME = "notification"
MODULES_STARTED = "runtime.modulesStarted"
PATTERNS = (
    MESSAGE_RECEIVED,
    MESSAGE_SENT,
    ATTRIBUTE_SUCCEEDED,
    ATTRIBUTE_DELETED,
    FORWARDING_DETAILS_CHANGED,
    MODULES_STARTED,
)

log = structlog.get_logger("NotificationModule")


async def react_to(services: Services, event: Event) -> None:
    """Take the notification that came, remember the one that went, send what is owed.

    Raises BackboneRequestError while the Backbone is away and something is owed; the reaction is then to be repeated.
    """
    if event.namespace in (MESSAGE_RECEIVED, MESSAGE_SENT):
        message = services.store.get(MESSAGES, told_id(event))
        if message is not None and message.content.get("@type") == "Notification":
            await _handle(services, message, Reaction(NAME, event.position))
        return
    await deliver_pending_notifications(services)


async def _handle(services: Services, message: Message, reaction: Reaction) -> None:
    device_id = services.account.device_id
    failures: list[ConnectorError] = []

    def handle(changes: Changes) -> None:
        attempt = changes.nested()
        try:
            if message.is_own:
                record_sent(attempt, message)
            else:
                notification = record_received(attempt, message, device_id)
                if notification.status in ("Open", "Error"):
                    error = process_notification(attempt, notification.id, device_id)[1]
                    failures.extend([] if error is None else [error])
        except ConnectorError as error:
            failures.append(error)
            return
        changes.absorb(attempt)

    await react(services, reaction, handle)
    for error in failures:
        log.error("A notification failed", message=message.id, code=error.code, error=error.message)
