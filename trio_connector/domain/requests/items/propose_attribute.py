"""ProposeAttributeRequestItem: asks the peer for an attribute and suggests its value (consumption spec 3.6). Pure."""

from __future__ import annotations

from collections.abc import Mapping

from trio_connector.domain.attributes.creation import (
    FORBIDDEN_CHARACTERS,
    characters_allowed,
    create_attribute,
    is_identity_attribute,
    tags_error,
)
from trio_connector.domain.attributes.queries import key_is_taken_text, key_taken
from trio_connector.domain.attributes.record import (
    ATTRIBUTES,
    OWN_IDENTITY,
    OWN_RELATIONSHIP,
    PEER_IDENTITY,
    PEER_RELATIONSHIP,
    LocalAttribute,
    attribute_not_found,
)
from trio_connector.domain.changes import Changes, View
from trio_connector.domain.identity import Json
from trio_connector.domain.requests.items.offer import (
    ONLY_NEW_ATTRIBUTES,
    Offer,
    characters_error,
    key_error,
    offered_tags_error,
    outdated_error,
    owned,
    parsed_offer,
    with_tags,
)
from trio_connector.domain.requests.items.processor import (
    FileFacts,
    ItemProcessor,
    RequestContext,
    accepted,
    invalid_accept_parameters,
    invalid_request_item,
)
from trio_connector.domain.requests.items.query_match import (
    RELATIONSHIP_QUERY,
    asked_tags_error,
    mismatch,
    third_party_error,
)
from trio_connector.domain.requests.items.sharing import (
    keep_shared_attribute,
    share,
    share_new_identity_attribute,
    take_succession,
    with_more_tags,
)
from trio_connector.errors import ConnectorError

_WRONG_KIND = (
    "The selected Attribute is not an OwnIdentityAttribute. When accepting a ProposeAttributeRequestItem with an "
    "existing Attribute it may only be an OwnIdentityAttribute."
)


def _owner_text(member: str) -> str:
    return (
        f"The owner of the given `{member}` can only be an empty string. This is because you can only propose "
        "Attributes where the Recipient of the Request is the owner anyway. And in order to avoid mistakes, the owner "
        "will be automatically filled for you."
    )


class ProposeAttributeProcessor(ItemProcessor):
    """Processes ProposeAttributeRequestItems."""

    def can_create(
        self, view: View, item: Json, recipient: str | None, files: Mapping[str, FileFacts]
    ) -> ConnectorError | None:
        """Query and proposed attribute must be right, and belong together."""
        query, attribute = item["query"], item["attribute"]
        if (error := third_party_error(query, view.me, recipient)) is not None:
            return error
        if query["@type"] == RELATIONSHIP_QUERY and query["owner"]:
            return invalid_request_item(_owner_text("query"))
        if (error := asked_tags_error(query, view)) is not None:
            return error
        if attribute["owner"]:
            return invalid_request_item(_owner_text("attribute"))
        if not characters_allowed(attribute):
            return invalid_request_item(FORBIDDEN_CHARACTERS)
        if (error := tags_error(attribute, view)) is not None:
            return invalid_request_item(error.message)
        if (error := mismatch(query, attribute, recipient="", sender=view.me)) is not None:
            return error
        if query["@type"] != RELATIONSHIP_QUERY or recipient is None:
            return None
        value_type = query["attributeCreationHints"]["valueType"]
        taken = key_taken(view, key=query["key"], owner=recipient, value_type=value_type, peer=recipient)
        text = "The creation of the proposed RelationshipAttribute cannot be requested because "
        return invalid_request_item(text + key_is_taken_text(query["key"])) if taken else None

    def can_accept(self, view: View, item: Json, entry: Json, request: RequestContext) -> ConnectorError | None:
        """The offered attribute must answer the query and be free to be given."""
        offer, query = _offer(entry), item["query"]
        if offer.attribute_id is not None:
            if query["@type"] == RELATIONSHIP_QUERY:
                return ONLY_NEW_ATTRIBUTES
            attribute = view.get(ATTRIBUTES, offer.attribute_id)
            if attribute is None:
                return attribute_not_found(offer.attribute_id)
            if attribute.kind != OWN_IDENTITY:
                return invalid_accept_parameters(_WRONG_KIND)
            if (error := outdated_error(view, attribute, request.peer)) is not None:
                return error
            content = with_tags(attribute.content, offer.tags)
        else:
            content = owned(offer.new_attribute or {}, view.me)
        return (
            characters_error(content)
            or mismatch(query, content, recipient=view.me, sender=request.peer)
            or key_error(view, item, request.peer, view.me)
            or offered_tags_error(content, view)
        )

    def accept(self, changes: Changes, item: Json, entry: Json, request: RequestContext) -> Json:
        """Give the offered attribute."""
        offer = _offer(entry)
        if offer.attribute_id is not None:
            attribute = with_more_tags(changes, _own(changes, offer.attribute_id), offer.tags)
            return share(changes, attribute, request, "Propose")
        content = owned(offer.new_attribute or {}, changes.me)
        if is_identity_attribute(content):
            return share_new_identity_attribute(changes, content, request, "Propose")
        attribute = create_attribute(changes, OWN_RELATIONSHIP, content, peer=request.peer, source_reference=request.id)
        return accepted("ProposeAttributeAcceptResponseItem", attributeId=attribute.id, attribute=attribute.content)

    def apply(self, changes: Changes, item: Json, answer: Json, request: RequestContext) -> None:
        """Take the attribute that the peer gives."""
        match answer.get("@type"):
            case "AttributeAlreadySharedAcceptResponseItem":
                keep_shared_attribute(changes, answer["attributeId"], request, (PEER_IDENTITY,))
            case "AttributeSuccessionAcceptResponseItem":
                take_succession(changes, answer, request, (PEER_IDENTITY,))
            case "ProposeAttributeAcceptResponseItem":
                content = answer["attribute"]
                create_attribute(
                    changes,
                    PEER_IDENTITY if is_identity_attribute(content) else PEER_RELATIONSHIP,
                    content,
                    id_=answer["attributeId"],
                    peer=request.peer,
                    source_reference=request.id,
                )


def _offer(entry: Json) -> Offer:
    return parsed_offer(entry, "AcceptProposeAttributeRequestItemParameters", "attributeId", "attribute")


def _own(changes: Changes, attribute_id: str) -> LocalAttribute:
    attribute = changes.get(ATTRIBUTES, attribute_id)
    if attribute is None:
        raise attribute_not_found(attribute_id)
    if attribute.kind != OWN_IDENTITY:
        raise invalid_accept_parameters(_WRONG_KIND)
    return attribute
