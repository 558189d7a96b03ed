"""What the structs of Backbone answers share: unknown members are ignored, ``null`` is as good as absent, dates are
brought into the one form that records have (backbone spec 1.3).
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, get_args

import msgspec

from trio_connector.crypto.dates import normalized
from trio_connector.errors import DeserializationError

Date = Annotated[str, msgspec.Meta(max_length=40, title="date")]
"""A moment; after decoding ``2025-01-02T03:04:05.678Z``."""

Id = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9]{1,40}$")]
"""An id; safe as part of a path."""

Address = Annotated[str, msgspec.Meta(max_length=100)]
"""An identity's address; not checked further, since old or anonymised ones are legal here."""


class Answer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of everything the Backbone answers with."""

    def __post_init__(self) -> None:
        for name in _date_fields(type(self)):
            value = getattr(self, name)
            if value is not None:
                msgspec.structs.force_setattr(self, name, _date(value))


@cache
def _date_fields(kind: type[Answer]) -> tuple[str, ...]:
    return tuple(field.name for field in msgspec.structs.fields(kind) if Date in (field.type, *get_args(field.type)))


def _date(text: str) -> str:
    try:
        return normalized(text)
    except DeserializationError as error:
        raise ValueError(error.message) from error  # becomes a ValidationError that names the member
