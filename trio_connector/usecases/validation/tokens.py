"""Inputs of the token use cases (runtime spec 5.3)."""

from __future__ import annotations

from typing import Final

from trio_connector.usecases.validation.creation import CREATION_RULES
from trio_connector.usecases.validation.input import Input
from trio_connector.usecases.validation.schema import Shape, Worded, any_of
from trio_connector.usecases.validation.types import (
    ADDRESS_STRING,
    ANYTHING,
    BOOLEAN,
    DATE_TIME,
    PASSWORD_PROTECTION,
    TEXT,
    TOKEN_ID,
    TOKEN_REFERENCE,
    TOKEN_URL,
)

CREATE_OWN_TOKEN: Final = Input(
    Shape(
        {
            "content": ANYTHING,
            "expiresAt": DATE_TIME,
            "ephemeral": BOOLEAN,
            "forIdentity?": ADDRESS_STRING,
            "passwordProtection?": PASSWORD_PROTECTION,
        }
    ),
    CREATION_RULES,
)
LOAD_PEER_TOKEN: Final = Input(
    Worded(
        Shape({"reference": any_of(TOKEN_REFERENCE, TOKEN_URL), "ephemeral": BOOLEAN, "password?": TEXT}),
        "token reference invalid",
    )
)
GET_TOKEN: Final = Input(Shape({"id": TOKEN_ID}))
DELETE_TOKEN: Final = Input(Shape({"tokenId": TOKEN_ID}))
