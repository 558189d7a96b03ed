"""Which own message carries a request, a response or a notification. Pure."""

from __future__ import annotations

from typing import Literal

from trio_connector.domain.changes import Reader
from trio_connector.domain.message import MESSAGES, Message

CarriedBy = Literal["Request", "ResponseWrapper", "Notification"]


def own_message_carrying(reader: Reader, carried_id: str, content_type: CarriedBy) -> Message | None:
    """The own message whose content of this type has, or answers, ``carried_id``."""
    return next(
        (
            message
            for message in reader.select(MESSAGES, carried_id=carried_id)
            if message.is_own and message.content.get("@type") == content_type
        ),
        None,
    )
