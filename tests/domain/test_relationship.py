"""What may be done with a relationship, and what API users see of it."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_connector.domain.identity import Identity
from trio_connector.domain.relationship import (
    AuditLogEntry,
    Operation,
    PeerDeletionInfo,
    Reason,
    Relationship,
    Status,
    existing,
    newest,
    permit,
    relationship_dto,
)
from trio_connector.errors import CoreError

OWN = "did:e:localhost:dids:0000000000000000000001"
PEER = "did:e:localhost:dids:0000000000000000000002"
KEY = {"pub": "A" * 43, "alg": 3}


def relationship(status: Status, *steps: tuple[Reason, str], id_: str = "REL00000000000000001") -> Relationship:
    log = [
        AuditLogEntry(created_at=f"2026-01-01T00:00:{second:02}.000Z", created_by=by, reason=reason, new_status=status)
        for second, (reason, by) in enumerate(steps)
    ]
    return Relationship(
        id=id_,
        relationship_secret_id="TRPRSE00000000000000",
        peer=Identity(address=PEER, public_key=KEY),
        status=status,
        audit_log=log,
        template_id="RLT00000000000000001",
        creation_content={"any": "thing"},
    )


def refusal(operation: Operation, given_: Relationship) -> tuple[str, str]:
    with pytest.raises(CoreError) as caught:
        permit(operation, given_)
    return caught.value.code.removeprefix("error.transport.relationships."), caught.value.message


def test_only_the_peer_of_the_creator_accepts_and_rejects() -> None:
    permit("accept", relationship("Pending", ("Creation", PEER)))
    permit("reject", relationship("Pending", ("Creation", PEER)))
    own = relationship("Pending", ("Creation", OWN))
    assert refusal("accept", own) == (
        "operationOnlyAllowedForPeer",
        "Only your peer can accept the relationship REL00000000000000001",
    )
    assert refusal("reject", own) == (
        "operationOnlyAllowedForPeer",
        "Only your peer can reject the relationship REL00000000000000001. Revoke the relationship instead.",
    )
    permit("revoke", own)


def test_the_status_is_looked_at_before_the_creator() -> None:
    assert refusal("accept", relationship("Active", ("Creation", OWN))) == (
        "wrongRelationshipStatus",
        "The Relationship 'REL00000000000000001' has the wrong status 'Active' to run this operation.",
    )


def test_a_reactivation_is_answered_by_the_one_who_was_asked() -> None:
    asked_by_peer = relationship("Terminated", ("Creation", OWN), ("ReactivationRequested", PEER))
    permit("acceptReactivation", asked_by_peer)
    permit("rejectReactivation", asked_by_peer)
    assert refusal("revokeReactivation", asked_by_peer)[0] == "operationOnlyAllowedForPeer"
    asked_by_us = relationship("Terminated", ("Creation", OWN), ("ReactivationRequested", OWN))
    permit("revokeReactivation", asked_by_us)
    assert refusal("acceptReactivation", asked_by_us)[0] == "operationOnlyAllowedForPeer"


def test_a_reactivation_is_requested_once() -> None:
    asked_by_peer = relationship("Terminated", ("ReactivationRequested", PEER))
    assert refusal("requestReactivation", asked_by_peer) == (
        "reactivationAlreadyRequested",
        "Your peer has already requested the reactivation of the relationship REL00000000000000001. "
        "You can accept the reactivation instead.",
    )
    asked_by_us = relationship("Terminated", ("ReactivationRequested", OWN))
    assert refusal("requestReactivation", asked_by_us)[1].startswith("You have already requested")


def test_without_a_request_there_is_no_reactivation_to_answer() -> None:
    terminated = relationship("Terminated", ("Termination", PEER))
    for operation in ("acceptReactivation", "rejectReactivation", "revokeReactivation"):
        assert refusal(operation, terminated)[0] == "reactivationNotRequested"


@given(
    st.sampled_from(get_args(Operation)),
    st.sampled_from(get_args(Status)),
    st.sampled_from(get_args(Reason)),
    st.sampled_from([OWN, PEER]),
)
def test_every_state_permits_an_operation_or_refuses_it_with_a_known_code(
    operation: Operation, status: Status, reason: Reason, by: str
) -> None:
    found = relationship(status, (reason, by))
    refused: str | None = None
    try:
        permit(operation, found)
    except CoreError as error:
        refused = error.code.removeprefix("error.transport.relationships.")
    if status not in {"Pending", "Active", "Terminated", "DeletionProposed"}:
        assert refused == "wrongRelationshipStatus"
    else:
        assert refused in {
            None,
            "wrongRelationshipStatus",
            "operationOnlyAllowedForPeer",
            "reactivationNotRequested",
            "reactivationAlreadyRequested",
        }


def test_rejected_and_revoked_relationships_block_nothing() -> None:
    old = relationship("Rejected", ("Creation", PEER), id_="REL00000000000000001")
    blocking = relationship("Pending", ("Creation", PEER), id_="REL00000000000000002")
    assert existing([old]) is None
    assert existing([old, blocking]) is blocking


def test_the_newest_relationship_is_the_last_created_whatever_the_order() -> None:
    first = relationship("Rejected", ("Creation", PEER), id_="REL00000000000000001")
    entry = msgspec.structs.replace(first.audit_log[0], created_at="2027-01-01T00:00:00.000Z")
    second = msgspec.structs.replace(first, id="REL00000000000000002", audit_log=[entry])
    assert newest([second, first]) is second
    assert newest([]) is None


def test_the_dto_wraps_unknown_content_and_leaves_out_what_is_absent() -> None:
    dto = msgspec.to_builtins(relationship_dto(relationship("Pending", ("Creation", PEER))))
    assert dto["creationContent"] == {"@type": "ArbitraryRelationshipCreationContent", "value": {"any": "thing"}}
    assert "peerDeletionInfo" not in dto
    assert dto["auditLog"] == [
        {"createdAt": "2026-01-01T00:00:00.000Z", "createdBy": PEER, "reason": "Creation", "newStatus": "Pending"}
    ]


def test_the_dto_tells_of_a_peer_that_is_going_away() -> None:
    going = msgspec.structs.replace(
        relationship("Active", ("Creation", PEER)),
        peer_deletion_info=PeerDeletionInfo(deletion_status="ToBeDeleted", deletion_date="2026-02-01T00:00:00.000Z"),
    )
    assert msgspec.to_builtins(relationship_dto(going))["peerDeletionInfo"] == {
        "deletionStatus": "ToBeDeleted",
        "deletionDate": "2026-02-01T00:00:00.000Z",
    }
