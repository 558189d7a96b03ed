"""Inputs of the file use cases (runtime spec 5.2)."""

from __future__ import annotations

from typing import Any, Final

from trio_connector.usecases.validation.creation import CREATION_RULES, expires_in_future
from trio_connector.usecases.validation.input import Circumstances, Input
from trio_connector.usecases.validation.schema import (
    DUPLICATES_LATER,
    Definitions,
    JsonSchema,
    ListOf,
    Schema,
    Shape,
    Violation,
    Worded,
    any_of,
)
from trio_connector.usecases.validation.types import (
    ADDRESS_STRING,
    BOOLEAN,
    DATE_TIME,
    FILE_ID,
    FILE_REFERENCE,
    FILE_URL,
    PASSWORD_PROTECTION,
    TEXT,
    TOKEN_REFERENCE,
    TOKEN_URL,
)


class _Content(Schema):
    """The bytes of a file; the only value in an input that is not JSON."""

    def violation(self, value: Any, path: str = "") -> Violation | None:
        return None if isinstance(value, bytes | bytearray | memoryview) else Violation(path, "must be object")

    def json_schema(self, definitions: Definitions) -> JsonSchema:
        return {"type": "string", "format": "binary"}


def content_is_small_enough(request: Any, circumstances: Circumstances) -> str | None:
    """The content is at most ``max_file_bytes`` long."""
    return "'content' is too large" if len(request["content"]) > circumstances.max_file_bytes else None


UPLOAD_OWN_FILE: Final = Input(
    Shape(
        {
            "filename": TEXT,
            "mimetype": TEXT,
            "expiresAt?": DATE_TIME,
            "title?": TEXT,
            "description?": TEXT,
            "tags?": ListOf(TEXT, unique=DUPLICATES_LATER),
            "content": _Content(),
        },
        required=("content", "filename", "mimetype"),
    ),
    (content_is_small_enough, expires_in_future),
)
GET_OR_LOAD_FILE: Final = Input(
    Worded(
        Shape({"reference": any_of(TOKEN_REFERENCE, FILE_REFERENCE, TOKEN_URL, FILE_URL), "password?": TEXT}),
        "token / file reference invalid",
    )
)
GET_FILE: Final = Input(Shape({"id": FILE_ID}))
DOWNLOAD_FILE: Final = Input(Shape({"id": FILE_ID}))
DELETE_FILE: Final = Input(Shape({"fileId": FILE_ID}))
REGENERATE_FILE_OWNERSHIP_TOKEN: Final = Input(Shape({"id": FILE_ID}))
CREATE_TOKEN_FOR_FILE: Final = Input(
    Shape(
        {
            "fileId": FILE_ID,
            "expiresAt?": DATE_TIME,
            "ephemeral?": BOOLEAN,
            "forIdentity?": ADDRESS_STRING,
            "passwordProtection?": PASSWORD_PROTECTION,
        }
    ),
    CREATION_RULES,
)
UPLOAD_FORM: Final = Shape(
    {"file": _Content(), "expiresAt?": DATE_TIME, "title?": TEXT, "description?": TEXT, "tags?": ListOf(TEXT)},
    open_=True,
)
"""The multipart form of an upload."""
