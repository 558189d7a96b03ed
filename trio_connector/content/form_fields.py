"""Form fields: what a FormFieldRequestItem asks for, and which answers fit (content spec 9.1).

Two checks: `FormFieldSettings.creation_problem` when a request is made, `FormFieldSettings.answer_problem` when it is
answered. Both return the official reason or ``None``. A ``min`` or ``max`` of 0 is no limit, as in the official
software.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any

from trio_connector.content.javascript import length, shown
from trio_connector.content.kinds import ListOf, Number, Text
from trio_connector.content.model import Content
from trio_connector.content.moments import is_moment
from trio_connector.content.rules import whole


def _option_lengths(options: Sequence[str]) -> str | None:
    if all(1 <= length(option) <= 4096 for option in options):
        return None
    return "An option cannot be shorter than 1 character or longer than 4096 characters."


_WHOLE = Number(rules=(whole,))
_LENGTH = Number(minimum=0, maximum=4096, rules=(whole,))


class FormFieldSettings(Content, abstract=True):
    """What kind of answer is wanted."""

    def creation_problem(self) -> str | None:
        """Why a request with these settings cannot be made."""
        return None

    def answer_problem(self, answer: Any) -> str | None:
        """Why ``answer`` (JSON) does not fit."""
        raise NotImplementedError


class BooleanFormFieldSettings(FormFieldSettings):
    """Yes or no."""

    def answer_problem(self, answer: Any) -> str | None:
        return None if isinstance(answer, bool) else "A boolean form field must be accepted with a boolean."


class DateFormFieldSettings(FormFieldSettings):
    """A date."""

    def answer_problem(self, answer: Any) -> str | None:
        if isinstance(answer, str) and is_moment(answer):
            return None
        return "A date form field must be accepted with a valid date string in ISO 8601 format."


class _LimitedSettings(FormFieldSettings, abstract=True):
    """Settings with the members ``min`` and ``max``."""

    def _limits(self) -> tuple[float | None, float | None]:
        raise NotImplementedError

    def creation_problem(self) -> str | None:
        least, most = self._limits()
        return "The max cannot be smaller than the min." if least and most and most < least else None


class StringFormFieldSettings(_LimitedSettings):
    """Text; ``min`` and ``max`` limit its length."""

    allow_newlines: bool | None = None
    min: Annotated[int, _LENGTH] | None = None
    max: Annotated[int, _LENGTH] | None = None

    def _limits(self) -> tuple[float | None, float | None]:
        return self.min, self.max

    def answer_problem(self, answer: Any) -> str | None:
        if not isinstance(answer, str):
            return "A string form field must be accepted with a string."
        if self.max and length(answer) > self.max:
            return f"The length of the response cannot be greater than the max {self.max}."
        if self.min and length(answer) < self.min:
            return f"The length of the response cannot be smaller than the min {self.min}."
        return None


class _NumberSettings(_LimitedSettings, abstract=True):
    def _range_problem(self, answer: float) -> str | None:
        least, most = self._limits()
        if most and answer > most:
            return f"The response cannot be greater than the max {shown(most)}."
        if least and answer < least:
            return f"The response cannot be smaller than the min {shown(least)}."
        return None


class IntegerFormFieldSettings(_NumberSettings):
    """An integer."""

    unit: str | None = None
    min: Annotated[int, _WHOLE] | None = None
    max: Annotated[int, _WHOLE] | None = None

    def _limits(self) -> tuple[float | None, float | None]:
        return self.min, self.max

    def answer_problem(self, answer: Any) -> str | None:
        if not _is_number(answer) or answer != int(answer):
            return "An integer form field must be accepted with an integer."
        return self._range_problem(answer)


class DoubleFormFieldSettings(_NumberSettings):
    """A number."""

    unit: str | None = None
    min: Annotated[float, Number()] | None = None
    max: Annotated[float, Number()] | None = None

    def _limits(self) -> tuple[float | None, float | None]:
        return self.min, self.max

    def answer_problem(self, answer: Any) -> str | None:
        if not _is_number(answer):
            return "A double form field must be accepted with a double."
        return self._range_problem(answer)


class RatingFormFieldSettings(FormFieldSettings):
    """A rating from 1 to ``maxRating``."""

    max_rating: Annotated[int, Number(minimum=5, maximum=10, rules=(whole,))]

    def answer_problem(self, answer: Any) -> str | None:
        if _is_number(answer) and answer == int(answer) and 1 <= answer <= self.max_rating:
            return None
        return f"The rating form field must be accepted with an integer between 1 and {self.max_rating}."


class SelectionFormFieldSettings(FormFieldSettings):
    """One of the options, or several."""

    options: Annotated[tuple[str, ...], ListOf(Text(), (_option_lengths,))]
    allow_multiple_selection: bool | None = None

    def creation_problem(self) -> str | None:
        if not self.options:
            return "A selection form field must provide at least one option."
        if len(set(self.options)) != len(self.options):
            return "A selection form field must provide unique options."
        return None

    def answer_problem(self, answer: Any) -> str | None:
        if self.allow_multiple_selection:
            return self._selection_problem(answer)
        if not isinstance(answer, str):
            return "A selection form field that does not allow multiple selection must be accepted with a string."
        if answer not in self.options:
            return f"The selection form field does not provide the option '{answer}' for selection."
        return None

    def _selection_problem(self, answer: Any) -> str | None:
        if not isinstance(answer, (list, tuple)) or not all(isinstance(option, str) for option in answer):
            return "A selection form field that allows multiple selection must be accepted with a string array."
        if not answer:
            return "At least one option must be specified to accept a selection form field."
        if len(set(answer)) != len(answer):
            return "The options specified for accepting a selection form field must be unique."
        unknown = [option for option in answer if option not in self.options]
        if unknown:
            listed = ", ".join(f"'{option}'" for option in unknown)
            return f"The selection form field does not provide the following option(s) for selection: {listed}."
        return None


def _is_number(answer: Any) -> bool:
    return isinstance(answer, (int, float)) and not isinstance(answer, bool) and math.isfinite(answer)


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
