"""Request items: what may be asked, what may be answered, and what comes of it, with the ecosystem's exact words."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tests.domain.memory import (
    EARLIER,
    LATER,
    ME,
    PEER,
    THIRD,
    Records,
    attribute_content,
    forwarded,
    related,
    relationship_content,
    stored_attribute,
)
from trio_connector.crypto.ciphers import SecretKey
from trio_connector.crypto.references import FileReference
from trio_connector.domain.attributes.record import (
    ATTRIBUTES,
    FORWARDING_DETAILS,
    OWN_IDENTITY,
    OWN_RELATIONSHIP,
    PEER_IDENTITY,
    PEER_RELATIONSHIP,
    THIRD_PARTY,
    DeletionInfo,
    Kind,
    LocalAttribute,
)
from trio_connector.domain.file import File
from trio_connector.domain.requests.items.form_field import answer_problem, creation_problem
from trio_connector.domain.requests.items.processor import FileFacts, RequestContext
from trio_connector.domain.requests.items.query_match import mismatch
from trio_connector.domain.requests.items.registry import processor_for
from trio_connector.errors import ConnectorError, CoreError, DeserializationError, UnexpectedCondition

REQUEST = RequestContext(id="REQ1", peer=PEER)
IRI = "error.consumption.requests.invalidRequestItem"
IAP = "error.consumption.requests.invalidAcceptParameters"
AQM = "error.consumption.requests.attributeQueryMismatch"
IDENTITY_QUERY = {"@type": "IdentityAttributeQuery", "valueType": "GivenName"}
RELATIONSHIP_QUERY = {
    "@type": "RelationshipAttributeQuery",
    "key": "customerId",
    "owner": "",
    "attributeCreationHints": {"title": "Customer", "valueType": "ProprietaryString", "confidentiality": "public"},
}


@pytest.fixture
def records() -> Records:
    records = Records()
    related(records)
    return records


def can_create(records: Records, item: dict[str, Any], recipient: str | None = PEER, files: Any = None) -> Any:
    return processor_for(item).can_create(records.changes(), item, recipient, files or {})


def can_accept(records: Records, item: dict[str, Any], context: RequestContext = REQUEST, **entry: Any) -> Any:
    return processor_for(item).can_accept(records.changes(), item, {"accept": True, **entry}, context)


def accept(records: Records, item: dict[str, Any], context: RequestContext = REQUEST, **entry: Any) -> Any:
    changes = records.changes()
    answer = processor_for(item).accept(changes, item, {"accept": True, **entry}, context)
    changes.apply(records)
    return answer


def apply(records: Records, item: dict[str, Any], answer: dict[str, Any], peer: str = PEER) -> None:
    changes = records.changes()
    processor_for(item).apply(changes, item, answer, replace_peer(peer))
    changes.apply(records)


def replace_peer(peer: str) -> RequestContext:
    return RequestContext(id="REQ1", peer=peer)


def attribute(records: Records, id_: str) -> LocalAttribute:
    found = records.get(ATTRIBUTES, id_)
    assert found is not None
    return found


def create(content: dict[str, Any], must: bool = True) -> dict[str, Any]:
    return {"@type": "CreateAttributeRequestItem", "attribute": content, "mustBeAccepted": must}


def share(content: dict[str, Any], id_: str = "ATT1", **members: Any) -> dict[str, Any]:
    item = {"@type": "ShareAttributeRequestItem", "attribute": content, "attributeId": id_, "mustBeAccepted": True}
    return {**item, **members}


def read(query: dict[str, Any], must: bool = True) -> dict[str, Any]:
    return {"@type": "ReadAttributeRequestItem", "query": query, "mustBeAccepted": must}


def propose(query: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
    return {"@type": "ProposeAttributeRequestItem", "query": query, "attribute": content, "mustBeAccepted": True}


def delete(id_: str = "ATT1") -> dict[str, Any]:
    return {"@type": "DeleteAttributeRequestItem", "attributeId": id_, "mustBeAccepted": True}


def test_only_request_items_have_a_processor() -> None:
    with pytest.raises(UnexpectedCondition, match=r"There was no processor registered for 'Mail'\."):
        processor_for({"@type": "Mail"})


def test_credential_offers_can_be_rejected_but_not_accepted(records: Records) -> None:
    item = {"@type": "ShareCredentialOfferRequestItem", "credentialOfferUrl": "x", "mustBeAccepted": False}
    assert can_accept(records, item).code == IRI
    answer = processor_for(item).reject({"accept": False, "code": "c"})
    assert answer == {"@type": "RejectResponseItem", "code": "c", "result": "Rejected"}


# --- CreateAttribute -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "recipient", "start"),
    [
        (attribute_content("名", owner=""), PEER, "The Attribute contains forbidden characters."),
        (attribute_content(), PEER, "Cannot create OwnIdentityAttributes with a CreateAttributeRequestItem."),
        (attribute_content(owner=THIRD), PEER, "The owner of the provided IdentityAttribute for the `attribute`"),
        (attribute_content(owner=PEER), None, "The owner of the provided IdentityAttribute for the `attribute`"),
        (attribute_content(owner="", tags=["bad"]), PEER, "Detected invalidity of the following tags: 'bad'."),
        (relationship_content(owner=THIRD), PEER, "The owner of the provided RelationshipAttribute"),
        (relationship_content(owner=PEER), None, "The owner of the provided RelationshipAttribute"),
    ],
)
def test_create_refuses_unfit_attributes(
    records: Records, content: dict[str, Any], recipient: str | None, start: str
) -> None:
    error = can_create(records, create(content), recipient)
    assert error.code == IRI
    assert error.message.startswith(start)


def test_create_needs_a_free_key_on_both_sides(records: Records) -> None:
    item = create(relationship_content(owner=""))
    assert can_create(records, item) is None
    stored_attribute(records, "ATT1", relationship_content(owner=PEER), PEER_RELATIONSHIP, peer=PEER)
    assert can_create(records, item).message == (
        "The creation of the provided RelationshipAttribute cannot be requested because there is already a "
        "RelationshipAttribute in the context of this Relationship with the same key 'customerId', owner and value "
        "type."
    )
    stored_attribute(records, "ATT1", relationship_content(), OWN_RELATIONSHIP, peer=PEER)
    with pytest.raises(CoreError, match="The provided RelationshipAttribute cannot be created because"):
        can_accept(records, item)
    error = can_accept(records, create(relationship_content(owner=""), must=False))
    assert error.code == IAP
    assert error.message.startswith("This CreateAttributeRequestItem cannot be accepted as the provided")


def test_created_relationship_attributes_exist_on_both_sides_under_one_id(records: Records) -> None:
    item = create(relationship_content(owner=""))
    answer = accept(records, item)
    assert answer["@type"] == "CreateAttributeAcceptResponseItem"
    mine = attribute(records, answer["attributeId"])
    assert (mine.kind, mine.owner, mine.peer, mine.source_reference) == (OWN_RELATIONSHIP, ME, PEER, "REQ1")
    sender = Records()
    apply(sender, item, answer)
    theirs = attribute(sender, answer["attributeId"])
    assert (theirs.kind, theirs.owner) == (PEER_RELATIONSHIP, PEER)
    assert processor_for(item).resolved(item, PEER)["attribute"]["owner"] == PEER


def test_a_relationship_attribute_of_the_sender_is_its_own_there(records: Records) -> None:
    answer = accept(records, create(relationship_content(owner=PEER)))
    assert attribute(records, answer["attributeId"]).kind == PEER_RELATIONSHIP
    sender = Records()
    apply(sender, create(relationship_content(owner=ME)), answer)
    assert attribute(sender, answer["attributeId"]).kind == OWN_RELATIONSHIP


def test_a_created_identity_attribute_is_shared_as_what_the_peer_has(records: Records) -> None:
    item = create(attribute_content(owner="", tags=["x:a"]))
    first = accept(records, item)
    assert first["@type"] == "CreateAttributeAcceptResponseItem"
    again = accept(records, item)
    assert again == {
        "@type": "AttributeAlreadySharedAcceptResponseItem",
        "attributeId": first["attributeId"],
        "result": "Accepted",
    }
    more = accept(records, create(attribute_content(owner="", tags=["x:a", "x:b"])))
    assert more["@type"] == "AttributeSuccessionAcceptResponseItem"
    assert more["predecessorId"] == first["attributeId"]
    assert more["successorContent"]["tags"] == ["x:a", "x:b"]


def test_a_succession_in_an_answer_succeeds_only_the_peers_own_attribute() -> None:
    for owner, succeeded in ((PEER, True), (THIRD, False)):
        records = Records()
        stored_attribute(records, "ATT1", attribute_content(owner=owner), PEER_IDENTITY, peer=owner)
        answer = {
            "@type": "AttributeSuccessionAcceptResponseItem",
            "predecessorId": "ATT1",
            "successorId": "ATT2",
            "successorContent": attribute_content("Eve", owner=owner),
            "result": "Accepted",
        }
        apply(records, create(attribute_content(owner="")), answer)
        assert (records.get(ATTRIBUTES, "ATT2") is not None) is succeeded


# --- ShareAttribute ------------------------------------------------------------------------------------------------


def test_share_offers_only_what_is_ours_unchanged_and_new_to_the_peer(records: Records) -> None:
    content = attribute_content()
    assert "could not be found" in can_create(records, share(content)).message
    stored_attribute(records, "ATT1", attribute_content(owner=PEER), PEER_IDENTITY, peer=PEER)
    assert "is not an OwnIdentityAttribute, an OwnRelationshipAttribute or a PeerRelationshipAttribute." in (
        can_create(records, share(content)).message
    )
    stored_attribute(records, "ATT1", attribute_content("Eve"))
    assert "does not match the given Attribute." in can_create(records, share(content)).message
    stored_attribute(records, "ATT1", content, succeeded_by="ATT2")
    stored_attribute(records, "ATT2", attribute_content("Eve"), succeeds="ATT1")
    assert can_create(records, share(content)) is None
    assert can_create(records, share(content, initialAttributePeer=PEER)).message == (
        "When sharing an OwnIdentityAttribute, no initialAttributePeer may be specified."
    )
    details = forwarded(records, "ATT1", PEER, "ToBeDeletedByRecipient")
    assert can_create(records, share(content)) is None
    assert "The predecessor 'ATT1' of the Attribute is already shared" in (
        can_create(records, share(attribute_content("Eve"), "ATT2")).message
    )
    records.put(FORWARDING_DETAILS, replace(details, deletion_info=None))
    assert "is already shared with the peer." in can_create(records, share(content)).message
    records.put(FORWARDING_DETAILS, replace(details, attribute_id="ATT2", deletion_info=None))
    assert can_create(records, share(content)).message == (
        "The provided Attribute is outdated. Its successor 'ATT2' is already shared with the peer."
    )


def test_share_gives_relationship_attributes_only_to_third_parties(records: Records) -> None:
    content = relationship_content()
    stored_attribute(records, "ATT1", content, OWN_RELATIONSHIP, peer=PEER)
    item = share(content, initialAttributePeer=PEER)
    assert "already exists in the context of the Relationship with the peer" in can_create(records, item).message
    assert can_create(records, item, THIRD) is None
    assert "must be specified as initialAttributePeer" in can_create(records, share(content), THIRD).message
    stored_attribute(records, "ATT2", relationship_content(owner=PEER), PEER_RELATIONSHIP, peer=PEER)
    theirs = share(relationship_content(owner=PEER), "ATT2", initialAttributePeer=PEER)
    assert can_create(records, theirs, THIRD) is None
    private = relationship_content(confidentiality="private")
    stored_attribute(records, "ATT3", private, OWN_RELATIONSHIP, peer=PEER)
    assert "is private" in can_create(records, share(private, "ATT3", initialAttributePeer=PEER), THIRD).message
    pending = Records()
    related(pending, PEER, "Pending")
    stored_attribute(pending, "ATT1", content, OWN_RELATIONSHIP, peer=PEER)
    assert can_create(pending, item, THIRD).code.endswith("cannotShareRelationshipAttributeOfPendingRelationship")


def test_share_is_accepted_as_what_it_says_it_is(records: Records) -> None:
    theirs = attribute_content(owner=PEER)
    assert can_accept(records, share(theirs)) is None
    assert can_accept(records, share(theirs, initialAttributePeer=THIRD)).code == IRI
    third = relationship_content(owner=THIRD)
    assert can_accept(records, share(third, initialAttributePeer=THIRD)) is None
    assert can_accept(records, share(third)).code == IRI

    assert accept(records, share(theirs)) == {"@type": "AcceptResponseItem", "result": "Accepted"}
    assert attribute(records, "ATT1").kind == PEER_IDENTITY
    again = accept(records, share(theirs, "ATT9"))
    assert again["attributeId"] == "ATT1"
    accept(records, share(third, "ATT2", initialAttributePeer=THIRD))
    copy = attribute(records, "ATT2")
    assert (copy.kind, copy.peer, copy.initial_attribute_peer) == (THIRD_PARTY, PEER, THIRD)
    info = DeletionInfo(deletion_status="ToBeDeleted", deletion_date=LATER)
    records.put(ATTRIBUTES, replace(copy, deletion_info=info))
    assert accept(records, share(third, "ATT8", initialAttributePeer=THIRD))["attributeId"] == "ATT2"
    assert attribute(records, "ATT2").deletion_info is None


def test_an_accepted_share_is_remembered(records: Records) -> None:
    stored_attribute(records, "ATT1", attribute_content(), number_of_forwards=0)
    item = share(attribute_content())
    for answer in ("RejectResponseItem", "ErrorResponseItem"):
        apply(records, item, {"@type": answer})
        assert records.select(FORWARDING_DETAILS) == []
    apply(records, item, {"@type": "AcceptResponseItem", "result": "Accepted"})
    (details,) = records.select(FORWARDING_DETAILS)
    assert details.source_reference == "REQ1"
    info = DeletionInfo(deletion_status="ToBeDeletedByRecipient", deletion_date=LATER)
    records.put(FORWARDING_DETAILS, replace(details, deletion_info=info))
    apply(records, item, {"@type": "AttributeAlreadySharedAcceptResponseItem", "attributeId": "ATT1"})
    assert records.select(FORWARDING_DETAILS) == [details]
    apply(records, share(attribute_content(), "ATT7"), {"@type": "AcceptResponseItem"})  # gone: nothing to remember


# --- ReadAttribute -------------------------------------------------------------------------------------------------


def third_party_query(owner: str, *parties: str) -> dict[str, Any]:
    return {
        "@type": "ThirdPartyRelationshipAttributeQuery",
        "key": "customerId",
        "owner": owner,
        "thirdParty": list(parties),
    }


def test_read_asks_only_proper_questions(records: Records) -> None:
    assert can_create(records, read(third_party_query("", ME))).message.endswith("own address as third party.")
    assert can_create(records, read(third_party_query("", PEER))).message.endswith(
        "recipient's address as third party."
    )
    assert can_create(records, read(third_party_query("", "", THIRD))) is None
    assert can_create(records, read({**RELATIONSHIP_QUERY, "owner": PEER})).message.startswith(
        "The owner of the given `query` can only be an empty string or yourself."
    )
    assert "'bad'" in can_create(records, read({**IDENTITY_QUERY, "tags": ["bad"]})).message
    assert can_create(records, read(RELATIONSHIP_QUERY)) is None
    stored_attribute(records, "ATT1", relationship_content(owner=PEER), PEER_RELATIONSHIP, peer=PEER)
    assert can_create(records, read(RELATIONSHIP_QUERY)).message.startswith(
        "The creation of the queried RelationshipAttribute cannot be requested because there is already"
    )


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ({}, "You have to specify either newAttribute or existingAttributeId."),
        (
            {"existingAttributeId": "ATT1", "newAttribute": attribute_content()},
            "You cannot specify both newAttribute and existingAttributeId.",
        ),
        ({"newAttribute": attribute_content(), "tags": ["x:a"]}, "You cannot specify both newAttribute and tags."),
        ({"existingAttributeId": "ATT1", "tags": ["x", "x"]}, "The tags are not unique."),
        ({"newAttribute": {"@type": "Mail"}}, "Parsed object is not an instance of any allowed types"),
        ({"existingAttributeId": 5}, "Parameter must be an object - is '5'"),
    ],
)
def test_unreadable_parameters_are_refused(records: Records, entry: dict[str, Any], text: str) -> None:
    with pytest.raises(DeserializationError) as caught:
        can_accept(records, read(IDENTITY_QUERY), **entry)
    assert text in caught.value.message


def test_read_accepts_what_answers_the_query(records: Records) -> None:
    item = read(IDENTITY_QUERY)
    assert can_accept(records, item, existingAttributeId="ATT1").code == "error.transport.recordNotFound"
    stored_attribute(records, "ATT1", attribute_content(), succeeded_by="ATT2")
    stored_attribute(records, "ATT2", attribute_content("Eve"), succeeds="ATT1")
    assert can_accept(records, item, existingAttributeId="ATT1") is None
    assert can_accept(records, item, existingAttributeId="ATT1", tags=["bad"]).code == IAP
    forwarded(records, "ATT2", PEER)
    error = can_accept(records, item, existingAttributeId="ATT1")
    assert error.message == (
        "The provided IdentityAttribute is outdated. You have already shared the successor 'ATT2' of it."
    )
    stored_attribute(records, "ATT3", attribute_content(owner=PEER), PEER_IDENTITY, peer=PEER)
    assert can_accept(records, item, existingAttributeId="ATT3").code == IAP
    assert can_accept(records, read(RELATIONSHIP_QUERY), existingAttributeId="ATT1").message == (
        "When responding to a RelationshipAttributeQuery, only new RelationshipAttributes may be provided."
    )
    assert can_accept(records, item, newAttribute=attribute_content(owner="")) is None
    assert can_accept(records, item, newAttribute=attribute_content("名", owner="")).code == IAP
    assert can_accept(records, item, newAttribute=relationship_content()).code == AQM
    assert can_accept(records, read(third_party_query("", THIRD)), newAttribute=relationship_content()).code == IAP


def test_read_guards_what_third_parties_share(records: Records) -> None:
    related(records, THIRD)
    stored_attribute(records, "ATT1", relationship_content(), OWN_RELATIONSHIP, peer=THIRD)
    assert can_accept(records, read(third_party_query("", THIRD)), existingAttributeId="ATT1") is None
    assert can_accept(records, read(third_party_query("", "did:e:x")), existingAttributeId="ATT1").code == AQM
    assert can_accept(records, read(third_party_query("", "")), existingAttributeId="ATT1") is None
    assert can_accept(
        records, read(third_party_query("", THIRD)), existingAttributeId="ATT1", tags=["x:a"]
    ).message.endswith("no tags may be specified.")
    private = relationship_content(confidentiality="private")
    stored_attribute(records, "ATT2", private, OWN_RELATIONSHIP, peer=THIRD)
    error = can_accept(records, read(third_party_query("", THIRD)), existingAttributeId="ATT2")
    assert "is private" in error.message
    unrelated = Records()
    stored_attribute(unrelated, "ATT1", relationship_content(), OWN_RELATIONSHIP, peer=THIRD)
    error = can_accept(unrelated, read(third_party_query("", THIRD)), existingAttributeId="ATT1")
    assert error.code.endswith("cannotShareRelationshipAttributeOfPendingRelationship")


def test_read_needs_a_free_key(records: Records) -> None:
    new = relationship_content(owner="")
    assert can_accept(records, read(RELATIONSHIP_QUERY), newAttribute=new) is None
    stored_attribute(records, "ATT1", relationship_content(), OWN_RELATIONSHIP, peer=PEER)
    with pytest.raises(CoreError, match="The queried RelationshipAttribute cannot be created because"):
        can_accept(records, read(RELATIONSHIP_QUERY), newAttribute=new)
    error = can_accept(records, read(RELATIONSHIP_QUERY, must=False), newAttribute=new)
    assert error.message.startswith("This ReadAttributeRequestItem cannot be accepted as the queried")


def test_an_existing_attribute_is_given_with_more_tags_as_its_successor(records: Records) -> None:
    stored_attribute(records, "ATT1", attribute_content(tags=["x:a"]))
    forwarded(records, "ATT1", PEER)
    item = read(IDENTITY_QUERY)
    assert accept(records, item, existingAttributeId="ATT1")["@type"] == "AttributeAlreadySharedAcceptResponseItem"
    answer = accept(records, item, existingAttributeId="ATT1", tags=["x:b"])
    assert answer["@type"] == "AttributeSuccessionAcceptResponseItem"
    assert answer["successorContent"]["tags"] == ["x:a", "x:b"]
    with pytest.raises(CoreError, match="has a successor"):
        accept(records, item, existingAttributeId="ATT1", tags=["x:c"])


@pytest.mark.parametrize(
    ("content", "initial", "kind"),
    [
        (attribute_content(owner=PEER), None, PEER_IDENTITY),
        (relationship_content(owner=THIRD), THIRD, THIRD_PARTY),
        (relationship_content(owner=ME), None, OWN_RELATIONSHIP),
        (relationship_content(owner=PEER), None, PEER_RELATIONSHIP),
    ],
)
def test_what_was_read_becomes_an_attribute_of_its_kind(
    records: Records, content: dict[str, Any], initial: str | None, kind: Kind
) -> None:
    answer = {"@type": "ReadAttributeAcceptResponseItem", "attributeId": "ATT1", "attribute": content}
    if initial is not None:
        answer["initialAttributePeer"] = initial
    apply(records, read(IDENTITY_QUERY), answer)
    assert attribute(records, "ATT1").kind == kind


def test_an_attribute_that_the_peer_shares_again_need_not_be_deleted(records: Records) -> None:
    info = DeletionInfo(deletion_status="ToBeDeleted", deletion_date=LATER)
    stored_attribute(records, "ATT1", attribute_content(owner=PEER), PEER_IDENTITY, peer=PEER, deletion_info=info)
    answer = {"@type": "AttributeAlreadySharedAcceptResponseItem", "attributeId": "ATT1"}
    apply(records, read(IDENTITY_QUERY), answer, peer=THIRD)
    assert attribute(records, "ATT1").deletion_info == info
    apply(records, read(IDENTITY_QUERY), answer)
    assert attribute(records, "ATT1").deletion_info is None


def test_answers_that_are_none_change_nothing(records: Records) -> None:
    for answer in (
        {"@type": "ErrorResponseItem"},
        {"@type": "RejectResponseItem"},
        {},
        {"@type": "AcceptResponseItem"},
    ):
        for item in (
            read(IDENTITY_QUERY),
            propose(IDENTITY_QUERY, attribute_content(owner="")),
            create({"owner": "x"}),
        ):
            apply(records, item, answer)
    assert records.select(ATTRIBUTES) == []


# --- ProposeAttribute ----------------------------------------------------------------------------------------------


def test_propose_leaves_the_owner_open(records: Records) -> None:
    assert can_create(records, propose(IDENTITY_QUERY, attribute_content(owner=""))) is None
    assert can_create(records, propose(IDENTITY_QUERY, attribute_content(owner=PEER))).message.startswith(
        "The owner of the given `attribute` can only be an empty string."
    )
    owned = {**RELATIONSHIP_QUERY, "owner": PEER}
    assert can_create(records, propose(owned, relationship_content(owner=""))).message.startswith(
        "The owner of the given `query` can only be an empty string."
    )
    assert can_create(records, propose(RELATIONSHIP_QUERY, relationship_content(owner="", key="other"))).code == AQM


def test_propose_is_accepted_with_an_own_identity_attribute_or_a_new_one(records: Records) -> None:
    item = propose(IDENTITY_QUERY, attribute_content(owner=""))
    stored_attribute(records, "ATT1", relationship_content(), OWN_RELATIONSHIP, peer=THIRD)
    assert can_accept(records, item, attributeId="ATT1").message.startswith(
        "The selected Attribute is not an OwnIdentityAttribute."
    )
    with pytest.raises(DeserializationError, match=r"You have to specify either attribute or attributeId\."):
        can_accept(records, item)
    assert can_accept(records, item, attribute=attribute_content("Eve", owner="")) is None
    answer = accept(records, item, attribute=attribute_content("Eve", owner=""))
    assert answer["@type"] == "ProposeAttributeAcceptResponseItem"
    assert answer["attribute"]["owner"] == ME
    sender = Records()
    theirs = {**answer, "attribute": {**answer["attribute"], "owner": PEER}}
    apply(sender, item, theirs)
    assert attribute(sender, answer["attributeId"]).kind == PEER_IDENTITY
    relationship_item = propose(RELATIONSHIP_QUERY, relationship_content(owner=""))
    answer = accept(records, relationship_item, attribute=relationship_content(owner=""))
    assert attribute(records, answer["attributeId"]).kind == OWN_RELATIONSHIP


# --- DeleteAttribute -----------------------------------------------------------------------------------------------


def test_delete_is_asked_of_who_has_the_attribute_from_us(records: Records) -> None:
    assert can_create(records, delete()).message == "The Attribute 'ATT1' could not be found."
    stored_attribute(records, "ATT1", attribute_content())
    assert can_create(records, delete(), None).message == (
        "The recipient must be specified when sending a DeleteAttributeRequestItem."
    )
    assert can_create(records, delete()).message.startswith("The deletion of an own Attribute can only be requested")
    details = forwarded(records, "ATT1", PEER)
    assert can_create(records, delete()) is None
    info = DeletionInfo(deletion_status="ToBeDeletedByRecipient", deletion_date=LATER)
    records.put(FORWARDING_DETAILS, replace(details, deletion_info=info))
    assert can_create(records, delete()).code == IRI
    stored_attribute(records, "ATT2", relationship_content(owner=PEER), PEER_RELATIONSHIP, peer=PEER)
    assert can_create(records, delete("ATT2")).message == (
        "The deletion of a PeerRelationshipAttribute cannot be requested for the owner."
    )
    assert can_create(records, delete("ATT2"), THIRD).message.startswith(
        "The deletion of a PeerRelationshipAttribute can only be requested from a third party"
    )
    stored_attribute(records, "ATT3", relationship_content(), OWN_RELATIONSHIP, peer=PEER)
    assert can_create(records, delete("ATT3")) is None


def test_the_state_of_a_deletion_stands_in_one_place(records: Records) -> None:
    stored_attribute(records, "ATT1", relationship_content(), OWN_RELATIONSHIP, peer=PEER)
    stored_attribute(records, "ATT2", attribute_content("a"), succeeded_by="ATT3")
    stored_attribute(records, "ATT3", attribute_content("b"), succeeds="ATT2")
    forwarded(records, "ATT3", PEER)
    for id_ in ("ATT1", "ATT3"):
        changes = records.changes()
        processor_for(delete(id_)).on_sent(changes, delete(id_), REQUEST)
        changes.apply(records)
    (details,) = records.select(FORWARDING_DETAILS)
    assert attribute(records, "ATT1").deletion_status == details.deletion_status == "DeletionRequestSent"

    answer = {"@type": "DeleteAttributeAcceptResponseItem", "deletionDate": LATER, "result": "Accepted"}
    apply(records, delete("ATT1"), answer)
    assert attribute(records, "ATT1").deletion_status == "ToBeDeletedByRecipient"
    apply(records, delete("ATT1"), {"@type": "RejectResponseItem"})
    assert attribute(records, "ATT1").deletion_status == "ToBeDeletedByRecipient"
    apply(records, delete("ATT3"), {"@type": "ErrorResponseItem"})
    (details,) = records.select(FORWARDING_DETAILS)
    assert details.deletion_status == "DeletionRequestRejected"


def test_delete_is_accepted_for_a_day_to_come(records: Records) -> None:
    with pytest.raises(DeserializationError, match="deletionDate :: Value is not defined"):
        can_accept(records, delete())
    assert can_accept(records, delete(), deletionDate=LATER) is None
    assert accept(records, delete(), deletionDate=LATER) == {"@type": "AcceptResponseItem", "result": "Accepted"}
    stored_attribute(records, "ATT0", attribute_content("a", owner=PEER), PEER_IDENTITY, peer=PEER, succeeded_by="ATT1")
    stored_attribute(records, "ATT1", attribute_content("b", owner=PEER), PEER_IDENTITY, peer=PEER, succeeds="ATT0")
    assert can_accept(records, delete(), deletionDate="soon").message == "The deletionDate is invalid."
    assert can_accept(records, delete(), deletionDate=EARLIER).message == "The deletionDate must be in the future."
    assert can_accept(records, delete(), replace_peer(THIRD), deletionDate=LATER).code == IRI
    with pytest.raises(UnexpectedCondition):
        can_accept(records, delete(), deletionDate="")
    answer = accept(records, delete(), deletionDate="2026-07-01T14:00:00+02:00")
    assert answer == {"@type": "DeleteAttributeAcceptResponseItem", "deletionDate": LATER, "result": "Accepted"}
    assert {attribute(records, id_).deletion_status for id_ in ("ATT0", "ATT1")} == {"ToBeDeleted"}


# --- FormField -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "answer", "problem"),
    [
        (
            {"@type": "StringFormFieldSettings", "max": 2},
            "abc",
            "The length of the response cannot be greater than the max 2.",
        ),
        (
            {"@type": "StringFormFieldSettings", "min": 3},
            "😀",
            "The length of the response cannot be smaller than the min 3.",
        ),
        ({"@type": "StringFormFieldSettings", "min": 2}, "😀", None),
        ({"@type": "StringFormFieldSettings"}, 5, "A string form field must be accepted with a string."),
        ({"@type": "IntegerFormFieldSettings"}, 5.0, None),
        ({"@type": "IntegerFormFieldSettings"}, 5.5, "An integer form field must be accepted with an integer."),
        ({"@type": "IntegerFormFieldSettings"}, True, "An integer form field must be accepted with an integer."),
        ({"@type": "IntegerFormFieldSettings", "max": 0}, 5, None),
        ({"@type": "IntegerFormFieldSettings", "max": 4}, 5, "The response cannot be greater than the max 4."),
        ({"@type": "DoubleFormFieldSettings", "min": 1.5}, 1.25, "The response cannot be smaller than the min 1.5."),
        ({"@type": "DoubleFormFieldSettings"}, "1", "A double form field must be accepted with a double."),
        ({"@type": "BooleanFormFieldSettings"}, 1, "A boolean form field must be accepted with a boolean."),
        ({"@type": "DateFormFieldSettings"}, "2026-W05-2", None),
        (
            {"@type": "DateFormFieldSettings"},
            "tomorrow",
            "A date form field must be accepted with a valid date string in ISO 8601 format.",
        ),
        (
            {"@type": "RatingFormFieldSettings", "maxRating": 5},
            6,
            "The rating form field must be accepted with an integer between 1 and 5.",
        ),
        ({"@type": "RatingFormFieldSettings", "maxRating": 5}, 5, None),
        (
            {"@type": "SelectionFormFieldSettings", "options": ["a"]},
            ["a"],
            "A selection form field that does not allow multiple selection must be accepted with a string.",
        ),
        (
            {"@type": "SelectionFormFieldSettings", "options": ["a"]},
            "b",
            "The selection form field does not provide the option 'b' for selection.",
        ),
        (
            {"@type": "SelectionFormFieldSettings", "options": ["a"], "allowMultipleSelection": True},
            "a",
            "A selection form field that allows multiple selection must be accepted with a string array.",
        ),
        (
            {"@type": "SelectionFormFieldSettings", "options": ["a"], "allowMultipleSelection": True},
            [],
            "At least one option must be specified to accept a selection form field.",
        ),
        (
            {"@type": "SelectionFormFieldSettings", "options": ["a"], "allowMultipleSelection": True},
            ["a", "a"],
            "The options specified for accepting a selection form field must be unique.",
        ),
        (
            {"@type": "SelectionFormFieldSettings", "options": ["a"], "allowMultipleSelection": True},
            ["b", "a", "c"],
            "The selection form field does not provide the following option(s) for selection: 'b', 'c'.",
        ),
    ],
)
def test_an_answer_must_fit_the_form_field(settings: dict[str, Any], answer: Any, problem: str | None) -> None:
    assert answer_problem(settings, answer) == problem


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"@type": "StringFormFieldSettings", "min": 2, "max": 1}, "The max cannot be smaller than the min."),
        ({"@type": "StringFormFieldSettings", "min": 2, "max": 0}, None),
        (
            {"@type": "SelectionFormFieldSettings", "options": []},
            "A selection form field must provide at least one option.",
        ),
        (
            {"@type": "SelectionFormFieldSettings", "options": ["a", "a"]},
            "A selection form field must provide unique options.",
        ),
        ({"@type": "RatingFormFieldSettings", "maxRating": 5}, None),
    ],
)
def test_a_form_field_must_be_possible_to_fill_in(settings: dict[str, Any], problem: str | None) -> None:
    assert creation_problem(settings) == problem


@pytest.mark.parametrize(
    ("response", "text"),
    [
        (None, "AcceptFormFieldRequestItemParameters.response :: Value is not defined"),
        ({}, "AcceptFormFieldRequestItemParameters.response :: Value is not an allowed type."),
        (
            [1],
            "AcceptFormFieldRequestItemParameters.response:Object :: If the response is an array, it must be a string "
            "array.",
        ),
    ],
)
def test_a_response_has_an_allowed_type(records: Records, response: Any, text: str) -> None:
    item = {
        "@type": "FormFieldRequestItem",
        "title": "t",
        "settings": {"@type": "StringFormFieldSettings"},
        "mustBeAccepted": True,
    }
    with pytest.raises(DeserializationError) as caught:
        can_accept(records, item, response=response)
    assert caught.value.message == text


# --- TransferFileOwnership -----------------------------------------------------------------------------------------

FILE_ID = "FIL" + "a" * 17
REFERENCE = FileReference(id=FILE_ID, key=SecretKey.generate(lambda size: bytes(size))).truncated()
TRANSFER = {
    "@type": "TransferFileOwnershipRequestItem",
    "fileReference": REFERENCE,
    "ownershipToken": "t",
    "mustBeAccepted": True,
}


def file(**members: Any) -> File:
    defaults: dict[str, Any] = {
        "id": FILE_ID,
        "secret_key": {},
        "cipher_key": {},
        "is_own": True,
        "filename": "a",
        "filesize": 1,
        "mimetype": "a/b",
        "cipher_hash": "",
        "plaintext_hash": "",
        "created_at": EARLIER,
        "expires_at": LATER,
        "created_by": PEER,
        "owner": PEER,
        "created_by_device": "DVC1",
        "owner_signature": {},
    }
    return File(**{**defaults, **members})


def facts(valid: bool = True, claimed: bool = False, **members: Any) -> dict[str, FileFacts]:
    found = FileFacts(file=file(**members), token_is_valid=valid, claimed=claimed, truncated_reference=REFERENCE)
    return {FILE_ID: found}


def test_only_own_valid_files_are_offered(records: Records) -> None:
    def error(files: dict[str, FileFacts]) -> str | None:
        found = can_create(records, TRANSFER, files=files)
        return None if found is None else found.message

    start = f"You cannot request the transfer of ownership of the File with ID '{FILE_ID}' since it"
    assert error({}) == f"The File with the given ID '{FILE_ID}' could not be found."
    assert error(facts(is_own=False)) == f"{start} is not owned by you."
    assert error(facts(expires_at=EARLIER)) == f"{start} is already expired."
    assert error(facts(tags=["bad"])) == (
        f"{start} has invalid tags. Detected invalidity of the following tags: 'bad'."
    )
    assert error(facts(valid=False)) == (f"The specified ownershipToken is not valid for the File with ID '{FILE_ID}'.")
    assert error(facts()) is None


def test_only_the_peers_valid_files_are_taken(records: Records) -> None:
    def error(**members: Any) -> str | None:
        context = RequestContext(id="REQ1", peer=PEER, files=facts(**{"is_own": False, **members}))
        found = can_accept(records, TRANSFER, context)
        return None if found is None else found.message

    start = "You cannot accept this RequestItem since the"
    named = f"{start} File with the given fileReference '{FILE_ID}'"
    assert can_accept(records, TRANSFER).message == f"{start} File with the given ID '{FILE_ID}' could not be found."
    assert error(expires_at=EARLIER) == f"{start} File with the given ID '{FILE_ID}' is already expired."
    assert error(is_own=True) == f"{named} is already owned by you."
    assert error(owner=THIRD) == f"{named} is not owned by the peer."
    assert error(tags=["bad"]) == f"{named} has invalid tags. Detected invalidity of the following tags: 'bad'."
    assert error(valid=False) == (f"{start} specified ownershipToken is not valid for the File with ID '{FILE_ID}'.")
    assert error() is None
    assert error(is_own=True, owner=ME, claimed=True, valid=False) is None


def test_a_taken_file_becomes_an_attribute_on_both_sides(records: Records) -> None:
    with pytest.raises(UnexpectedCondition):
        accept(records, TRANSFER, RequestContext(id="REQ1", peer=PEER, files=facts()))
    answer = accept(records, TRANSFER, RequestContext(id="REQ1", peer=PEER, files=facts(claimed=True, tags=["x:a"])))
    mine = attribute(records, answer["attributeId"])
    assert mine.kind == OWN_IDENTITY
    assert mine.content["value"] == {"@type": "IdentityFileReference", "value": REFERENCE}
    assert mine.content["tags"] == ["x:a"]
    assert [details.peer for details in records.select(FORWARDING_DETAILS)] == [PEER]
    sender = Records()
    printed = {name: member for name, member in answer["attribute"].items() if name != "@type"}
    apply(sender, TRANSFER, {**answer, "attribute": {**printed, "owner": PEER}})
    assert attribute(sender, answer["attributeId"]).kind == PEER_IDENTITY


# --- queries -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "content", "text"),
    [
        (IDENTITY_QUERY, relationship_content(), "is not an IdentityAttribute, but an IdentityAttribute was queried"),
        (IDENTITY_QUERY, attribute_content(owner=PEER), "belongs to someone else"),
        (IDENTITY_QUERY, attribute_content(value_type="Surname"), "not of the queried IdentityAttribute value type"),
        (
            {**IDENTITY_QUERY, "tags": ["x:a"]},
            attribute_content(tags=["x:b"]),
            "do not contain at least one queried tag",
        ),
        ({**IDENTITY_QUERY, "tags": ["x:a"]}, attribute_content(tags=["x:b", "x:a"]), None),
        ({"@type": "IQLQuery"}, relationship_content(), "only IdentityAttributes can be queried by an IQLQuery"),
        ({"@type": "IQLQuery"}, attribute_content(owner=PEER), "belongs to someone else"),
        ({"@type": "IQLQuery"}, attribute_content(), None),
        (RELATIONSHIP_QUERY, attribute_content(), "is not a RelationshipAttribute, but a RelationshipAttribute"),
        ({**RELATIONSHIP_QUERY, "owner": PEER}, relationship_content(), "does not belong to the queried owner"),
        (RELATIONSHIP_QUERY, relationship_content(owner=PEER), "You are not the owner of the provided"),
        (RELATIONSHIP_QUERY, relationship_content(key="other"), "does not have the queried key"),
        (RELATIONSHIP_QUERY, relationship_content(confidentiality="private"), "the queried confidentiality"),
        (
            RELATIONSHIP_QUERY,
            {**relationship_content(), "value": {"@type": "ProprietaryInteger", "title": "Customer", "value": 1}},
            "not of the queried RelationshipAttribute value type",
        ),
        (
            RELATIONSHIP_QUERY,
            {**relationship_content(), "value": {"@type": "ProprietaryString", "title": "x", "value": "1"}},
            "does not have the queried title",
        ),
        (
            RELATIONSHIP_QUERY,
            {
                **relationship_content(),
                "value": {"@type": "ProprietaryString", "title": "Customer", "value": "1", "description": "d"},
            },
            "does not have the queried description",
        ),
        (RELATIONSHIP_QUERY, relationship_content(), None),
        (third_party_query("", THIRD), attribute_content(), "is not a RelationshipAttribute"),
        (third_party_query("", THIRD), relationship_content(owner=PEER), "does not belong to a queried owner"),
        (
            third_party_query("recipient", THIRD),
            relationship_content(owner=THIRD),
            "does not belong to a queried owner",
        ),
        (third_party_query("thirdParty", THIRD), relationship_content(), "does not belong to a queried owner"),
        (third_party_query("thirdParty", ""), relationship_content(), "does not belong to a queried owner"),
        (third_party_query("thirdParty", ""), relationship_content(owner=THIRD), None),
        (third_party_query("", THIRD), relationship_content(owner="did:e:x"), "Neither you nor one of the involved"),
        (third_party_query("", THIRD), relationship_content(key="other"), "does not have the queried key"),
        (third_party_query("", THIRD), relationship_content(), None),
    ],
)
def test_an_attribute_answers_a_query_or_not(query: dict[str, Any], content: dict[str, Any], text: str | None) -> None:
    error: ConnectorError | None = mismatch(query, content, recipient=ME, sender=PEER)
    if text is None:
        assert error is None
    else:
        assert error is not None
        assert error.code == AQM
        assert text in error.message
