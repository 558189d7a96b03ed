"""Inputs of the relationship use cases (runtime spec 5.4)."""

from __future__ import annotations

from typing import Final

from trio_connector.usecases.validation.input import Input
from trio_connector.usecases.validation.schema import Shape
from trio_connector.usecases.validation.types import (
    ANYTHING,
    RELATIONSHIP_ID,
    TEMPLATE_ID,
)

CAN_CREATE_RELATIONSHIP: Final = Input(Shape({"templateId": TEMPLATE_ID, "creationContent?": ANYTHING}))
CREATE_RELATIONSHIP: Final = Input(Shape({"templateId": TEMPLATE_ID, "creationContent": ANYTHING}))
GET_RELATIONSHIP: Final = Input(Shape({"id": RELATIONSHIP_ID}))
GET_ATTRIBUTES_FOR_RELATIONSHIP: Final = Input(Shape({"id": RELATIONSHIP_ID}))
CHANGE_RELATIONSHIP: Final = Input(Shape({"relationshipId": RELATIONSHIP_ID}))
"""Accept, reject, revoke, terminate, decompose, and everything about a reactivation."""
