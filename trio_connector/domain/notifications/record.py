"""Local notifications: record, statuses, sending, receiving, processing (consumption spec section 5). Pure."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec.structs import replace

from trio_connector.domain.changes import Changes
from trio_connector.domain.collection import Collection, Record
from trio_connector.domain.identity import Json
from trio_connector.domain.message import Message
from trio_connector.domain.notifications.items import process_item
from trio_connector.errors import ConnectorError, RecordNotFound, UnexpectedCondition

Status = Literal["Open", "Sent", "Completed", "Error"]


class NotificationSource(msgspec.Struct, frozen=True, kw_only=True):
    """The message that carried the notification."""

    type: Literal["Message"] = "Message"
    reference: str


class LocalNotification(Record, frozen=True, kw_only=True):
    """A notification in our hands; ``received_by_device`` is set for those that came from a peer."""

    is_own: bool
    peer: str
    created_at: str
    received_by_device: str | None = None
    content: Json
    status: Status
    source: NotificationSource


class LocalNotificationDTO(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A notification as use cases answer it; there is no HTTP route."""

    id: str
    is_own: bool
    peer: str
    created_at: str
    received_by_device: str | None = None
    content: Json
    status: Status
    source: NotificationSource


def notification_dto(notification: LocalNotification) -> LocalNotificationDTO:
    """What callers see of ``notification``."""
    return LocalNotificationDTO(
        id=notification.id,
        is_own=notification.is_own,
        peer=notification.peer,
        created_at=notification.created_at,
        received_by_device=notification.received_by_device,
        content=notification.content,
        status=notification.status,
        source=notification.source,
    )


NOTIFICATIONS: Collection[LocalNotification] = Collection(
    name="Notifications",
    record=LocalNotification,
    kind="LocalNotification",
    keys={"peer": lambda notification: notification.peer, "status": lambda notification: notification.status},
    prepare=notification_dto,
)


class PendingNotification(Record, frozen=True, kw_only=True):
    """A notification that a committed change owes to ``peer``; it is deleted once its message was sent."""

    peer: str
    content: Json
    created_at: str


PENDING_NOTIFICATIONS: Collection[PendingNotification] = Collection(
    name="PendingNotifications",
    record=PendingNotification,
    kind="PendingNotification",
    keys={"peer": lambda pending: pending.peer},
)


def owe_notification(changes: Changes, peer: str, item: Json, notification_id: str) -> None:
    """Make the sending of ``item`` to ``peer`` part of this change."""
    content = {"@type": "Notification", "id": notification_id, "items": [item]}
    changes.insert(
        PENDING_NOTIFICATIONS,
        PendingNotification(id=notification_id, peer=peer, content=content, created_at=changes.now),
    )


def record_sent(changes: Changes, message: Message) -> LocalNotification:
    """Remember the notification in the own ``message``; one that is known stays. Raises UnexpectedCondition."""
    if not message.is_own:
        raise UnexpectedCondition("Cannot mark a LocalNotification as sent from a received Message.")
    if len(message.recipients) > 1:
        raise UnexpectedCondition("Message contains more than one recipient.")
    content = _content_of(message)
    known = changes.get(NOTIFICATIONS, content["id"])
    if known is not None:
        return known
    notification = LocalNotification(
        id=content["id"],
        is_own=True,
        peer=message.recipients[0].address,
        created_at=message.created_at,
        content=content,
        status="Sent",
        source=NotificationSource(reference=message.id),
    )
    changes.insert(NOTIFICATIONS, notification)
    return notification


def record_received(changes: Changes, message: Message, device_id: str) -> LocalNotification:
    """Remember the notification in the received ``message``; one that is known stays. Raises UnexpectedCondition."""
    if message.is_own:
        raise UnexpectedCondition("Cannot receive a Notification from an own message.")
    content = _content_of(message)
    known = changes.get(NOTIFICATIONS, content["id"])
    if known is not None:
        if known.source.reference != message.id:
            raise UnexpectedCondition(f"There already is a LocalNotification with the id '{content['id']}'.")
        return known
    notification = LocalNotification(
        id=content["id"],
        is_own=False,
        peer=message.created_by,
        created_at=message.created_at,
        received_by_device=device_id,
        content=content,
        status="Open",
        source=NotificationSource(reference=message.id),
    )
    changes.insert(NOTIFICATIONS, notification)
    return notification


def _content_of(message: Message) -> Json:
    content: Json = message.content
    if not isinstance(content, dict) or content.get("@type") != "Notification":
        raise UnexpectedCondition("Message does not contain a Notification.")
    return content


def process_notification(
    changes: Changes, notification_id: str, device_id: str
) -> tuple[LocalNotification, ConnectorError | None]:
    """Do what the received notification says, all of it or nothing.

    Returns the notification, which is Completed, or in status Error with the error that one of its items found; an
    error can be tried again. Raises RecordNotFound and UnexpectedCondition when it is not to be processed at all.
    """
    notification = changes.get(NOTIFICATIONS, notification_id)
    if notification is None:
        raise RecordNotFound("LocalNotification", notification_id)
    if notification.is_own:
        raise UnexpectedCondition("Cannot process own notification.")
    if notification.received_by_device != device_id:
        raise UnexpectedCondition("Notification is not received by current device.")
    if notification.status not in ("Open", "Error"):
        raise UnexpectedCondition(f"Cannot process notification with status {notification.status}.")
    attempt = changes.nested()
    error: ConnectorError | None = None
    try:
        for item in notification.content["items"]:
            process_item(attempt, item, notification_id=notification.id, sender=notification.peer)
    except ConnectorError as found:
        error = found
    else:
        changes.absorb(attempt)
    processed = replace(notification, status="Completed" if error is None else "Error")
    changes.put(NOTIFICATIONS, processed)
    return processed, error
