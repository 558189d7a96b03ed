"""``/api/v1``: the API of 2022 (spec 08 sections 2 and 3), in the shapes of ``domain/shapes_2022.py``."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from trio_connector.api.answer import Answer
from trio_connector.api.call import Call
from trio_connector.api.errors import ApiError
from trio_connector.api.legacy.adapting import Json, Shape, old, plain, translated
from trio_connector.api.legacy.attributes import attribute_list, owned_identity_content
from trio_connector.api.legacy.generation import Generation
from trio_connector.api.legacy.relationship_changes import change_routes
from trio_connector.api.legacy.stored import stored_dto
from trio_connector.api.legacy.translating import (
    ALLOCATION_LIMIT,
    RELATIONSHIP_LIMIT,
    limited_relationships,
    of_body,
    of_query,
    referenced,
    wrapping,
)
from trio_connector.api.routing import Route
from trio_connector.crypto.references import FileReference, RelationshipTemplateReference, TokenReference
from trio_connector.domain.message import MESSAGE_CONTENT_TYPES, MESSAGES
from trio_connector.domain.relationship import CREATION_CONTENT_TYPES, RELATIONSHIPS
from trio_connector.domain.shapes_2022 import (
    RELATIONSHIP_CHANGE,
    attribute_2022,
    content_of_2022,
    file_2022,
    message_2022,
    message_with_attachments_2022,
    relationship_2022,
    request_2022,
    template_2022,
    token_2022,
)
from trio_connector.domain.template import TEMPLATE_CONTENT_TYPES
from trio_connector.errors import ConnectorError, ValidationFailed
from trio_connector.usecases.attributes.querying import execute_relationship_attribute_query
from trio_connector.usecases.services import Services

QR: Final = "nmshd://qr#"
DOCUMENTATION: Final = "https://enmeshed.eu/integrate/errorCodes#"

_ERRORS: Final = {
    "error.connector.http.routeDoesNotExist": ("error.connector.routeDoesNotExist", "This route does not exist."),
    "error.connector.unauthorized": ("error.runtime.unauthorized", "Unauthorized."),
}


def error_2022(error: ApiError) -> ApiError:
    """An error as 2022 told of it: two older codes, no 500 for what the Backbone refused, older documentation links."""
    code, message = _ERRORS.get(error.code, (error.code, error.message))
    status = 400 if error.status == 500 and code.startswith("error.platform.") else error.status
    return replace(error, status=status, code=code, message=message, docs=DOCUMENTATION + code.lower())


# --- shapes --------------------------------------------------------------------------------------------------------


def _relationship(services: Services, dto: Json) -> Json:
    return relationship_2022(dto, stored_dto(services, services.collections.templates, dto["templateId"]))


def _challenge_validation(services: Services, dto: Json) -> Json:
    relationship = dto.get("correspondingRelationship")
    return dto if relationship is None else {**dto, "correspondingRelationship": _relationship(services, relationship)}


FILE: Final = plain(file_2022)
TOKEN: Final = plain(token_2022)
TEMPLATE: Final = plain(template_2022)
MESSAGE: Final = plain(message_2022)
ATTRIBUTE: Final = plain(attribute_2022)
REQUEST: Final = plain(request_2022)
RELATIONSHIP: Final[Shape] = _relationship


# --- translations --------------------------------------------------------------------------------------------------

_message_content = wrapping("content", MESSAGE_CONTENT_TYPES, "ArbitraryMessageContent", content_of_2022)
_template_content = wrapping("content", TEMPLATE_CONTENT_TYPES, "ArbitraryRelationshipTemplateContent", content_of_2022)
_creation_content = wrapping(
    "creationContent", CREATION_CONTENT_TYPES, "ArbitraryRelationshipCreationContent", content_of_2022
)
_request_content = of_body(lambda body: {**body, **_converted(body)})
_template_filters = of_query({RELATIONSHIP_LIMIT: ALLOCATION_LIMIT})
_request_filters = of_query({}, {"response.source.type": {RELATIONSHIP_CHANGE: "Relationship"}})


def _converted(body: Json) -> Json:
    return {"content": content_of_2022(body["content"])} if "content" in body else {}


def _as_query(call: Call) -> Call:
    return translated(call, body={"query": call.body})


@of_body
def _relationship_to_create(body: Json) -> Json:
    if "content" not in body:
        raise ValidationFailed("must have required property 'content'")
    return {("creationContent" if name == "content" else name): value for name, value in body.items()}


def _complete_upload(call: Call) -> Call:
    fields: Any = call.form.fields if call.form is not None else {}
    for name in ("expiresAt", "title"):
        if name not in fields:
            raise ValidationFailed(f"must have required property '{name}'")
    return call


# --- routes of their own -------------------------------------------------------------------------------------------


async def _sync(call: Call) -> Answer:
    services = call.services
    changed = await services.synchronizer.sync_everything()
    relationships: list[Any] = []
    messages: list[Any] = []
    for id_ in dict.fromkeys(changed.ids):
        if (relationship := stored_dto(services, RELATIONSHIPS, id_)) is not None:
            relationships.append(_relationship(services, relationship))
        elif (message := stored_dto(services, MESSAGES, id_)) is not None:
            messages.append(message_2022(message))
    return call.result({"relationships": relationships, "messages": messages})


async def _relationship_query(call: Call) -> Answer:
    try:
        found = await execute_relationship_attribute_query(call.services, {"query": call.body})
    except ConnectorError as error:
        if error.code != "error.runtime.recordNotFound":
            raise
        return call.result([])
    return call.result([attribute_2022(msgspec.to_builtins(found))])


ROUTES: Final = (
    old("GET", "Account/IdentityInfo"),
    old("GET", "Account/SyncInfo"),
    Route(
        "POST",
        "Account/Sync",
        _sync,
        "Fetch what is new from the Backbone; what came is answered.",
        waits=True,
        roles=("core:account",),
        successor="Account/Sync",
    ),
    old("POST", "Attributes", owned_identity_content, shape=ATTRIBUTE),
    attribute_list("Attributes", ATTRIBUTE),
    attribute_list("Attributes/Valid", ATTRIBUTE, valid=True),
    old("GET", "Attributes/{id}", shape=ATTRIBUTE),
    old("POST", "Attributes/ExecuteIdentityAttributeQuery", _as_query, shape=ATTRIBUTE),
    Route(
        "POST",
        "Attributes/ExecuteRelationshipAttributeQuery",
        _relationship_query,
        "The attributes that answer a query.",
        roles=("core:attributes",),
        successor="Attributes/ExecuteRelationshipAttributeQuery",
    ),
    old("POST", "Challenges"),
    old("POST", "Challenges/Validate", shape=_challenge_validation),
    old("GET", "Files", shape=FILE),
    old("GET", "Files/Own", shape=FILE),
    old("GET", "Files/Peer", shape=FILE),
    old("POST", "Files/Own", _complete_upload, shape=FILE),
    old("POST", "Files/Peer", referenced(FileReference), shape=FILE),
    old("GET", "Files/{idOrReference}", shape=FILE, qr_scheme=QR),
    old("GET", "Files/{idOrReference}/Download"),
    old("POST", "Files/{idOrReference}/Token", shape=TOKEN, qr_scheme=QR),
    old("POST", "Messages", _message_content, shape=MESSAGE),
    old("GET", "Messages", shape=MESSAGE),
    old("GET", "Messages/{id}", shape=plain(message_with_attachments_2022)),
    old("GET", "Messages/{id}/Attachments/{attachmentId}", shape=FILE),
    old("GET", "Messages/{id}/Attachments/{attachmentId}/Download"),
    old("POST", "Relationships", _relationship_to_create, _creation_content, shape=RELATIONSHIP),
    old("GET", "Relationships", of_query({"template.id": "templateId"}), shape=RELATIONSHIP),
    old("GET", "Relationships/{id}", shape=RELATIONSHIP),
    old("GET", "Relationships/{id}/Attributes", shape=ATTRIBUTE),
    *change_routes(RELATIONSHIP),
    old("GET", "RelationshipTemplates", _template_filters, shape=TEMPLATE),
    old("GET", "RelationshipTemplates/Own", _template_filters, shape=TEMPLATE),
    old("GET", "RelationshipTemplates/Peer", _template_filters, shape=TEMPLATE),
    old("POST", "RelationshipTemplates/Own", of_body(limited_relationships), _template_content, shape=TEMPLATE),
    old("POST", "RelationshipTemplates/Peer", referenced(RelationshipTemplateReference), shape=TEMPLATE),
    old("GET", "RelationshipTemplates/{id}", shape=TEMPLATE, qr_scheme=QR),
    old("POST", "RelationshipTemplates/Own/{id}/Token", shape=TOKEN, qr_scheme=QR),
    old("GET", "Requests/Incoming", _request_filters, shape=REQUEST),
    old("GET", "Requests/Incoming/{id}", shape=REQUEST),
    old("PUT", "Requests/Incoming/{id}/CanAccept"),
    old("PUT", "Requests/Incoming/{id}/Accept", shape=REQUEST),
    old("PUT", "Requests/Incoming/{id}/CanReject"),
    old("PUT", "Requests/Incoming/{id}/Reject", shape=REQUEST),
    old("GET", "Requests/Outgoing", _request_filters, shape=REQUEST),
    old("POST", "Requests/Outgoing", _request_content, shape=REQUEST),
    old("GET", "Requests/Outgoing/{id}", shape=REQUEST),
    old("POST", "Requests/Outgoing/Validate", _request_content),
    old("POST", "Tokens/Own", shape=TOKEN),
    old("POST", "Tokens/Peer", referenced(TokenReference), shape=TOKEN),
    old("GET", "Tokens/Own", shape=TOKEN),
    old("GET", "Tokens/Peer", shape=TOKEN),
    old("GET", "Tokens/{id}", shape=TOKEN, qr_scheme=QR),
)

V1: Final = Generation(
    prefix="/api/v1",
    deprecated_since=datetime(2022, 9, 28, tzinfo=UTC),
    routes=ROUTES,
    error=error_2022,
)
"""Replaced by ``/api/v2`` on the day its deprecation begins."""
