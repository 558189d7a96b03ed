"""Inputs of the message use cases (runtime spec 5.5)."""

from __future__ import annotations

from typing import Final

from trio_connector.usecases.validation.input import Input
from trio_connector.usecases.validation.schema import DUPLICATES_EARLIER, ListOf, Shape
from trio_connector.usecases.validation.types import (
    ADDRESS_STRING,
    ANYTHING,
    FILE_ID,
    MESSAGE_ID,
)

SEND_MESSAGE: Final = Input(
    Shape(
        {
            "recipients": ListOf(ADDRESS_STRING, min_items=1, unique=DUPLICATES_EARLIER),
            "content": ANYTHING,
            "attachments?": ListOf(FILE_ID, unique=DUPLICATES_EARLIER),
        },
        required=("content", "recipients"),
    )
)
GET_MESSAGE: Final = Input(Shape({"id": MESSAGE_ID}))
GET_ATTACHMENT: Final = Input(Shape({"id": MESSAGE_ID, "attachmentId": FILE_ID}))
