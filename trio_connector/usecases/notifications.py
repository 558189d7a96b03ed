"""Notifications: send what is owed, take what comes (runtime spec 5 and 7.2, consumption spec section 5).

A change that peers must be told of is committed with pending notifications. Here they are sent, each once: before one
is sent again after a crash, the messages are searched for it.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

import structlog
import trio

from trio_connector.domain.notifications.record import (
    NOTIFICATIONS,
    PENDING_NOTIFICATIONS,
    LocalNotificationDTO,
    PendingNotification,
    notification_dto,
)
from trio_connector.domain.query import EVERYTHING, Query
from trio_connector.errors import BackboneRequestError, ConnectorError, runtime_record_not_found
from trio_connector.store import Store
from trio_connector.usecases.messages import send_message
from trio_connector.usecases.own_messages import find_sent_message
from trio_connector.usecases.reachability import is_unreachable
from trio_connector.usecases.services import Services

log = structlog.get_logger("Consumption.NotificationsController")

_sending: WeakKeyDictionary[Store, trio.Lock] = WeakKeyDictionary()
"""One at a time sends the pending notifications of a store, else one could go out twice."""


async def get_notification(services: Services, notification_id: str) -> LocalNotificationDTO:
    """One notification. Raises ``error.runtime.recordNotFound``."""
    notification = services.store.get(NOTIFICATIONS, notification_id)
    if notification is None:
        raise runtime_record_not_found("LocalNotification")
    return notification_dto(notification)


async def list_notifications(services: Services, query: Query = EVERYTHING) -> bytes:
    """The DTOs of all notifications that ``query`` asks for, as a JSON array."""
    return await services.store.list_prepared(NOTIFICATIONS, query)


async def send_pending_notifications(services: Services) -> None:
    """Send what is owed. While the Backbone is away it stays owed: nothing is raised, the next call tries again.

    The caller shields it; a cancellation leaves open whether the notification that was on its way was sent, and the
    next call finds out.
    """
    try:
        await deliver_pending_notifications(services)
    except BackboneRequestError as error:
        log.warning("Notifications will be sent when the Backbone is back", code=error.code, error=error.message)


async def deliver_pending_notifications(services: Services) -> None:
    """Send what is owed, in order. Raises BackboneRequestError while the Backbone is away."""
    async with _sending.setdefault(services.store, trio.Lock()):
        for pending in services.store.select(PENDING_NOTIFICATIONS):
            await _deliver(services, pending)


async def _deliver(services: Services, pending: PendingNotification) -> None:
    if await find_sent_message(services, pending.id, "Notification") is None:
        try:
            await send_message(services, recipients=[pending.peer], content=pending.content)
        except ConnectorError as error:
            if is_unreachable(error):
                raise
            log.error(
                "A notification could not be sent and is given up",
                notification=pending.id,
                peer=pending.peer,
                code=error.code,
                error=error.message,
            )
    await services.store.transact(lambda unit: unit.delete(PENDING_NOTIFICATIONS, pending.id))
