"""``/api/v2``: the API of the Connector 6.x as its SDK 6.7.0 uses it, and of 2022 where the two agree.

Differences from today's API are those of the 6.x generation: shared attributes are shown as copies, relationships with
their template, references truncated only. Relationship changes of 2022 are served here too, since the prefix began
with them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from trio_connector.api.call import Call
from trio_connector.api.legacy.adapting import Json, Shape, old, plain
from trio_connector.api.legacy.attributes import attribute_list, own_identity_content
from trio_connector.api.legacy.attributes_6 import SHARED_ATTRIBUTE_ROUTES, successor_content
from trio_connector.api.legacy.generation import Generation
from trio_connector.api.legacy.relationship_changes import change_routes
from trio_connector.api.legacy.shapes_6 import (
    attribute_6,
    content_of_6,
    file_6,
    message_6,
    notified_succession_6,
    relationship_6,
    request_6,
    succession_6,
    template_6,
    token_6,
)
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
from trio_connector.crypto.references import FileReference, RelationshipTemplateReference, TokenReference
from trio_connector.domain.message import MESSAGE_CONTENT_TYPES
from trio_connector.domain.relationship import CREATION_CONTENT_TYPES
from trio_connector.domain.template import TEMPLATE_CONTENT_TYPES
from trio_connector.usecases.services import Services

QR: Final = "nmshd://tr#"


# --- shapes --------------------------------------------------------------------------------------------------------


def _relationship(services: Services, dto: Json) -> Json:
    return relationship_6(dto, stored_dto(services, services.collections.templates, dto["templateId"]))


def _challenge_validation(services: Services, dto: Json) -> Json:
    relationship = dto.get("correspondingRelationship")
    return dto if relationship is None else {**dto, "correspondingRelationship": _relationship(services, relationship)}


FILE: Final = plain(file_6)
TOKEN: Final = plain(token_6)
TEMPLATE: Final = plain(template_6)
MESSAGE: Final = plain(message_6)
ATTRIBUTE: Final = plain(attribute_6)
REQUEST: Final = plain(request_6)
RELATIONSHIP: Final[Shape] = _relationship


# --- translations --------------------------------------------------------------------------------------------------

_message_content = wrapping("content", MESSAGE_CONTENT_TYPES, "ArbitraryMessageContent", content_of_6)
_template_content = wrapping("content", TEMPLATE_CONTENT_TYPES, "ArbitraryRelationshipTemplateContent", content_of_6)
_creation_content = wrapping(
    "creationContent", CREATION_CONTENT_TYPES, "ArbitraryRelationshipCreationContent", content_of_6
)
_template_filters = of_query({RELATIONSHIP_LIMIT: ALLOCATION_LIMIT})
_relationship_filters = of_query({"template.id": "templateId"})


@of_body
def _request_content(body: Json) -> Json:
    return {**body, "content": content_of_6(body["content"])} if "content" in body else body


@of_body
def _relationship_to_create(body: Json) -> Json:
    if "content" not in body or "creationContent" in body:
        return body
    return {("creationContent" if name == "content" else name): value for name, value in body.items()}


def _as_query(call: Call) -> Call:
    """The query itself was the body until it was put into ``query``."""
    body: Any = call.body
    return of_body(lambda query: {"query": query})(call) if isinstance(body, dict) and "query" not in body else call


ROUTES: Final = (
    old("GET", "Account/IdentityInfo"),
    old("GET", "Account/SyncInfo"),
    old("POST", "Account/Sync"),
    old("POST", "Attributes", own_identity_content, shape=ATTRIBUTE),
    attribute_list("Attributes", ATTRIBUTE),
    attribute_list("Attributes/Valid", ATTRIBUTE, valid=True),
    *SHARED_ATTRIBUTE_ROUTES,
    old("GET", "Attributes/Own/Repository", of="Attributes/Own/Identity", shape=ATTRIBUTE),
    old("GET", "Attributes/{id}", shape=ATTRIBUTE),
    old("GET", "Attributes/{id}/Versions", shape=ATTRIBUTE),
    old("POST", "Attributes/{predecessorId}/Succeed", successor_content, shape=plain(succession_6)),
    old("POST", "Attributes/{id}/NotifyPeer", shape=plain(notified_succession_6)),
    old("POST", "Attributes/ExecuteIdentityAttributeQuery", _as_query, shape=ATTRIBUTE),
    old("POST", "Attributes/ExecuteRelationshipAttributeQuery", _as_query, shape=ATTRIBUTE),
    old("POST", "Attributes/ExecuteThirdPartyRelationshipAttributeQuery", shape=ATTRIBUTE),
    old("POST", "Attributes/ExecuteIQLQuery", shape=ATTRIBUTE),
    old("POST", "Attributes/ValidateIQLQuery"),
    old("POST", "Challenges"),
    old("POST", "Challenges/Validate", shape=_challenge_validation),
    old("GET", "Files", shape=FILE),
    old("GET", "Files/Own", shape=FILE),
    old("GET", "Files/Peer", shape=FILE),
    old("POST", "Files/Own", shape=FILE),
    old("POST", "Files/Peer", referenced(FileReference), shape=FILE),
    old("GET", "Files/{idOrReference}", shape=FILE, qr_scheme=QR),
    old("GET", "Files/{idOrReference}/Download"),
    old("POST", "Files/{idOrReference}/Token", shape=TOKEN, qr_scheme=QR),
    old("PUT", "IdentityMetadata"),
    old("GET", "IdentityMetadata"),
    old("DELETE", "IdentityMetadata"),
    old("POST", "Messages", _message_content, shape=MESSAGE),
    old("GET", "Messages", shape=MESSAGE),
    old("GET", "Messages/{id}", shape=MESSAGE),
    old("GET", "Messages/{id}/Attachments/{attachmentId}", shape=FILE),
    old("GET", "Messages/{id}/Attachments/{attachmentId}/Download"),
    old("PUT", "Relationships/CanCreate", _relationship_to_create, _creation_content),
    old("POST", "Relationships", _relationship_to_create, _creation_content, shape=RELATIONSHIP),
    old("GET", "Relationships", _relationship_filters, shape=RELATIONSHIP),
    old("GET", "Relationships/{id}", shape=RELATIONSHIP),
    old("GET", "Relationships/{id}/Attributes", shape=ATTRIBUTE),
    *(
        old("PUT", f"Relationships/{{id}}/{step}", shape=RELATIONSHIP)
        for step in (
            "Accept",
            "Reject",
            "Revoke",
            "Terminate",
            "Reactivate",
            "Reactivate/Accept",
            "Reactivate/Reject",
            "Reactivate/Revoke",
        )
    ),
    old("DELETE", "Relationships/{id}"),
    *change_routes(RELATIONSHIP),
    old("GET", "RelationshipTemplates", _template_filters, shape=TEMPLATE),
    old("GET", "RelationshipTemplates/Own", _template_filters, shape=TEMPLATE),
    old("GET", "RelationshipTemplates/Peer", _template_filters, shape=TEMPLATE),
    old("POST", "RelationshipTemplates/Own", of_body(limited_relationships), _template_content, shape=TEMPLATE),
    old("POST", "RelationshipTemplates/Peer", referenced(RelationshipTemplateReference), shape=TEMPLATE),
    old("GET", "RelationshipTemplates/{id}", shape=TEMPLATE, qr_scheme=QR),
    old("POST", "RelationshipTemplates/Own/{id}/Token", shape=TOKEN, qr_scheme=QR),
    old("GET", "Requests/Incoming", shape=REQUEST),
    old("GET", "Requests/Incoming/{id}", shape=REQUEST),
    old("PUT", "Requests/Incoming/{id}/CanAccept"),
    old("PUT", "Requests/Incoming/{id}/Accept", shape=REQUEST),
    old("PUT", "Requests/Incoming/{id}/CanReject"),
    old("PUT", "Requests/Incoming/{id}/Reject", shape=REQUEST),
    old("GET", "Requests/Outgoing", shape=REQUEST),
    old("POST", "Requests/Outgoing", _request_content, shape=REQUEST),
    old("GET", "Requests/Outgoing/{id}", shape=REQUEST),
    old("POST", "Requests/Outgoing/Validate", _request_content),
    old("POST", "Tokens/Own", shape=TOKEN),
    old("POST", "Tokens/Peer", referenced(TokenReference), shape=TOKEN),
    old("GET", "Tokens/Own", shape=TOKEN),
    old("GET", "Tokens/Peer", shape=TOKEN),
    old("GET", "Tokens/{id}", shape=TOKEN, qr_scheme=QR),
)

V2: Final = Generation(
    prefix="/api/v2",
    deprecated_since=datetime(2025, 11, 3, tzinfo=UTC),
    routes=ROUTES,
)
"""Replaced by today's API on the day its deprecation begins."""
