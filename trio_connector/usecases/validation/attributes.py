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
from trio_connector.usecases.validation.schema import Constant, Shape
from trio_connector.usecases.validation.types import (
    ADDRESS_STRING,
    ANYTHING,
    ATTRIBUTE_ID,
    BOOLEAN,
    OPEN_OBJECT,
    SINGLE_FILTER,
    TEXT,
    TEXTS,
    filters,
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
NOTIFY_PEER: Final = Input(Shape({"attributeId": ATTRIBUTE_ID, "peer": ADDRESS_STRING}))

_SHARED_FILTERS: Final = (
    {"@type?": filters("@type")["@type?"], "createdAt?": SINGLE_FILTER}
    | filters("wasViewedAt", "content.@type", "content.tags", "content.key")
    | {"content.isTechnical?": SINGLE_FILTER}
    | filters(
        "content.confidentiality",
        "content.value.@type",
        "sourceReference",
        "deletionInfo",
        "deletionInfo.deletionStatus",
        "deletionInfo.deletionDate",
    )
)

ATTRIBUTE_FILTERS: Final = filters(
    "@type",
    "createdAt",
    "succeeds",
    "succeededBy",
    "wasViewedAt",
    "isDefault",
    "content.@type",
    "content.tags",
    "content.owner",
    "content.key",
    "content.isTechnical",
    "content.confidentiality",
    "content.value.@type",
    "peer",
    "sourceReference",
    "initialAttributePeer",
    "deletionInfo",
    "deletionInfo.deletionStatus",
    "deletionInfo.deletionDate",
)
"""What the list of all attributes can be filtered by; unknown names are ignored there, so nothing is checked."""

GET_ATTRIBUTE: Final = Input(Shape({"id": ATTRIBUTE_ID}))
GET_OWN_IDENTITY_ATTRIBUTES: Final = Input(
    Shape(
        {
            "onlyLatestVersions?": BOOLEAN,
            "query?": Shape(
                {"createdAt?": SINGLE_FILTER}
                | filters("wasViewedAt", isDefault=SINGLE_FILTER)
                | filters("content.tags", "content.value.@type")
            ),
        }
    )
)
GET_OWN_ATTRIBUTES_SHARED_WITH_PEER: Final = Input(
    Shape(
        {
            "peer": ADDRESS_STRING,
            "query?": Shape(_SHARED_FILTERS | {"isDefault?": SINGLE_FILTER}),
            "hideTechnical?": BOOLEAN,
            "onlyLatestVersions?": BOOLEAN,
        }
    )
)
GET_PEER_ATTRIBUTES: Final = Input(
    Shape(
        {
            "peer": ADDRESS_STRING,
            "query?": Shape(_SHARED_FILTERS | filters("initialAttributePeer")),
            "hideTechnical?": BOOLEAN,
            "onlyLatestVersions?": BOOLEAN,
        }
    )
)
GET_FORWARDING_DETAILS_FOR_ATTRIBUTE: Final = Input(
    Shape(
        {
            "attributeId": TEXT,
            "query?": Shape(
                filters(
                    "peer",
                    "sourceReference",
                    "sharedAt",
                    "deletionInfo",
                    "deletionInfo.deletionStatus",
                    "deletionInfo.deletionDate",
                )
            ),
        }
    )
)
GET_VERSIONS_OF_ATTRIBUTE: Final = Input(Shape({"attributeId": ATTRIBUTE_ID}))
GET_VERSIONS_OF_ATTRIBUTE_SHARED_WITH_PEER: Final = Input(
    Shape({"attributeId": ATTRIBUTE_ID, "peer": ADDRESS_STRING, "onlyLatestVersions?": BOOLEAN})
)
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
