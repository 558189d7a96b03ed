"""What consumption knows about a peer goes when their relationship is decomposed (consumption spec 0.4). Pure."""

from __future__ import annotations

from trio_connector.domain.attributes.deletion import delete_after_decomposition
from trio_connector.domain.changes import Changes
from trio_connector.domain.identity_metadata import IDENTITY_METADATA
from trio_connector.domain.notifications.record import NOTIFICATIONS, PENDING_NOTIFICATIONS
from trio_connector.domain.requests.record import REQUESTS


def delete_consumption_data(changes: Changes, peer: str) -> None:
    """Delete attributes, forwarding details, requests, notifications and metadata of ``peer``, in any status."""
    delete_after_decomposition(changes, peer)
    for request in changes.select(REQUESTS, peer=peer):
        changes.delete(REQUESTS, request.id)
    for notification in changes.select(NOTIFICATIONS, peer=peer):
        changes.delete(NOTIFICATIONS, notification.id)
    for pending in changes.select(PENDING_NOTIFICATIONS, peer=peer):
        changes.delete(PENDING_NOTIFICATIONS, pending.id)
    for metadata in changes.select(IDENTITY_METADATA, reference=peer):
        changes.delete(IDENTITY_METADATA, metadata.id)
