"""ReadAttributeRequestItem: asks the peer for an attribute (consumption spec 3.5). Pure."""

from __future__ import annotations

from collections.abc import Mapping

from trio_connector.domain.attributes.creation import create_attribute, is_identity_attribute
from trio_connector.domain.attributes.queries import key_is_taken_text, key_taken
from trio_connector.domain.attributes.record import (
    ATTRIBUTES,
    FORWARDABLE,
    OWN_IDENTITY,
    OWN_RELATIONSHIP,
    PEER_IDENTITY,
    PEER_RELATIONSHIP,
    THIRD_PARTY,
    Kind,
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
    REJECTIONS,
    FileFacts,
    ItemProcessor,
    RequestContext,
    accepted,
    invalid_accept_parameters,
    invalid_request_item,
    pending_relationship,
    query_mismatch,
)
from trio_connector.domain.requests.items.query_match import (
    RELATIONSHIP_QUERY,
    THIRD_PARTY_QUERY,
    asked_tags_error,
    mismatch,
    third_party_error,
)
from trio_connector.domain.requests.items.share_attribute import FORWARDABLE_KINDS, stands_or_stood
from trio_connector.domain.requests.items.sharing import (
    keep_shared_attribute,
    share,
    share_new_identity_attribute,
    take_succession,
    with_more_tags,
)
from trio_connector.errors import ConnectorError

_QUERY_OWNER = (
    "The owner of the given `query` can only be an empty string or yourself. This is because you can only request "
    "RelationshipAttributes using a ReadAttributeRequestitem with a RelationshipAttributeQuery where the Recipient of "
    "the Request or yourself is the owner. And in order to avoid mistakes, the Recipient automatically will become the "
    "owner of the RelationshipAttribute later on if the owner of the `query` is an empty string."
)
_WRONG_KIND = (
    f"The selected Attribute is not {FORWARDABLE_KINDS}. When accepting a ReadAttributeRequestItem with an existing "
    "Attribute it may only be such an Attribute."
)


class ReadAttributeProcessor(ItemProcessor):
    """Processes ReadAttributeRequestItems."""

    def can_create(
        self, view: View, item: Json, recipient: str | None, files: Mapping[str, FileFacts]
    ) -> ConnectorError | None:
        """Third parties, owner, tags and key of the query must be right."""
        query = item["query"]
        if (error := third_party_error(query, view.me, recipient)) is not None:
            return error
        if query["@type"] == RELATIONSHIP_QUERY and query["owner"] not in ("", view.me):
            return invalid_request_item(_QUERY_OWNER)
        if (error := asked_tags_error(query, view)) is not None:
            return error
        if query["@type"] != RELATIONSHIP_QUERY or recipient is None:
            return None
        taken = key_taken(
            view,
            key=query["key"],
            owner=query["owner"] or recipient,
            value_type=query["attributeCreationHints"]["valueType"],
            peer=recipient,
        )
        text = "The creation of the queried RelationshipAttribute cannot be requested because "
        return invalid_request_item(text + key_is_taken_text(query["key"])) if taken else None

    def can_accept(self, view: View, item: Json, entry: Json, request: RequestContext) -> ConnectorError | None:
        """The offered attribute must answer the query and be free to be given."""
        offer, query = _offer(entry), item["query"]
        if offer.attribute_id is not None:
            attribute = view.get(ATTRIBUTES, offer.attribute_id)
            error = _existing_error(view, query, offer, attribute, request)
            if error is not None or attribute is None:
                return error
            identity_query = query["@type"] in ("IdentityAttributeQuery", "IQLQuery")
            tags = offer.tags if identity_query and attribute.kind == OWN_IDENTITY else ()
            content = with_tags(attribute.content, tags)
        else:
            if query["@type"] == THIRD_PARTY_QUERY:
                return invalid_accept_parameters(
                    "When responding to a ThirdPartyRelationshipAttributeQuery, only RelationshipAttributes that "
                    "already exist may be provided."
                )
            content = owned(offer.new_attribute or {}, view.me)
        return (
            characters_error(content)
            or mismatch(query, content, recipient=view.me, sender=request.peer)
            or key_error(view, item, request.peer, query.get("owner") or view.me)
            or _private_error(query, content)
            or offered_tags_error(content, view)
        )

    def accept(self, changes: Changes, item: Json, entry: Json, request: RequestContext) -> Json:
        """Give the offered attribute."""
        offer = _offer(entry)
        if offer.attribute_id is not None:
            return _give_existing(changes, offer, request)
        content = owned(offer.new_attribute or {}, changes.me)
        if is_identity_attribute(content):
            return share_new_identity_attribute(changes, content, request, "Read")
        kind: Kind = OWN_RELATIONSHIP if content["owner"] == changes.me else PEER_RELATIONSHIP
        attribute = create_attribute(changes, kind, content, peer=request.peer, source_reference=request.id)
        return accepted("ReadAttributeAcceptResponseItem", attributeId=attribute.id, attribute=attribute.content)

    def apply(self, changes: Changes, item: Json, answer: Json, request: RequestContext) -> None:
        """Take the attribute that the peer gives."""
        match answer.get("@type"):
            case name if name in REJECTIONS:
                return
            case "AttributeAlreadySharedAcceptResponseItem":
                keep_shared_attribute(changes, answer["attributeId"], request, (PEER_IDENTITY, THIRD_PARTY))
            case "AttributeSuccessionAcceptResponseItem":
                take_succession(changes, answer, request, (PEER_IDENTITY, THIRD_PARTY))
            case "ReadAttributeAcceptResponseItem":
                _take_new(changes, answer, request)


def _offer(entry: Json) -> Offer:
    return parsed_offer(entry, "AcceptReadAttributeRequestItemParameters", "existingAttributeId", "newAttribute")


def _existing_error(
    view: View, query: Json, offer: Offer, attribute: LocalAttribute | None, request: RequestContext
) -> ConnectorError | None:
    if query["@type"] == RELATIONSHIP_QUERY:
        return ONLY_NEW_ATTRIBUTES
    if attribute is None:
        return attribute_not_found(offer.attribute_id or "")
    if attribute.kind not in FORWARDABLE:
        return invalid_accept_parameters(_WRONG_KIND)
    if query["@type"] != THIRD_PARTY_QUERY:
        return outdated_error(view, attribute, request.peer) if attribute.kind == OWN_IDENTITY else None
    if attribute.kind == OWN_IDENTITY:
        return None
    if attribute.kind == OWN_RELATIONSHIP and not {"", attribute.peer} & set(query["thirdParty"]):
        return query_mismatch(
            "The provided RelationshipAttribute exists in the context of a Relationship with a third party that should "
            "not be involved."
        )
    if not stands_or_stood(view, attribute.peer or ""):
        return pending_relationship()
    if offer.tags:
        return invalid_accept_parameters(
            "When responding to a ThirdPartyRelationshipAttributeQuery, no tags may be specified."
        )
    return None


def _private_error(query: Json, content: Json) -> ConnectorError | None:
    if query["@type"] == THIRD_PARTY_QUERY and content.get("confidentiality") == "private":
        return query_mismatch(
            "The confidentiality of the provided RelationshipAttribute is private. Therefore you are not allowed to "
            "share it."
        )
    return None


def _give_existing(changes: Changes, offer: Offer, request: RequestContext) -> Json:
    attribute = changes.get(ATTRIBUTES, offer.attribute_id or "")
    if attribute is None:
        raise attribute_not_found(offer.attribute_id or "")
    if attribute.kind not in FORWARDABLE:
        raise invalid_accept_parameters(_WRONG_KIND)
    if attribute.kind == OWN_IDENTITY:
        attribute = with_more_tags(changes, attribute, offer.tags)
        return share(changes, attribute, request, "Read")
    return share(changes, attribute, request, "Read", initial_attribute_peer=attribute.peer)


def _take_new(changes: Changes, answer: Json, request: RequestContext) -> None:
    content: Json = answer["attribute"]
    initial_peer: str | None = answer.get("initialAttributePeer")
    kind: Kind
    if is_identity_attribute(content):
        kind, initial_peer = PEER_IDENTITY, None
    elif initial_peer is not None:
        kind = THIRD_PARTY
    else:
        kind = OWN_RELATIONSHIP if content["owner"] == changes.me else PEER_RELATIONSHIP
    create_attribute(
        changes,
        kind,
        content,
        id_=answer["attributeId"],
        peer=request.peer,
        source_reference=request.id,
        initial_attribute_peer=initial_peer,
    )
