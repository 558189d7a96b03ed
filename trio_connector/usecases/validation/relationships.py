"""Inputs of the relationship use cases (runtime spec 5.4)."""

from __future__ import annotations

from typing import Final

from trio_connector.usecases.validation.input import Input
from trio_connector.usecases.validation.schema import Shape
from trio_connector.usecases.validation.types import (
    ANYTHING,
    BOOLEAN,
    RELATIONSHIP_ID,
    TEMPLATE_ID,
    by_query,
    filters,
)

CAN_CREATE_RELATIONSHIP: Final = Input(Shape({"templateId": TEMPLATE_ID, "creationContent?": ANYTHING}))
CREATE_RELATIONSHIP: Final = Input(Shape({"templateId": TEMPLATE_ID, "creationContent": ANYTHING}))
GET_RELATIONSHIPS: Final = Input(by_query(filters("peer", "status", "templateId")))
GET_RELATIONSHIP: Final = Input(Shape({"id": RELATIONSHIP_ID}))
GET_ATTRIBUTES_FOR_RELATIONSHIP: Final = Input(
    Shape({"id": RELATIONSHIP_ID, "hideTechnical?": BOOLEAN, "onlyLatestVersions?": BOOLEAN})
)
CHANGE_RELATIONSHIP: Final = Input(Shape({"relationshipId": RELATIONSHIP_ID}))
"""Accept, reject, revoke, terminate, decompose, and everything about a reactivation."""
