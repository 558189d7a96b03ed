"""Attributes: creation, tags, forwarding, versions, succession, deletion, queries."""

from __future__ import annotations

from typing import Any

import pytest

from tests.domain.memory import (
    EARLIER,
    LATER,
    ME,
    NOW,
    PEER,
    TAGS,
    THIRD,
    Records,
    attribute_content,
    forwarded,
    related,
    relationship_content,
    stored_attribute,
)
from trio_connector.domain.attributes.characters import has_allowed_characters
from trio_connector.domain.attributes.creation import create_attribute
from trio_connector.domain.attributes.deletion import (
    delete_after_failed_relationship,
    delete_fully,
    deletion_notification_item,
    mark_deleted_by_peer,
    peers_to_notify,
    set_deletion_info_for_peer,
)
from trio_connector.domain.attributes.forwarding import (
    add_forwarding_details,
    delete_forwarding_details,
    is_forwarded,
    set_forwarded_deletion_info,
)
from trio_connector.domain.attributes.queries import (
    execute_identity_query,
    execute_iql_query,
    execute_relationship_query,
    execute_third_party_query,
    key_taken,
)
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
    attribute_dto,
)
from trio_connector.domain.attributes.succession import succeed
from trio_connector.domain.attributes.tags import invalid_tags
from trio_connector.domain.attributes.versions import latest_shared, predecessors, successors, versions
from trio_connector.errors import ConnectorError, CoreError, UnexpectedCondition


@pytest.fixture
def records() -> Records:
    return Records()


# --- creation ------------------------------------------------------------------------------------------------------


def test_an_own_identity_attribute_is_trimmed_stored_and_told(records: Records) -> None:
    changes = records.changes()
    attribute = create_attribute(changes, OWN_IDENTITY, attribute_content("\ufeff Ada\u00a0"))
    changes.apply(records)
    assert records.get(ATTRIBUTES, attribute.id) == attribute
    assert attribute.content["value"]["value"] == "Ada"
    assert attribute.id.startswith("ATT")
    assert len(attribute.id) == 20
    assert attribute_dto(attribute).number_of_forwards == 0
    assert records.namespaces == ["consumption.attributeCreated"]


@pytest.mark.parametrize(
    ("kind", "owner", "peer", "initial", "text"),
    [
        (OWN_IDENTITY, PEER, None, None, "an OwnIdentityAttribute, the owner must match the own address."),
        (OWN_RELATIONSHIP, PEER, PEER, None, "an OwnRelationshipAttribute, the owner must match the own address."),
        (OWN_RELATIONSHIP, ME, ME, None, "an OwnRelationshipAttribute, the peer must not match the own address."),
        (PEER_IDENTITY, ME, PEER, None, "a PeerIdentityAttribute, the owner must not match the own address."),
        (PEER_IDENTITY, THIRD, PEER, None, "a PeerIdentityAttribute, the owner must match the address of the peer."),
        (PEER_RELATIONSHIP, ME, PEER, None, "a PeerRelationshipAttribute, the owner must not match the own address."),
        (THIRD_PARTY, ME, PEER, THIRD, "a ThirdPartyRelationshipAttribute, the owner must not match the own address."),
        (
            THIRD_PARTY,
            "did:e:x",
            PEER,
            THIRD,
            "a ThirdPartyRelationshipAttribute, the owner must match the address of the peer or initial Attribute "
            "peer.",
        ),
        (
            THIRD_PARTY,
            PEER,
            PEER,
            PEER,
            "a ThirdPartyRelationshipAttribute, the peer must not match the initialAttributePeer.",
        ),
    ],
)
def test_a_wrong_owner_is_refused(
    records: Records, kind: Kind, owner: str, peer: str | None, initial: str | None, text: str
) -> None:
    identity = kind in (OWN_IDENTITY, PEER_IDENTITY)
    content = attribute_content(owner=owner) if identity else relationship_content(owner=owner)
    with pytest.raises(CoreError) as caught:
        create_attribute(records.changes(), kind, content, peer=peer, initial_attribute_peer=initial)
    assert caught.value.code == "error.consumption.attributes.wrongOwnerOfAttribute"
    assert caught.value.message == f"When creating {text}"


def test_an_id_that_a_peer_gives_cannot_replace_an_attribute(records: Records) -> None:
    stored_attribute(records, "ATT1", attribute_content())
    with pytest.raises(UnexpectedCondition):
        create_attribute(
            records.changes(), PEER_IDENTITY, attribute_content(owner=PEER), id_="ATT1", peer=PEER, source_reference="R"
        )


@pytest.mark.parametrize("value", ["Игорь", "名前", "\N{GRINNING FACE}", "a\u200bb"])
def test_characters_outside_the_normative_letters_are_refused(records: Records, value: str) -> None:
    with pytest.raises(CoreError) as caught:
        create_attribute(records.changes(), OWN_IDENTITY, attribute_content(value))
    assert caught.value.message == "The Attribute contains forbidden characters."


@pytest.mark.parametrize("text", ["Zoë", "K\u035fH", "s\u031b\u0304", "a\tb\r\nc", "", "€"])
def test_normative_letters_are_allowed(text: str) -> None:
    assert has_allowed_characters(text)


def test_the_title_of_a_relationship_attribute_may_contain_anything(records: Records) -> None:
    content = relationship_content()
    content["value"]["title"] = "顧客"
    create_attribute(records.changes(), OWN_RELATIONSHIP, content, peer=PEER, source_reference="REQ1")


# --- tags ----------------------------------------------------------------------------------------------------------


def test_valid_and_invalid_tags() -> None:
    valid = [
        "x:a",
        "X:",
        "urn:a",
        "language:de",
        "mimetype:image/png",
        "mimetype:*/*",
        "bkb:emergency:first",
        "BKB:emergency:first",
    ]
    invalid = [
        "a",
        "URN:a",
        "language:DE",
        "language:xx",
        "mimetype:image/jpeg2",
        "bkb:emergency",
        "bkb:emergency:third",
        "bkb:emergency:second",
        "bkb:emergency:first:more",
        "bkb:",
    ]
    assert invalid_tags([*valid, *invalid], "PhoneNumber", TAGS) == invalid
    assert invalid_tags(["bkb:emergency:first"], "GivenName", TAGS) == ["bkb:emergency:first"]


def test_invalid_tags_are_named(records: Records) -> None:
    with pytest.raises(ConnectorError) as caught:
        create_attribute(records.changes(), OWN_IDENTITY, attribute_content(tags=["x:a", "b", "c"]))
    assert caught.value.code == "error.consumption.attributes.invalidTags"
    assert caught.value.message == "Detected invalidity of the following tags: 'b', 'c'."


# --- forwarding ----------------------------------------------------------------------------------------------------


def test_forwarding_is_counted_and_told(records: Records) -> None:
    attribute = stored_attribute(records, "ATT1", attribute_content(), number_of_forwards=0)
    changes = records.changes()
    assert add_forwarding_details(changes, attribute, PEER, "REQ1").number_of_forwards == 1
    assert add_forwarding_details(changes, attribute, THIRD, "REQ2").number_of_forwards == 2
    changes.apply(records)
    assert records.namespaces == ["consumption.attributeForwardingDetailsChanged"] * 2
    changes = records.changes()
    delete_forwarding_details(changes, attribute, PEER)
    changes.apply(records)
    stored = records.get(ATTRIBUTES, "ATT1")
    assert stored is not None
    assert stored.number_of_forwards == 1


def test_an_attribute_is_forwarded_once(records: Records) -> None:
    attribute = stored_attribute(records, "ATT1", attribute_content())
    forwarded(records, "ATT1", PEER)
    with pytest.raises(CoreError) as caught:
        add_forwarding_details(records.changes(), attribute, PEER, "REQ1")
    assert caught.value.message == f"The Attribute 'ATT1 is already forwarded to peer '{PEER}'."


def test_who_agreed_to_delete_gets_it_again_by_dropping_the_agreement(records: Records) -> None:
    attribute = stored_attribute(records, "ATT1", attribute_content())
    known = forwarded(records, "ATT1", PEER, "ToBeDeletedByRecipient")
    changes = records.changes()
    add_forwarding_details(changes, attribute, PEER, "REQ9")
    (details,) = changes.select(FORWARDING_DETAILS, attribute_id="ATT1")
    assert details.deletion_info is None
    assert (details.source_reference, details.shared_at) == (known.source_reference, known.shared_at)


def test_who_deleted_it_gets_it_anew(records: Records) -> None:
    attribute = stored_attribute(records, "ATT1", attribute_content())
    forwarded(records, "ATT1", PEER, "DeletedByRecipient")
    changes = records.changes()
    assert not is_forwarded(changes, attribute, PEER)
    assert add_forwarding_details(changes, attribute, PEER, "REQ9").number_of_forwards == 2
    assert is_forwarded(changes, attribute, PEER)


def test_an_overriding_deletion_info_leaves_an_earlier_sharing_alone(records: Records) -> None:
    attribute = stored_attribute(records, "ATT1", attribute_content())
    old = forwarded(records, "ATT1", PEER, "DeletedByRecipient")
    new = forwarded(records, "ATT1", PEER, "ToBeDeletedByRecipient")
    changes = records.changes()
    assert set_forwarded_deletion_info(changes, attribute, PEER, None, override=True)
    assert changes.get(FORWARDING_DETAILS, old.id) == old
    changed = changes.get(FORWARDING_DETAILS, new.id)
    assert changed is not None
    assert changed.deletion_info is None


def test_versions_that_a_peer_never_had_say_nothing_about_its_deletions(records: Records) -> None:
    stored_attribute(records, "ATT1", attribute_content("a"), succeeded_by="ATT2")
    second = stored_attribute(records, "ATT2", attribute_content("b"), succeeds="ATT1")
    forwarded(records, "ATT2", PEER)
    changes = records.changes()
    info = DeletionInfo(deletion_status="DeletionRequestSent", deletion_date=NOW)
    set_deletion_info_for_peer(changes, second, PEER, info)
    (details,) = changes.select(FORWARDING_DETAILS, peer=PEER)
    assert details.deletion_info == info


# --- versions and succession ---------------------------------------------------------------------------------------


def chain(records: Records) -> None:
    stored_attribute(records, "ATT1", attribute_content("a"), succeeded_by="ATT2")
    stored_attribute(records, "ATT2", attribute_content("b"), succeeds="ATT1", succeeded_by="ATT3")
    stored_attribute(records, "ATT3", attribute_content("c"), succeeds="ATT2")


def test_versions_come_newest_first(records: Records) -> None:
    chain(records)
    second = records.get(ATTRIBUTES, "ATT2")
    assert second is not None
    assert [version.id for version in versions(records, second)] == ["ATT3", "ATT2", "ATT1"]
    assert [version.id for version in predecessors(records, second)] == ["ATT1"]
    assert [version.id for version in successors(records, second)] == ["ATT3"]
    forwarded(records, "ATT1", PEER)
    forwarded(records, "ATT3", PEER, "DeletedByRecipient")
    latest = latest_shared(records, second, PEER)
    assert latest is not None
    assert latest.id == "ATT1"


def test_a_broken_chain_is_an_error(records: Records) -> None:
    attribute = stored_attribute(records, "ATT2", attribute_content(), succeeds="ATT1")
    with pytest.raises(CoreError) as caught:
        predecessors(records, attribute)
    assert caught.value.code == "error.transport.recordNotFound"


def test_a_succession_links_both_versions_and_leaves_the_forwarding_behind(records: Records) -> None:
    first = stored_attribute(records, "ATT1", attribute_content("a"), number_of_forwards=1)
    forwarded(records, "ATT1", PEER)
    changes = records.changes()
    before, after = succeed(changes, first, attribute_content(" b "))
    changes.apply(records)
    assert (before.succeeded_by, after.succeeds) == (after.id, before.id)
    assert after.content["value"]["value"] == "b"
    assert (before.number_of_forwards, after.number_of_forwards) == (1, 0)
    assert records.select(FORWARDING_DETAILS, attribute_id=after.id) == []
    assert records.namespaces == ["consumption.attributeSucceeded"]


SUCCESSION_ERRORS: list[tuple[Kind, dict[str, Any], dict[str, Any], str]] = [
    (PEER_IDENTITY, {}, relationship_content(owner=PEER), "successorIsNotAValidAttribute"),
    (OWN_RELATIONSHIP, {}, relationship_content("D", key="other"), "successionMustNotChangeKey"),
    (
        PEER_IDENTITY,
        {"deletion_info": DeletionInfo(deletion_status="DeletedByEmitter", deletion_date=EARLIER)},
        attribute_content("b", owner=PEER),
        "cannotSucceedSharedAttributesDeletedByPeer",
    ),
    (
        PEER_IDENTITY,
        {"succeeded_by": "ATT9"},
        attribute_content("b", owner=PEER),
        "cannotSucceedAttributesWithASuccessor",
    ),
    (PEER_IDENTITY, {}, attribute_content(owner=PEER), "successionMustChangeContent"),
    (PEER_IDENTITY, {}, attribute_content("b", owner=THIRD), "successionMustNotChangeOwner"),
    (
        PEER_IDENTITY,
        {},
        attribute_content("b", owner=PEER, value_type="Surname"),
        "successionMustNotChangeValueType",
    ),
    (PEER_IDENTITY, {}, attribute_content("名", owner=PEER), "forbiddenCharactersInAttribute"),
]


@pytest.mark.parametrize(("kind", "members", "content", "code"), SUCCESSION_ERRORS)
def test_an_unfit_successor_is_refused(
    records: Records, kind: Kind, members: dict[str, Any], content: dict[str, Any], code: str
) -> None:
    owner = ME if kind == OWN_RELATIONSHIP else PEER
    known = attribute_content(owner=owner) if kind == PEER_IDENTITY else relationship_content(owner=owner)
    predecessor = stored_attribute(records, "ATT1", known, kind, peer=PEER, **members)
    with pytest.raises(CoreError) as caught:
        succeed(records.changes(), predecessor, content)
    assert caught.value.code == f"error.consumption.attributes.{code}"


def test_the_id_of_a_successor_must_be_new(records: Records) -> None:
    chain(records)
    predecessor = stored_attribute(records, "ATT9", attribute_content(owner=PEER), PEER_IDENTITY, peer=PEER)
    with pytest.raises(CoreError) as caught:
        succeed(records.changes(), predecessor, attribute_content("b", owner=PEER), successor_id="ATT1")
    assert caught.value.code == "error.consumption.attributes.successorMustNotYetExist"


# --- deletion ------------------------------------------------------------------------------------------------------


def test_full_deletion_takes_predecessors_and_details_along(records: Records) -> None:
    chain(records)
    forwarded(records, "ATT1", PEER)
    forwarded(records, "ATT2", PEER)
    forwarded(records, "ATT3", PEER)
    second = records.get(ATTRIBUTES, "ATT2")
    assert second is not None
    changes = records.changes()
    delete_fully(changes, second)
    changes.apply(records)
    (left,) = records.select(ATTRIBUTES)
    assert (left.id, left.succeeds) == ("ATT3", None)
    assert [details.attribute_id for details in records.select(FORWARDING_DETAILS)] == ["ATT3"]
    assert records.namespaces == ["consumption.attributeDeleted"] * 2


def test_a_missing_successor_prevents_deletion(records: Records) -> None:
    attribute = stored_attribute(records, "ATT1", attribute_content(), succeeded_by="ATT2")
    with pytest.raises(CoreError) as caught:
        delete_fully(records.changes(), attribute)
    assert caught.value.code == "error.consumption.attributes.successorDoesNotExist"


def test_everybody_who_has_a_version_is_told_its_id(records: Records) -> None:
    chain(records)
    related(records, PEER)
    related(records, THIRD, "Terminated")
    forwarded(records, "ATT2", PEER)
    forwarded(records, "ATT1", PEER)
    forwarded(records, "ATT1", THIRD, "ToBeDeletedByRecipient")
    third = records.get(ATTRIBUTES, "ATT3")
    assert third is not None
    assert [tuple(told) for told in peers_to_notify(records, third)] == [(PEER, "ATT2"), (THIRD, "ATT1")]


def test_who_deleted_it_or_is_gone_is_not_told(records: Records) -> None:
    attribute = stored_attribute(records, "ATT1", attribute_content())
    related(records, PEER)
    forwarded(records, "ATT1", PEER, "DeletedByRecipient")
    forwarded(records, "ATT1", THIRD)
    assert peers_to_notify(records, attribute) == []


def test_nothing_shared_is_deleted_while_a_relationship_is_pending(records: Records) -> None:
    attribute = stored_attribute(records, "ATT1", attribute_content())
    related(records, PEER, "Pending")
    forwarded(records, "ATT1", PEER)
    with pytest.raises(ConnectorError) as caught:
        peers_to_notify(records, attribute)
    assert caught.value.code == "error.runtime.attributes.cannotDeleteSharedAttributeWhileRelationshipIsPending"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (OWN_IDENTITY, "OwnAttributeDeletedByOwnerNotificationItem"),
        (OWN_RELATIONSHIP, "OwnAttributeDeletedByOwnerNotificationItem"),
        (PEER_RELATIONSHIP, "PeerRelationshipAttributeDeletedByPeerNotificationItem"),
        (PEER_IDENTITY, "ForwardedAttributeDeletedByPeerNotificationItem"),
        (THIRD_PARTY, "ForwardedAttributeDeletedByPeerNotificationItem"),
    ],
)
def test_what_a_peer_is_told_depends_on_the_kind(records: Records, kind: Kind, name: str) -> None:
    attribute = stored_attribute(records, "ATT1", attribute_content(), kind)
    assert deletion_notification_item(attribute, "ATT0") == {"@type": name, "attributeId": "ATT0"}


def test_after_a_rejected_relationship_nothing_exchanged_remains(records: Records) -> None:
    stored_attribute(records, "ATT1", attribute_content("a", owner=PEER), PEER_IDENTITY, peer=PEER, succeeded_by="ATT2")
    stored_attribute(records, "ATT2", attribute_content("b", owner=PEER), PEER_IDENTITY, peer=PEER, succeeds="ATT1")
    stored_attribute(records, "ATT3", attribute_content())
    forwarded(records, "ATT3", PEER)
    changes = records.changes()
    delete_after_failed_relationship(changes, PEER)
    changes.apply(records)
    assert [attribute.id for attribute in records.select(ATTRIBUTES)] == ["ATT3"]
    assert records.select(FORWARDING_DETAILS) == []


def test_when_the_peer_decomposes_everything_counts_as_deleted_there(records: Records) -> None:
    relationship = related(records, PEER, "DeletionProposed")
    stored_attribute(records, "ATT1", attribute_content())
    forwarded(records, "ATT1", PEER)
    stored_attribute(records, "ATT2", relationship_content(), OWN_RELATIONSHIP, peer=PEER)
    stored_attribute(records, "ATT3", attribute_content(owner=PEER), PEER_IDENTITY, peer=PEER)
    changes = records.changes()
    mark_deleted_by_peer(changes, relationship)
    changes.apply(records)
    (details,) = records.select(FORWARDING_DETAILS)
    second, third = records.get(ATTRIBUTES, "ATT2"), records.get(ATTRIBUTES, "ATT3")
    assert second is not None
    assert third is not None
    assert details.deletion_status == "DeletedByRecipient"
    assert (second.deletion_status, third.deletion_status) == ("DeletedByRecipient", "DeletedByEmitter")
    assert details.deletion_info is not None
    assert details.deletion_info.deletion_date == NOW
    with pytest.raises(CoreError):
        mark_deleted_by_peer(records.changes(), related(records, PEER, "Active"))


# --- queries -------------------------------------------------------------------------------------------------------


def test_queries_find_what_they_ask_for(records: Records) -> None:
    stored_attribute(records, "ATT1", attribute_content("Ada", tags=["x:a"]))
    stored_attribute(records, "ATT2", attribute_content("Lovelace", value_type="Surname"))
    stored_attribute(records, "ATT3", attribute_content("Bob", owner=PEER), PEER_IDENTITY, peer=PEER)
    stored_attribute(records, "ATT4", relationship_content(), OWN_RELATIONSHIP, peer=PEER)
    stored_attribute(records, "ATT5", relationship_content(confidentiality="private"), OWN_RELATIONSHIP, peer=THIRD)
    stored_attribute(records, "ATT6", relationship_content(owner=THIRD), PEER_RELATIONSHIP, peer=THIRD)

    def identity(**members: Any) -> list[str]:
        return [a.id for a in execute_identity_query(records, {"valueType": "GivenName", **members}, ME)]

    assert identity() == ["ATT1"]
    assert identity(tags=["x:b", "x:a"]) == ["ATT1"]
    assert identity(tags=["x:b"]) == []
    assert [a.id for a in execute_iql_query(records, "Surname || #x:a")] == ["ATT1", "ATT2"]
    found = execute_relationship_query(records, {"key": "customerId", "owner": ""}, ME)
    assert found is not None
    assert found.id == "ATT4"
    assert execute_relationship_query(records, {"key": "other", "owner": ""}, ME) is None

    def third_party(owner: str, *parties: str) -> list[str]:
        query = {"key": "customerId", "owner": owner, "thirdParty": list(parties)}
        return [a.id for a in execute_third_party_query(records, query, ME)]

    assert third_party("recipient", PEER, THIRD) == ["ATT4"]
    assert third_party("thirdParty", PEER, THIRD) == ["ATT6"]
    assert third_party("", PEER, THIRD) == ["ATT4", "ATT6"]
    assert third_party("", PEER) == ["ATT4"]


def test_a_key_is_free_again_once_its_attribute_is_on_its_way_out(records: Records) -> None:
    def taken() -> bool:
        return key_taken(records, key="customerId", owner=ME, value_type="ProprietaryString", peer=PEER)

    assert not taken()
    stored_attribute(records, "ATT1", relationship_content(), OWN_RELATIONSHIP, peer=PEER)
    assert taken()
    gone = DeletionInfo(deletion_status="ToBeDeletedByRecipient", deletion_date=LATER)
    stored_attribute(records, "ATT1", relationship_content(), OWN_RELATIONSHIP, peer=PEER, deletion_info=gone)
    assert not taken()
    asked = DeletionInfo(deletion_status="DeletionRequestSent", deletion_date=NOW)
    stored_attribute(records, "ATT1", relationship_content(), OWN_RELATIONSHIP, peer=PEER, deletion_info=asked)
    assert taken()
