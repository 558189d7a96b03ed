"""What the processors of external events share: reading payloads, and telling of each event once (transport 16.3)."""

from __future__ import annotations

from trio_connector.backbone import ExternalEvent
from trio_connector.errors import UnexpectedCondition
from trio_connector.store import Unit

PROCESSED_EVENTS = "ProcessedExternalEvents"
"""Map from the id of an external event to true, until its run is finalized."""


def payload_id(event: ExternalEvent, member: str) -> str:
    """The id in the payload; raises UnexpectedCondition when it is none."""
    value = event.payload.get(member)
    if not isinstance(value, str) or not value or len(value) > 100:
        raise UnexpectedCondition(f"The external event '{event.type}' has no '{member}'.")
    return value


def first_time(unit: Unit, event_id: str) -> bool:
    """Whether the event is told of for the first time; one that was committed before the process died is not."""
    if unit.value(PROCESSED_EVENTS, event_id) is not None:
        return False
    unit.put_value(PROCESSED_EVENTS, event_id, True)
    return True
