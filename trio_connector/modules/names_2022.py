"""Event names that the documentation of 2022 used, and what they are called today (spec 08 section 5). Pure.

They count only where an operator writes them literally as a trigger: under ``**`` every event would come twice. The
names that existed are sent as the receiver knows them; those that only the documentation had are sent by their real
name.
"""

from __future__ import annotations

from typing import Final

from trio_connector.events.senders.payload import OldName

SENT_AS_BEFORE: Final[dict[str, tuple[str, OldName]]] = {
    "consumption.attributeSucceded": (
        "consumption.attributeSucceeded",
        OldName("consumption.attributeSucceded", member="successor"),
    ),
    "consumption.outgoingRequestFromRelationshipCreationChangeCreatedAndCompleted": (
        "consumption.outgoingRequestFromRelationshipCreationCreatedAndCompleted",
        OldName("consumption.outgoingRequestFromRelationshipCreationChangeCreatedAndCompleted"),
    ),
}

MISSPELT: Final[dict[str, str]] = {
    "consumption.outgoingRquestCreated": "consumption.outgoingRequestCreated",
    "transport.MessageReceived": "transport.messageReceived",
    "transport.MessageSent": "transport.messageSent",
}


def subscription(trigger: str) -> tuple[str, OldName | None]:
    """The pattern to subscribe for ``trigger``, and how its events are to be sent if not as they are."""
    if trigger in SENT_AS_BEFORE:
        return SENT_AS_BEFORE[trigger]
    return MISSPELT.get(trigger, trigger), None
