"""Inputs of the relationship template use cases (runtime spec 5.3)."""

from __future__ import annotations

from typing import Final

from trio_connector.usecases.validation.creation import CREATION_RULES
from trio_connector.usecases.validation.input import Input
from trio_connector.usecases.validation.schema import Number, Shape, Worded, any_of
from trio_connector.usecases.validation.types import (
    ADDRESS_STRING,
    ANYTHING,
    BOOLEAN,
    DATE_TIME,
    PASSWORD_PROTECTION,
    TEMPLATE_ID,
    TEMPLATE_REFERENCE,
    TEMPLATE_URL,
    TEXT,
    TOKEN_REFERENCE,
    TOKEN_URL,
)

CREATE_OWN_RELATIONSHIP_TEMPLATE: Final = Input(
    Shape(
        {
            "expiresAt": DATE_TIME,
            "content": ANYTHING,
            "maxNumberOfAllocations?": Number(minimum=1),
            "forIdentity?": ADDRESS_STRING,
            "passwordProtection?": PASSWORD_PROTECTION,
        }
    ),
    CREATION_RULES,
)
LOAD_PEER_RELATIONSHIP_TEMPLATE: Final = Input(
    Worded(
        Shape({"reference": any_of(TOKEN_REFERENCE, TEMPLATE_REFERENCE, TOKEN_URL, TEMPLATE_URL), "password?": TEXT}),
        "token / relationship template reference invalid",
    )
)
GET_RELATIONSHIP_TEMPLATE: Final = Input(Shape({"id": TEMPLATE_ID}))
DELETE_RELATIONSHIP_TEMPLATE: Final = Input(Shape({"templateId": TEMPLATE_ID}))
CREATE_TOKEN_FOR_OWN_RELATIONSHIP_TEMPLATE: Final = Input(
    Shape(
        {
            "templateId": TEMPLATE_ID,
            "expiresAt?": DATE_TIME,
            "ephemeral?": BOOLEAN,
            "forIdentity?": ADDRESS_STRING,
            "passwordProtection?": PASSWORD_PROTECTION,
        }
    ),
    CREATION_RULES,
)
TOKEN_BODY: Final = Shape(
    {
        "expiresAt?": DATE_TIME,
        "ephemeral?": BOOLEAN,
        "forIdentity?": ADDRESS_STRING,
        "passwordProtection?": PASSWORD_PROTECTION,
    },
    open_=True,
)
"""What clients send for a token about a template or a file; the id comes from the path."""
