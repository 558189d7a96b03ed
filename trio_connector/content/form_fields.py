"""Form fields: what a FormFieldRequestItem asks for (content spec 9.1).

Whether settings make sense and an answer fits them is decided where request items are processed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from trio_connector.content.javascript import length
from trio_connector.content.kinds import Number, Text
from trio_connector.content.model import Content
from trio_connector.content.object_kinds import ListOf
from trio_connector.content.rules import whole


def _option_lengths(options: Sequence[str]) -> str | None:
    if all(1 <= length(option) <= 4096 for option in options):
        return None
    return "An option cannot be shorter than 1 character or longer than 4096 characters."


_WHOLE = Number(rules=(whole,))
_LENGTH = Number(minimum=0, maximum=4096, rules=(whole,))


class FormFieldSettings(Content, abstract=True):
    """What kind of answer is wanted."""


class BooleanFormFieldSettings(FormFieldSettings):
    """Yes or no."""


class DateFormFieldSettings(FormFieldSettings):
    """A date."""


class StringFormFieldSettings(FormFieldSettings):
    """Text; ``min`` and ``max`` limit its length."""

    allow_newlines: bool | None = None
    min: Annotated[int, _LENGTH] | None = None
    max: Annotated[int, _LENGTH] | None = None


class IntegerFormFieldSettings(FormFieldSettings):
    """An integer."""

    unit: str | None = None
    min: Annotated[int, _WHOLE] | None = None
    max: Annotated[int, _WHOLE] | None = None


class DoubleFormFieldSettings(FormFieldSettings):
    """A number."""

    unit: str | None = None
    min: Annotated[float, Number()] | None = None
    max: Annotated[float, Number()] | None = None


class RatingFormFieldSettings(FormFieldSettings):
    """A rating from 1 to ``maxRating``."""

    max_rating: Annotated[int, Number(minimum=5, maximum=10, rules=(whole,))]


class SelectionFormFieldSettings(FormFieldSettings):
    """One of the options, or several."""

    options: Annotated[tuple[str, ...], ListOf(Text(), (_option_lengths,))]
    allow_multiple_selection: bool | None = None


FORM_FIELD_SETTINGS: tuple[str, ...] = tuple(
    cls.__name__
    for cls in (
        BooleanFormFieldSettings,
        DateFormFieldSettings,
        DoubleFormFieldSettings,
        IntegerFormFieldSettings,
        RatingFormFieldSettings,
        SelectionFormFieldSettings,
        StringFormFieldSettings,
    )
)
"""All settings, in the order in which messages list them."""
