"""Notifications that the Backbone itself shows to peers (transport spec section 15)."""

from __future__ import annotations

from collections.abc import Sequence

from trio_connector.errors import CoreError
from trio_connector.usecases.relationships import active_relationship_to
from trio_connector.usecases.services import Services


async def send_backbone_notification(services: Services, recipients: Sequence[str], code: str) -> None:
    """Let the Backbone notify peers with which an active relationship exists; ``code`` must be known to it."""
    if not recipients:
        raise _error("atLeastOneRecipientRequired", "At least one recipient is required.")
    if not code:
        raise _error("codeMustNotBeEmpty", "The code must not be empty.")
    strangers = [address for address in recipients if active_relationship_to(services, address) is None]
    if strangers:
        raise _error(
            "noActiveRelationshipFoundForRecipients",
            f"No active Relationship found for recipients: {', '.join(strangers)}",
        )
    await services.backbone.notifications.send(list(recipients), code)


def _error(name: str, reason: str) -> CoreError:
    return CoreError(f"error.transport.backboneNotifications.{name}", reason)
