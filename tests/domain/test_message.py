"""Who can be written to, what remains of messages after a decomposition, and what API users see of a message."""

from __future__ import annotations

import msgspec
import pytest

from tests.domain.test_relationship import PEER, relationship
from trio_connector.domain.message import (
    Message,
    MessageRecipient,
    anonymized_after_decomposition,
    check_recipients,
    message_dto,
)
from trio_connector.domain.message_rules import check_mail_recipients, check_reachable
from trio_connector.domain.relationship import PeerDeletionInfo, Relationship, Status
from trio_connector.errors import ConnectorError

OTHER = "did:e:localhost:dids:0000000000000000000003"
PSEUDONYM = "did:e:localhost:dids:47ad141f0bbbef348bed51"


def message(*recipients: tuple[str, str | None], is_own: bool = True, content: object = None) -> Message:
    return Message(
        id="MSG00000000000000001",
        secret_key={"key": "A" * 43, "alg": 3},
        is_own=is_own,
        created_by=PEER,
        created_by_device="DVC00000000000000001",
        created_at="2026-01-01T00:00:00.000Z",
        recipients=[
            MessageRecipient(address=address, encrypted_key={}, relationship_id=relationship_id)
            for address, relationship_id in recipients
        ],
        attachments=[],
        content=content if content is not None else {"@type": "Mail"},
    )


def in_status(status: Status, deletion: str | None = None) -> Relationship:
    found = relationship(status, ("Creation", PEER))
    if deletion is None:
        return found
    info = msgspec.convert({"deletionStatus": deletion, "deletionDate": "2026-02-01T00:00:00.000Z"}, PeerDeletionInfo)
    return msgspec.structs.replace(found, peer_deletion_info=info)


@pytest.mark.parametrize(
    ("found", "content_type", "code"),
    [
        (None, "Mail", "error.runtime.messages.hasNoActiveRelationship"),
        (in_status("Terminated"), "Mail", "error.runtime.messages.hasNoActiveRelationship"),
        (in_status("Active", "ToBeDeleted"), "Mail", "error.runtime.messages.peerIsInDeletion"),
        (in_status("Active", "Deleted"), "Mail", "error.transport.messages.peerIsDeleted"),
        (
            in_status("Pending"),
            "Notification",
            "error.transport.messages.hasNeitherActiveNorTerminatedRelationship",
        ),
    ],
)
def test_who_cannot_receive_is_named_with_the_reason(found: Relationship | None, content_type: str, code: str) -> None:
    with pytest.raises(ConnectorError) as caught:
        check_reachable({PEER: found}, content_type)
    assert caught.value.code == code
    assert f"'{PEER}'" in caught.value.message


def test_notifications_reach_terminated_relationships_and_peers_in_deletion() -> None:
    check_reachable({PEER: in_status("Terminated")}, "Notification")
    check_reachable({PEER: in_status("Active", "ToBeDeleted")}, "Notification")
    check_recipients({PEER: in_status("Terminated")})


def test_all_unreachable_recipients_are_named_at_once() -> None:
    with pytest.raises(ConnectorError) as caught:
        check_recipients({PEER: None, OTHER: in_status("Rejected")})
    assert caught.value.message.endswith(f"address(es): '{PEER}', '{OTHER}'.")


@pytest.mark.parametrize(
    ("to", "cc", "recipients", "text"),
    [
        (["a"], ["b", "b"], ["a", "b"], "Some recipients in 'cc' are listed multiple times."),
        (["a", "a"], [], ["a"], "Some recipients in 'to' are listed multiple times."),
        (["a", "b"], ["b"], ["a", "b"], "The recipients 'b' are put into both 'to' and 'cc'."),
        (
            ["a"],
            ["c"],
            ["a", "b"],
            "The identities 'b', 'c' are not listed among both the Message recipients and the recipients in 'to'/'cc'.",
        ),
    ],
)
def test_a_mail_names_each_recipient_exactly_once(
    to: list[str], cc: list[str], recipients: list[str], text: str
) -> None:
    with pytest.raises(ConnectorError) as caught:
        check_mail_recipients(to, cc, recipients)
    assert caught.value.message == text


def test_a_message_to_several_keeps_the_others_when_one_relationship_is_decomposed() -> None:
    remaining = anonymized_after_decomposition(message((PEER, "REL1"), (OTHER, "REL2")), "REL1", PSEUDONYM)
    assert remaining is not None
    assert [(recipient.address, recipient.relationship_id) for recipient in remaining.recipients] == [
        (PSEUDONYM, None),
        (OTHER, "REL2"),
    ]
    assert anonymized_after_decomposition(remaining, "REL2", PSEUDONYM) is None


def test_received_messages_and_those_to_one_peer_are_deleted_with_the_relationship() -> None:
    assert anonymized_after_decomposition(message((PEER, "REL1")), "REL1", PSEUDONYM) is None
    received = message((PEER, "REL1"), (OTHER, "REL2"), is_own=False)
    assert anonymized_after_decomposition(received, "REL1", PSEUDONYM) is None


def test_the_dto_shows_no_keys_and_wraps_unknown_content() -> None:
    dto = msgspec.to_builtins(message_dto(message((PEER, "REL1"), content={"any": 1})))
    assert dto["content"] == {"@type": "ArbitraryMessageContent", "value": {"any": 1}}
    assert dto["recipients"] == [{"address": PEER, "relationshipId": "REL1"}]
    assert "secretKey" not in dto
