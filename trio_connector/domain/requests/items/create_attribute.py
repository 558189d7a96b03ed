"""CreateAttributeRequestItem: asks the peer to take an attribute (consumption spec 3.3). Pure."""

from __future__ import annotations

from collections.abc import Mapping

from trio_connector.domain.attributes.creation import (
    FORBIDDEN_CHARACTERS,
    characters_allowed,
    create_attribute,
    forbidden_characters,
    is_identity_attribute,
    tags_error,
)
from trio_connector.domain.attributes.queries import key_is_taken_text, key_taken
from trio_connector.domain.attributes.record import (
    OWN_RELATIONSHIP,
    PEER_IDENTITY,
    PEER_RELATIONSHIP,
    Kind,
)
from trio_connector.domain.changes import Changes, View
from trio_connector.domain.identity import Json
from trio_connector.domain.requests.items.processor import (
    FileFacts,
    ItemProcessor,
    RequestContext,
    accepted,
    invalid_accept_parameters,
    invalid_request_item,
)
from trio_connector.domain.requests.items.sharing import share_new_identity_attribute, take_succession
from trio_connector.domain.requests.key_uniqueness import VIOLATED
from trio_connector.domain.requests.record import request_error
from trio_connector.errors import ConnectorError

_OWN_IDENTITY_ATTRIBUTE = (
    "Cannot create OwnIdentityAttributes with a CreateAttributeRequestItem. Use a ShareAttributeRequestItem instead."
)
_IDENTITY_OWNER = (
    "The owner of the provided IdentityAttribute for the `attribute` property can only be the address of the recipient "
    "or an empty string. The latter will default to the address of the recipient."
)
_RELATIONSHIP_OWNER = (
    "The owner of the provided RelationshipAttribute for the `attribute` property can only be the address of the "
    "sender, the address of the recipient or an empty string. The latter will default to the address of the recipient."
)


class CreateAttributeProcessor(ItemProcessor):
    """Processes CreateAttributeRequestItems."""

    def can_create(
        self, view: View, item: Json, recipient: str | None, files: Mapping[str, FileFacts]
    ) -> ConnectorError | None:
        """Characters, owner, tags and key must be right."""
        attribute = item["attribute"]
        owner: str = attribute["owner"]
        if not characters_allowed(attribute):
            return invalid_request_item(FORBIDDEN_CHARACTERS)
        allowed = {""} if recipient is None else {"", recipient}
        if is_identity_attribute(attribute):
            if owner == view.me:
                return invalid_request_item(_OWN_IDENTITY_ATTRIBUTE)
            if owner not in allowed:
                return invalid_request_item(_IDENTITY_OWNER)
            error = tags_error(attribute, view)
            return None if error is None else invalid_request_item(error.message)
        if owner not in allowed | {view.me}:
            return invalid_request_item(_RELATIONSHIP_OWNER)
        if recipient is not None and _key_taken(view, attribute, owner or recipient, recipient):
            return invalid_request_item(
                "The creation of the provided RelationshipAttribute cannot be requested because "
                + key_is_taken_text(attribute["key"])
            )
        return None

    def can_accept(self, view: View, item: Json, entry: Json, request: RequestContext) -> ConnectorError | None:
        """Nothing may have taken the key since; a mandatory item that can never be accepted raises."""
        attribute = item["attribute"]
        if not characters_allowed(attribute):
            raise forbidden_characters()
        if not is_identity_attribute(attribute):
            if not _key_taken(view, attribute, attribute["owner"] or view.me, request.peer):
                return None
            text = "provided RelationshipAttribute cannot be created because " + key_is_taken_text(attribute["key"])
            if item["mustBeAccepted"]:
                raise request_error(VIOLATED, f"The {text}")
            return invalid_accept_parameters(f"This CreateAttributeRequestItem cannot be accepted as the {text}")
        error = tags_error(attribute, view)
        return None if error is None else invalid_request_item(error.message)

    def resolved(self, item: Json, recipient: str) -> Json:
        """An empty owner means the recipient."""
        attribute = item["attribute"]
        return item if attribute["owner"] else {**item, "attribute": {**attribute, "owner": recipient}}

    def accept(self, changes: Changes, item: Json, entry: Json, request: RequestContext) -> Json:
        """Create the attribute, or share the own identity attribute with that value."""
        content = self.resolved(item, changes.me)["attribute"]
        if is_identity_attribute(content):
            return share_new_identity_attribute(changes, content, request, "Create")
        kind: Kind = OWN_RELATIONSHIP if content["owner"] == changes.me else PEER_RELATIONSHIP
        attribute = create_attribute(changes, kind, content, peer=request.peer, source_reference=request.id)
        return accepted("CreateAttributeAcceptResponseItem", attributeId=attribute.id)

    def apply(self, changes: Changes, item: Json, answer: Json, request: RequestContext) -> None:
        """The peer created it: it exists here under the same id."""
        content = self.resolved(item, request.peer)["attribute"]
        if answer.get("@type") == "CreateAttributeAcceptResponseItem":
            create_attribute(
                changes,
                _kind_at_sender(content, changes.me),
                content,
                id_=answer["attributeId"],
                peer=request.peer,
                source_reference=request.id,
            )
        elif answer.get("@type") == "AttributeSuccessionAcceptResponseItem":
            take_succession(changes, answer, request, (PEER_IDENTITY,))


def _kind_at_sender(content: Json, me: str) -> Kind:
    if is_identity_attribute(content):
        return PEER_IDENTITY
    return OWN_RELATIONSHIP if content["owner"] == me else PEER_RELATIONSHIP


def _key_taken(view: View, attribute: Json, owner: str, peer: str) -> bool:
    return key_taken(view, key=attribute["key"], owner=owner, value_type=attribute["value"]["@type"], peer=peer)
