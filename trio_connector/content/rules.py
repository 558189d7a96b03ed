"""Rules and limits that several classes of content share, with their exact texts (content spec 3, 4, 14)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any

from trio_connector.content.javascript import length, longer_than
from trio_connector.content.kinds import Pattern, PlainObject, Raw, Rule, Text
from trio_connector.content.object_kinds import CoreText, ListOf, Moment
from trio_connector.crypto.json_text import json_text

ID = CoreText("CoreId", "id")
ADDRESS = CoreText("CoreAddress", "address")

Id = Annotated[str, ID]
"""An id; its format is not checked."""
Address = Annotated[str, ADDRESS]
"""The address of an identity; its format is not checked, ``""`` stands for the recipient."""
Date = Annotated[str, Moment()]
"""An ISO string in UTC with milliseconds."""
Metadata = Annotated[dict[str, Any], PlainObject()]
"""Free JSON of the sender."""

_UMLAUTS = "ÄäÖöÜüß"
_LABEL = f"[A-Za-z0-9{_UMLAUTS}]([A-Za-z0-9{_UMLAUTS}-]{{0,61}}[A-Za-z0-9{_UMLAUTS}])?"
_URL_LABEL = f"[A-Za-z0-9{_UMLAUTS}]([A-Za-z{_UMLAUTS}0-9-]{{0,61}}[A-Za-z{_UMLAUTS}0-9])?"
_MAIL_WORD = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"


def pattern(source: str, flags: str = "") -> Pattern:
    """A pattern from JavaScript's notation, whose ``$`` without flags is the very end and whose classes are ASCII."""
    python_source = f"{source[:-1]}\\Z" if source.endswith("$") else source
    return Pattern(source, flags, re.compile(python_source, re.ASCII | (re.IGNORECASE if "i" in flags else 0)))


EMAIL = pattern(
    f"^{_MAIL_WORD}(\\.{_MAIL_WORD})*@({_LABEL}\\.)+"
    f"[A-Za-z0-9{_UMLAUTS}][A-Za-z0-9{_UMLAUTS}-]{{0,61}}[A-Za-z0-9{_UMLAUTS}]$"
)
URL = pattern(
    f"^([A-Za-z]+:\\/\\/)?((www\\.)|(?!www\\.))({_URL_LABEL}\\.)+({_URL_LABEL})(:[0-9]+)?"
    f"(\\/[A-Za-z{_UMLAUTS}0-9?#@!$&'()*+,;=%-]*)*$"
)
PHONE_NUMBER = pattern(r"^[\d+\-x#*()/[\] ]{3,100}$")
HEX_COLOR = pattern("^#([0-9A-F]{3}){1,2}$", "i")
SCHEMA_URL = pattern(
    r"^((([A-Za-z]{3,9}:(?:\/\/)?)(?:[-;:&=+$,\w]+@)?[A-Za-z0-9.-]+|(?:www\.|[-;:&=+$,\w]+@)[A-Za-z0-9.-]+)"
    r"((?:\/[+~%/\\.\w\-_]*)?\??(?:[-+=&;%@.\w_]*)#?(?:[.!/\\\w]*))?)$"
)
CONSENT_LINK = pattern(
    r"^((([A-Za-z]{3,9}:(?:\/\/)?)(?:[\-;:&=\+\$,\w]+@)?[A-Za-z0-9\.\-]+|(?:www\.|[\-;:&=\+\$,\w]+@)[A-Za-z0-9\.\-]+)"
    r"((?:\/[\+~%\/\.\w\-_]*)?\??(?:[\-\+=&;%@\.\w_]*)#?(?:[\.\!\/\\\w]*))?)$",
    "i",
)


def text(maximum: int, minimum: int | None = None, shape: Pattern | None = None) -> Text:
    """A string of ``minimum`` to ``maximum`` code units."""
    return Text(min_length=minimum, max_length=maximum, pattern=shape)


def among(values: Sequence[str], message: str | None = None) -> Rule:
    """One of ``values``; ``message`` replaces the usual text."""
    known = frozenset(values)
    refusal = message or f"must be one of: {','.join(values)}"
    return lambda value: None if value in known else refusal


def not_empty(values: Sequence[Any]) -> str | None:
    """At least one element."""
    return None if values else "may not be empty"


def whole(value: float) -> str | None:
    """An integer (form fields)."""
    return None if isinstance(value, int) else "This value must be an integer."


def integer(value: float) -> str | None:
    """An integer (attribute values)."""
    return None if isinstance(value, int) else "must be an integer"


def integer_between(least: int, most: int) -> Rule:
    """An integer within limits."""
    refusal = f"must be an integer value between {least} and {most}"
    return lambda value: None if isinstance(value, int) and least <= value <= most else refusal


def json_within(limit: int) -> Rule:
    """JSON whose text has at most ``limit`` code units."""
    refusal = f"stringified value must not be longer than {limit} characters"
    return lambda value: refusal if longer_than(json_text(value), limit) else None


def proper_tags(tags: Sequence[str]) -> str | None:
    """Tags are unique, at most 20, each of at most 250 code units; their form is checked elsewhere (`tags`)."""
    if len(set(tags)) != len(tags):
        return "The tags are not unique."
    if len(tags) > 20:
        return "The maximum number of tags is 20."
    if any(length(tag) > 250 for tag in tags):
        return "The maximum length of a tag is 250 characters."
    return None


TAGS = ListOf(Text(), (proper_tags,))
Tags = Annotated[tuple[str, ...], TAGS]
"""Tags of an attribute or a query."""

Description = Annotated[str, text(500)]
Title = Annotated[str, text(200)]
SchemaUrl = Annotated[str, text(1024, 3, SCHEMA_URL)]

ANY_JSON = Raw()
SMALL_JSON = Raw(rules=(json_within(4096),))
LARGE_JSON = Raw(rules=(json_within(52428800),))
