"""Relationship changes, which the Backbone no longer knows (spec 08 section 6).

A relationship is shown with one change, its creation; accepting, rejecting and revoking that change does so to the
relationship. An answer cannot carry a content any more: one that says something is refused, so that nobody believes it
arrived. A termination needs nobody's consent today, so asking for one ends the relationship.
"""

from __future__ import annotations

from typing import Any, Final

from trio_connector.api.call import Call
from trio_connector.api.legacy.adapting import Shape, old
from trio_connector.api.routes.inputs import checked_path
from trio_connector.api.routing import Route
from trio_connector.domain.shapes_2022 import change_id
from trio_connector.errors import ConnectorError, runtime_record_not_found
from trio_connector.usecases.relationships import get_relationship
from trio_connector.usecases.validation import relationships as inputs

RELATIONSHIP: Final = "Relationships/{id}"


def content_cannot_be_transmitted() -> ConnectorError:
    """The answer to a relationship has a content."""
    return ConnectorError(
        "error.connector.legacy.contentCannotBeTransmitted",
        "The Backbone no longer transmits a content with the answer to a Relationship. Answer without 'content' and "
        "send a Message instead.",
    )


def change_routes(shape: Shape) -> tuple[Route, ...]:
    """The routes of the changes of a relationship, which is shown in ``shape``."""
    return (
        old("POST", f"{RELATIONSHIP}/Changes", of=f"{RELATIONSHIP}/Terminate", method_today="PUT", shape=shape),
        *(_answering(name, shape) for name in ("Accept", "Reject", "Revoke")),
    )


def _answering(name: str, shape: Shape) -> Route:
    def checked(call: Call) -> Call:
        relationship_id = checked_path(call, inputs.CHANGE_RELATIONSHIP, relationshipId="id")
        get_relationship(call.services, relationship_id)
        if call.path["changeId"] != change_id(relationship_id):
            raise runtime_record_not_found("RelationshipChange")
        content: Any = call.body.get("content") if isinstance(call.body, dict) else None
        if content not in (None, {}):
            raise content_cannot_be_transmitted()
        return call

    return old("PUT", f"{RELATIONSHIP}/Changes/{{changeId}}/{name}", checked, of=f"{RELATIONSHIP}/{name}", shape=shape)
