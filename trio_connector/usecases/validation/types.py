"""The string types and common parts that inputs are made of (runtime spec 2.2 and 2.3)."""

from __future__ import annotations

from typing import Final

from trio_connector.usecases.validation.patterns import (
    ADDRESS,
    ISO_8601_DATE_TIME,
    id_pattern,
    truncated_reference,
    url_reference,
)
from trio_connector.usecases.validation.schema import (
    Anything,
    Boolean,
    ListOf,
    Number,
    Shape,
    Text,
    Worded,
    any_of,
)

ANYTHING: Final = Anything()
TEXT: Final = Text()
BOOLEAN: Final = Boolean()
NUMBER: Final = Number()
TEXTS: Final = ListOf(TEXT)
OPEN_OBJECT: Final = Shape({}, open_=True)

ADDRESS_STRING: Final = Text(ADDRESS)
TOKEN_ID: Final = Text(id_pattern("TOK"))
ATTRIBUTE_ID: Final = Text(id_pattern("ATT"))
REQUEST_ID: Final = Text(id_pattern("REQ"))
MESSAGE_ID: Final = Text(id_pattern("MSG"))
TEMPLATE_ID: Final = Text(id_pattern("RLT"))
RELATIONSHIP_ID: Final = Text(id_pattern("REL"))
FILE_ID: Final = Text(id_pattern("FIL"))

TOKEN_REFERENCE: Final = Text(truncated_reference("VE9L"))
FILE_REFERENCE: Final = Text(truncated_reference("RklM"))
TEMPLATE_REFERENCE: Final = Text(truncated_reference("UkxU"))
TOKEN_URL: Final = Text(url_reference("TOK"))
FILE_URL: Final = Text(url_reference("FIL"))
TEMPLATE_URL: Final = Text(url_reference("RLT"))

DATE_TIME: Final = Worded(Text(ISO_8601_DATE_TIME), "must match ISO8601 datetime format")

PASSWORD_PROTECTION: Final = Shape(
    {"password": Text(min_length=1), "passwordIsPin?": Boolean(only=True), "passwordLocationIndicator?": ANYTHING}
)

FILTER: Final = any_of(TEXT, TEXTS)
"""A query parameter that may be given more than once."""
SINGLE_FILTER: Final = TEXT
"""A query parameter that may be given once."""
