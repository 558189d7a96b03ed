"""From a call to what a use case is given: the request as its schema knows it, filters, flags, passwords."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from trio_connector.api.call import Call
from trio_connector.api.request import Parameters
from trio_connector.domain.password_protection import PasswordProtectionParameters
from trio_connector.domain.query import Query
from trio_connector.domain.query_language import ListFields, parse_query
from trio_connector.errors import ValidationFailed
from trio_connector.usecases.validation import Circumstances, Input
from trio_connector.usecases.validation.dates import normalized_date
from trio_connector.usecases.validation.schema import Choice, Schema
from trio_connector.usecases.validation.types import BOOLEAN, FILTER, SINGLE_FILTER

_FLOAT: Final = re.compile(r"\s*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)")

VERSION_FLAGS: Final[Mapping[str, Schema]] = {"onlyLatestVersions": BOOLEAN}
PEER_FLAGS: Final[Mapping[str, Schema]] = {"onlyLatestVersions": BOOLEAN, "hideTechnical": BOOLEAN}


def check(call: Call, input_: Input, request: Any) -> None:
    """Raise ValidationFailed unless ``request`` is what the use case takes."""
    input_.check(request, Circumstances(now=call.parts.clock(), max_file_bytes=call.parts.max_file_bytes))


def checked_path(call: Call, input_: Input, **names: str) -> str:
    """The request made of path parameters, checked: ``names`` maps the use case's names to the path's.

    Answers the value of the first.
    """
    request = {name: call.path[parameter] for name, parameter in names.items()}
    check(call, input_, request)
    return next(iter(request.values()))


def extended(body: Any, **members: Any) -> Any:
    """The body with ``members`` set; a body that is no object stays as it is and is refused by its schema."""
    return {**body, **members} if isinstance(body, dict) else body


def picked(body: Any, names: Iterable[str]) -> dict[str, Any]:
    """Only these members of the body; whatever else it has is ignored."""
    return {name: body[name] for name in names if name in body} if isinstance(body, dict) else {}


def query_of(call: Call, fields: ListFields, *, without: Iterable[str] = ()) -> Query:
    """What the query parameters ask of a list. ``without`` names parameters that are no filters."""
    parameters: Parameters = call.query
    if without:
        parameters = {name: value for name, value in parameters.items() if name not in without}
    return parse_query(parameters, fields)


def filters_of(fields: ListFields) -> dict[str, Schema]:
    """The query parameters of a list, for its description."""
    described: dict[str, Schema] = {}
    for name in fields.names:
        if name in fields.allowed:
            described[name] = Choice(fields.allowed[name])
        else:
            described[name] = SINGLE_FILTER if name in fields.single else FILTER
    return described


def flag(call: Call, name: str, default: bool) -> bool:
    """A boolean query parameter: ``true`` in any case, any other text is false. Raises ValidationFailed for two."""
    value = call.query.get(name)
    if value is None:
        return default
    if isinstance(value, list):
        raise ValidationFailed(f"{name} must be boolean")
    return value.lower() == "true"


def number(call: Call, name: str) -> float | None:
    """A numeric query parameter, read from the start of its text. Raises ValidationFailed when there is none."""
    value = call.query.get(name)
    if value is None:
        return None
    found = _FLOAT.match(value if isinstance(value, str) else value[0])
    if found is None:
        raise ValidationFailed(f"{name} must be number")
    read = float(found[1])
    if read in (float("inf"), float("-inf")):
        raise ValidationFailed(f"{name} must be number")
    return int(read) if read.is_integer() else read


def expiry(request: Mapping[str, Any]) -> str | None:
    """``expiresAt`` of a checked request as dates are written everywhere; raises UnexpectedCondition."""
    given = request.get("expiresAt")
    return None if given is None else normalized_date(given)


def password_protection(request: Mapping[str, Any]) -> PasswordProtectionParameters | None:
    """The password protection of a checked request."""
    protection = request.get("passwordProtection")
    if not protection:
        return None
    return PasswordProtectionParameters(
        password=protection["password"],
        is_pin=protection.get("passwordIsPin") is True,
        location_indicator=protection.get("passwordLocationIndicator"),
    )
