"""Notifications: who may say what about which attribute, and what it changes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.domain.memory import (
    LATER,
    ME,
    NOW,
    PEER,
    THIRD,
    Records,
    attribute_content,
    forwarded,
    relationship_content,
    stored_attribute,
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
)
from trio_connector.domain.message import Message, MessageRecipient
from trio_connector.domain.notifications.record import (
    NOTIFICATIONS,
    PENDING_NOTIFICATIONS,
    owe_notification,
    process_notification,
    record_received,
    record_sent,
)
from trio_connector.errors import ConnectorError, CoreError, UnexpectedCondition

DEVICE = "DVC1"


def message(*items: dict[str, Any], own: bool = False, id_: str = "MSG1", notification: str = "NOT1") -> Message:
    return Message(
        id=id_,
        secret_key={},
        is_own=own,
        created_by=ME if own else PEER,
        created_by_device="DVC9",
        created_at=NOW,
        recipients=[MessageRecipient(address=PEER if own else ME, encrypted_key={})],
        attachments=[],
        content={"@type": "Notification", "id": notification, "items": list(items)},
    )


def processed(records: Records, *items: dict[str, Any]) -> ConnectorError | None:
    changes = records.changes()
    notification = record_received(changes, message(*items), DEVICE)
    _, error = process_notification(changes, notification.id, DEVICE)
    changes.apply(records)
    stored = records.get(NOTIFICATIONS, "NOT1")
    assert stored is not None
    assert stored.status == ("Completed" if error is None else "Error")
    return error


def item(name: str, attribute_id: str = "ATT1") -> dict[str, Any]:
    return {"@type": f"{name}NotificationItem", "attributeId": attribute_id}


def succession(content: dict[str, Any], predecessor_id: str = "ATT1") -> dict[str, Any]:
    return {
        "@type": "PeerAttributeSucceededNotificationItem",
        "predecessorId": predecessor_id,
        "successorId": "ATT2",
        "successorContent": content,
    }


def status_of(records: Records, id_: str) -> str | None:
    attribute = records.get(ATTRIBUTES, id_)
    assert attribute is not None
    return attribute.deletion_status


def test_a_peer_succeeds_its_attribute() -> None:
    records = Records()
    stored_attribute(records, "ATT1", attribute_content(owner=PEER), PEER_IDENTITY, peer=PEER)
    assert processed(records, succession(attribute_content("Eve", owner=PEER))) is None
    successor = records.get(ATTRIBUTES, "ATT2")
    assert successor is not None
    assert (successor.source_reference, successor.peer) == ("NOT1", PEER)
    assert records.namespaces == ["consumption.attributeSucceeded"]


@pytest.mark.parametrize(
    ("content", "predecessor_id", "code"),
    [
        (attribute_content("Eve", owner=THIRD), "ATT1", "successionPeerIsNotOwner"),
        (attribute_content("Eve", owner=PEER), "ATT9", "predecessorDoesNotExist"),
        (attribute_content("Eve", owner=PEER), "ATT3", "wrongTypeOfAttribute"),
        (relationship_content(owner=PEER), "ATT1", "successionMustNotChangeContentType"),
        (attribute_content(owner=PEER), "ATT1", "successionMustChangeContent"),
    ],
)
def test_a_succession_that_is_not_the_senders_to_make_ends_in_error(
    content: dict[str, Any], predecessor_id: str, code: str
) -> None:
    records = Records()
    stored_attribute(records, "ATT1", attribute_content(owner=PEER), PEER_IDENTITY, peer=PEER)
    stored_attribute(records, "ATT3", attribute_content(), OWN_IDENTITY)
    error = processed(records, succession(content, predecessor_id))
    assert error is not None
    assert error.code == f"error.consumption.attributes.{code}"
    assert records.events == []
    assert records.get(ATTRIBUTES, "ATT2") is None


def test_the_owner_deletes_what_it_gave() -> None:
    records = Records()
    stored_attribute(records, "ATT0", attribute_content("a", owner=PEER), PEER_IDENTITY, peer=PEER, succeeded_by="ATT1")
    stored_attribute(records, "ATT1", attribute_content("b", owner=PEER), PEER_IDENTITY, peer=PEER, succeeds="ATT0")
    assert processed(records, item("OwnAttributeDeletedByOwner")) is None
    assert (status_of(records, "ATT0"), status_of(records, "ATT1")) == ("DeletedByEmitter", "DeletedByEmitter")
    assert records.namespaces == ["consumption.ownAttributeDeletedByOwner"]


def test_what_is_to_be_deleted_anyway_needs_no_word_of_its_owner() -> None:
    records = Records()
    info = DeletionInfo(deletion_status="ToBeDeleted", deletion_date=LATER)
    stored_attribute(records, "ATT1", attribute_content(owner=PEER), PEER_IDENTITY, peer=PEER, deletion_info=info)
    assert processed(records, item("OwnAttributeDeletedByOwner")) is None
    assert status_of(records, "ATT1") == "ToBeDeleted"
    assert records.events == []


def test_holders_delete_what_they_have_from_us() -> None:
    records = Records()
    stored_attribute(records, "ATT1", relationship_content(), OWN_RELATIONSHIP, peer=PEER)
    stored_attribute(
        records, "ATT2", relationship_content(owner=THIRD), THIRD_PARTY, peer=PEER, initial_attribute_peer=THIRD
    )
    stored_attribute(records, "ATT3", attribute_content())
    forwarded(records, "ATT3", PEER)
    deletions = (
        item("PeerRelationshipAttributeDeletedByPeer", "ATT1"),
        item("PeerRelationshipAttributeDeletedByPeer", "ATT2"),
        item("ForwardedAttributeDeletedByPeer", "ATT3"),
        item("ForwardedAttributeDeletedByPeer", "unknown"),
    )
    assert processed(records, *deletions) is None
    assert (status_of(records, "ATT1"), status_of(records, "ATT2")) == ("DeletedByRecipient", "DeletedByEmitter")
    (details,) = records.select(FORWARDING_DETAILS)
    assert details.deletion_status == "DeletedByRecipient"
    assert records.namespaces == [
        "consumption.peerRelationshipAttributeDeletedByPeer",
        "consumption.peerRelationshipAttributeDeletedByPeer",
        "consumption.forwardedAttributeDeletedByPeer",
    ]


@pytest.mark.parametrize(
    ("name", "kind", "peer", "code"),
    [
        ("OwnAttributeDeletedByOwner", OWN_IDENTITY, None, "wrongTypeOfAttribute"),
        ("OwnAttributeDeletedByOwner", PEER_IDENTITY, THIRD, "senderIsNotPeerOfSharedAttribute"),
        ("PeerRelationshipAttributeDeletedByPeer", PEER_RELATIONSHIP, PEER, "wrongTypeOfAttribute"),
        ("PeerRelationshipAttributeDeletedByPeer", OWN_RELATIONSHIP, THIRD, "senderIsNotPeerOfSharedAttribute"),
        ("ForwardedAttributeDeletedByPeer", PEER_IDENTITY, PEER, "wrongTypeOfAttribute"),
        ("ForwardedAttributeDeletedByPeer", OWN_IDENTITY, None, "senderIsNotPeerOfSharedAttribute"),
    ],
)
def test_nobody_deletes_what_is_none_of_its_business(name: str, kind: Any, peer: str | None, code: str) -> None:
    records = Records()
    stored_attribute(records, "ATT1", attribute_content(), kind, peer=peer)
    error = processed(records, item(name))
    assert error is not None
    assert error.code == f"error.consumption.attributes.{code}"
    assert status_of(records, "ATT1") is None


def test_one_bad_item_undoes_the_whole_notification_and_it_can_be_tried_again() -> None:
    records = Records()
    stored_attribute(records, "ATT1", attribute_content(owner=PEER), PEER_IDENTITY, peer=PEER)
    bad = item("ForwardedAttributeDeletedByPeer", "ATT3")
    stored_attribute(records, "ATT3", attribute_content())
    assert processed(records, item("OwnAttributeDeletedByOwner"), bad) is not None
    assert status_of(records, "ATT1") is None
    assert records.events == []
    forwarded(records, "ATT3", PEER)
    changes = records.changes()
    notification, error = process_notification(changes, "NOT1", DEVICE)
    assert (notification.status, error) == ("Completed", None)
    with pytest.raises(UnexpectedCondition) as caught:
        process_notification(changes, "NOT1", DEVICE)
    assert caught.value.reason == "Cannot process notification with status Completed."


def test_notifications_are_remembered_once_and_by_the_right_side() -> None:
    records = Records()
    changes = records.changes()
    known = record_received(changes, message(item("x")), DEVICE)
    assert record_received(changes, message(item("x")), DEVICE) == known
    with pytest.raises(UnexpectedCondition, match="There already is a LocalNotification"):
        record_received(changes, message(item("x"), id_="MSG2"), DEVICE)
    for own, record, text in (
        (True, lambda m: record_received(changes, m, DEVICE), "Cannot receive a Notification from an own message."),
        (False, lambda m: record_sent(changes, m), "Cannot mark a LocalNotification as sent from a received Message."),
    ):
        with pytest.raises(UnexpectedCondition) as caught:
            record(message(item("x"), own=own, notification="NOT2"))  # type: ignore[no-untyped-call]
        assert caught.value.reason == text
    sent = record_sent(changes, message(item("x"), own=True, notification="NOT3"))
    assert (sent.status, sent.peer, sent.received_by_device) == ("Sent", PEER, None)
    with pytest.raises(UnexpectedCondition, match="Cannot process own notification"):
        process_notification(changes, "NOT3", DEVICE)
    with pytest.raises(UnexpectedCondition, match="Notification is not received by current device"):
        process_notification(changes, "NOT1", "DVC2")
    with pytest.raises(CoreError):
        process_notification(changes, "NOT9", DEVICE)


def test_what_is_owed_is_part_of_the_change() -> None:
    records = Records()
    changes = records.changes()
    owe_notification(changes, PEER, item("OwnAttributeDeletedByOwner"), "NOT1")
    changes.apply(records)
    (pending,) = records.select(PENDING_NOTIFICATIONS)
    assert (pending.peer, pending.content["id"]) == (PEER, "NOT1")
