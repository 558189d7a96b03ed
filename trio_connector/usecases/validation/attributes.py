"""Inputs of the attribute use cases (runtime spec 5.6)."""

from __future__ import annotations

from typing import Any, Final

from trio_connector.usecases.validation.attribute_values import (
    CREATION_HINTS,
    IDENTITY_VALUE,
    IDENTITY_VALUES,
    RELATIONSHIP_VALUE,
)
from trio_connector.usecases.validation.input import Circumstances, Input
from trio_connector.usecases.validation.schema import Constant, Shape, any_of
from trio_connector.usecases.validation.types import (
    ADDRESS_STRING,
    ANYTHING,
    ATTRIBUTE_ID,
    OPEN_OBJECT,
    TEXT,
    TEXTS,
)

UNKNOWN_VALUE_TYPE: Final = (
    "content.value.@type must match one of the allowed Attribute value types for IdentityAttributes"
)


def identity_value_violation(value: Any) -> str | None:
    """What is wrong with the value of a new identity attribute: ``<Type> :: <refusal>``, or nothing."""
    shape = IDENTITY_VALUES.get(value["@type"]) if _typed(value) else None
    if shape is None:
        return UNKNOWN_VALUE_TYPE
    found = shape.violation(value)
    return None if found is None else f"{value['@type']} :: {found.message}"


def _typed(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("@type"), str)


def _content_is_an_identity_value(request: Any, circumstances: Circumstances) -> str | None:
    return identity_value_violation(request["content"]["value"])


_NEW_IDENTITY_ATTRIBUTE: Final = Shape({"content": Shape({"value": ANYTHING, "tags?": TEXTS})})

CAN_CREATE_OWN_IDENTITY_ATTRIBUTE: Final = Input(_NEW_IDENTITY_ATTRIBUTE)
"""The value is not checked here: what is wrong with it is part of the answer, see `identity_value_violation`."""
CREATE_OWN_IDENTITY_ATTRIBUTE: Final = Input(_NEW_IDENTITY_ATTRIBUTE, (_content_is_an_identity_value,))

SUCCEED_OWN_IDENTITY_ATTRIBUTE: Final = Input(
    Shape({"predecessorId": TEXT, "successorContent": Shape({"value": IDENTITY_VALUE, "tags?": TEXTS})})
)
SUCCEED_RELATIONSHIP_ATTRIBUTE: Final = Input(
    Shape({"predecessorId": ATTRIBUTE_ID, "successorContent": Shape({"value": RELATIONSHIP_VALUE})})
)
SUCCEED_BODY: Final = Shape(
    {"successorContent": Shape({"value": any_of(IDENTITY_VALUE, RELATIONSHIP_VALUE), "tags?": TEXTS})}
)
NOTIFY_PEER_BODY: Final = Shape({"peer": ADDRESS_STRING}, open_=True)
NEW_IDENTITY_ATTRIBUTE_BODY: Final = Shape({"content": Shape({"value": IDENTITY_VALUE, "tags?": TEXTS})})
"""What clients send; ids come from the path."""
NOTIFY_PEER: Final = Input(Shape({"attributeId": ATTRIBUTE_ID, "peer": ADDRESS_STRING}))

GET_ATTRIBUTE: Final = Input(Shape({"id": ATTRIBUTE_ID}))
OF_PEER: Final = Input(Shape({"peer": ADDRESS_STRING}))
"""The lists of what a peer has or gave; their filters are checked where they are parsed."""
GET_VERSIONS_OF_ATTRIBUTE: Final = Input(Shape({"attributeId": ATTRIBUTE_ID}))
GET_VERSIONS_OF_ATTRIBUTE_SHARED_WITH_PEER: Final = Input(Shape({"attributeId": ATTRIBUTE_ID, "peer": ADDRESS_STRING}))
DELETE_ATTRIBUTE_AND_NOTIFY: Final = Input(Shape({"attributeId": ATTRIBUTE_ID}))

EXECUTE_IQL_QUERY: Final = Input(
    Shape(
        {
            "query": Shape(
                {
                    "@type?": Constant("IQLQuery"),
                    "queryString": TEXT,
                    "attributeCreationHints?": CREATION_HINTS,
                    "@context?": TEXT,
                    "@version?": TEXT,
                }
            )
        }
    )
)
VALIDATE_IQL_QUERY: Final = Input(
    Shape(
        {
            "query": Shape(
                {
                    "@type": Constant("IQLQuery"),
                    "@context?": TEXT,
                    "@version?": TEXT,
                    "queryString": TEXT,
                    "attributeCreationHints?": CREATION_HINTS,
                }
            )
        }
    )
)
QUERY_BODY: Final = Shape({"query": OPEN_OBJECT}, open_=True)
"""What the other queries are documented as; they are not checked, their content is parsed (runtime spec 2.4)."""
