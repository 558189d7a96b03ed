"""FormFieldRequestItem: asks the peer to fill in a field (consumption spec 3.2, content spec 9.1). Pure.

Limits of 0 are ignored, as the official software does; so is ``allowNewlines``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from trio_connector.content.javascript import length, shown
from trio_connector.content.moments import is_moment
from trio_connector.domain.changes import Changes, View
from trio_connector.domain.identity import Json
from trio_connector.domain.requests.items.processor import (
    FileFacts,
    ItemProcessor,
    RequestContext,
    accepted,
    invalid_accept_parameters,
    invalid_request_item,
)
from trio_connector.errors import ConnectorError, DeserializationError

_PARAMETERS = "AcceptFormFieldRequestItemParameters"


class FormFieldProcessor(ItemProcessor):
    """Processes FormFieldRequestItems."""

    def can_create(
        self, view: View, item: Json, recipient: str | None, files: Mapping[str, FileFacts]
    ) -> ConnectorError | None:
        """The field must be possible to fill in."""
        reason = creation_problem(item["settings"])
        return None if reason is None else invalid_request_item(reason)

    def can_accept(self, view: View, item: Json, entry: Json, request: RequestContext) -> ConnectorError | None:
        """The response must fit the field."""
        reason = answer_problem(item["settings"], _parsed_response(entry))
        return None if reason is None else invalid_accept_parameters(reason)

    def accept(self, changes: Changes, item: Json, entry: Json, request: RequestContext) -> Json:
        """Answer. An empty string or one of more than 4096 characters is refused where the response is made."""
        return accepted("FormFieldAcceptResponseItem", response=_parsed_response(entry))


def _parsed_response(entry: Json) -> Any:
    response = entry.get("response")
    if response is None or (isinstance(response, float) and math.isnan(response)):
        raise DeserializationError(f"{_PARAMETERS}.response :: Value is not defined")
    if not isinstance(response, (str, int, float, bool, list)):
        raise DeserializationError(f"{_PARAMETERS}.response :: Value is not an allowed type.")
    if isinstance(response, list) and not all(isinstance(option, str) for option in response):
        raise DeserializationError(
            f"{_PARAMETERS}.response:Object :: If the response is an array, it must be a string array."
        )
    return response


def creation_problem(settings: Json) -> str | None:
    """Why nobody could ever fill in a field with these settings, or None."""
    match settings["@type"]:
        case "StringFormFieldSettings" | "IntegerFormFieldSettings" | "DoubleFormFieldSettings":
            low, high = settings.get("min"), settings.get("max")
            return "The max cannot be smaller than the min." if low and high and high < low else None
        case "SelectionFormFieldSettings":
            options = settings["options"]
            if not options:
                return "A selection form field must provide at least one option."
            return "A selection form field must provide unique options." if len(set(options)) < len(options) else None
        case _:
            return None


def answer_problem(settings: Json, answer: Any) -> str | None:
    """Why ``answer`` (a string, number, boolean or list of strings) does not fit the field, or None."""
    match settings["@type"]:
        case "StringFormFieldSettings":
            if not isinstance(answer, str):
                return "A string form field must be accepted with a string."
            return _limit_problem(settings, length(answer), "The length of the response")
        case "IntegerFormFieldSettings":
            if not _is_integer(answer):
                return "An integer form field must be accepted with an integer."
            return _limit_problem(settings, answer, "The response")
        case "DoubleFormFieldSettings":
            if not _is_number(answer):
                return "A double form field must be accepted with a double."
            return _limit_problem(settings, answer, "The response")
        case "BooleanFormFieldSettings":
            return None if isinstance(answer, bool) else "A boolean form field must be accepted with a boolean."
        case "DateFormFieldSettings":
            text = "A date form field must be accepted with a valid date string in ISO 8601 format."
            return None if isinstance(answer, str) and is_moment(answer) else text
        case "RatingFormFieldSettings":
            highest = settings["maxRating"]
            text = f"The rating form field must be accepted with an integer between 1 and {highest}."
            return None if _is_integer(answer) and 1 <= answer <= highest else text
        case _:
            return _selection_problem(settings, answer)


def _selection_problem(settings: Json, answer: Any) -> str | None:
    options = settings["options"]
    if not settings.get("allowMultipleSelection"):
        if not isinstance(answer, str):
            return "A selection form field that does not allow multiple selection must be accepted with a string."
        if answer not in options:
            return f"The selection form field does not provide the option '{answer}' for selection."
        return None
    if not isinstance(answer, list):
        return "A selection form field that allows multiple selection must be accepted with a string array."
    if not answer:
        return "At least one option must be specified to accept a selection form field."
    if len(set(answer)) < len(answer):
        return "The options specified for accepting a selection form field must be unique."
    missing = [option for option in answer if option not in options]
    if missing:
        listed = ", ".join(f"'{option}'" for option in missing)
        return f"The selection form field does not provide the following option(s) for selection: {listed}."
    return None


def _limit_problem(settings: Json, value: float, subject: str) -> str | None:
    low, high = settings.get("min"), settings.get("max")
    if high and value > high:
        return f"{subject} cannot be greater than the max {shown(high)}."
    if low and value < low:
        return f"{subject} cannot be smaller than the min {shown(low)}."
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_integer(value: Any) -> bool:
    return _is_number(value) and value == math.floor(value)
