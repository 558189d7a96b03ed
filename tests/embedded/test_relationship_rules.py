"""The state machine of relationships: every operation in every state, and whatever is tried in a row."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_connector.embedded.domain.errors import PlatformError
from trio_connector.embedded.domain.moments import MILLISECOND
from trio_connector.embedded.domain.relationships import (
    OPERATIONS,
    Actor,
    Relationship,
    carried_out,
    created,
    decomposed_by_deletion,
)

CODE = "error.platform.validation.relationship."
REQUESTER, OWNER = Actor("requester", "DVC1"), Actor("owner", "DVC2")
ACTORS = {"owner": OWNER, "requester": REQUESTER}

STEPS: dict[str, list[tuple[Actor, str]]] = {
    "Pending": [],
    "Active": [(OWNER, "Accept")],
    "Rejected": [(OWNER, "Reject")],
    "Revoked": [(REQUESTER, "Revoke")],
    "Terminated": [(OWNER, "Accept"), (OWNER, "Terminate")],
    "reactivation requested by the owner": [(OWNER, "Accept"), (OWNER, "Terminate"), (OWNER, "Reactivate")],
    "DeletionProposed by the owner": [(OWNER, "Accept"), (OWNER, "Terminate"), (OWNER, "Decompose")],
    "ReadyForDeletion": [
        (OWNER, "Accept"),
        (OWNER, "Terminate"),
        (OWNER, "Decompose"),
        (REQUESTER, "Decompose"),
    ],
}

WRONG_STATUS = "relationshipIsNotInCorrectStatus"
NO_REQUEST = {
    "Reactivate/Accept": "noAcceptableRelationshipReactivationRequestExists",
    "Reactivate/Reject": "noRejectableReactivationRequestExists",
    "Reactivate/Revoke": "noRevocableReactivationRequestExists",
}
NOT_ADDRESSEE = "cannotAcceptOrRejectRelationshipAddressedToSomeoneElse"
NOT_REQUESTER = "cannotRevokeRelationshipNotCreatedByYourself"
OPEN_REQUEST = "cannotRequestReactivationWhenThereIsAnOpenReactivationRequest"
DECOMPOSED = "relationshipAlreadyDecomposed"

# What the owner and what the requester get: the new status, or the end of the refusal's code.
OUTCOMES: dict[str, dict[str, tuple[str, str]]] = {
    "Pending": {
        "Accept": ("Active", NOT_ADDRESSEE),
        "Reject": ("Rejected", NOT_ADDRESSEE),
        "Revoke": (NOT_REQUESTER, "Revoked"),
    },
    "Active": {"Terminate": ("Terminated", "Terminated")},
    "Rejected": {"Decompose": ("DeletionProposed", "DeletionProposed")},
    "Revoked": {"Decompose": ("DeletionProposed", "DeletionProposed")},
    "Terminated": {
        "Reactivate": ("Terminated", "Terminated"),
        "Decompose": ("DeletionProposed", "DeletionProposed"),
    },
    "reactivation requested by the owner": {
        "Reactivate": (OPEN_REQUEST, OPEN_REQUEST),
        "Reactivate/Accept": (NO_REQUEST["Reactivate/Accept"], "Active"),
        "Reactivate/Reject": (NO_REQUEST["Reactivate/Reject"], "Terminated"),
        "Reactivate/Revoke": ("Terminated", NO_REQUEST["Reactivate/Revoke"]),
        "Decompose": ("DeletionProposed", "DeletionProposed"),
    },
    "DeletionProposed by the owner": {"Decompose": (DECOMPOSED, "ReadyForDeletion")},
    "ReadyForDeletion": {"Decompose": (DECOMPOSED, DECOMPOSED)},
}


def pending() -> Relationship:
    return created("REL1", "RLT1", REQUESTER, OWNER.address, 0)


def outcome(relationship: Relationship, operation: str, actor: Actor) -> str:
    try:
        return carried_out(operation, relationship, actor, 0)[0].status
    except PlatformError as error:
        return error.code.removeprefix(CODE)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("state", STEPS)
def test_every_operation_in_every_state(state: str, operation: str) -> None:
    relationship = pending()
    for actor, step in STEPS[state]:
        relationship, _ = carried_out(step, relationship, actor, 0)
    default = NO_REQUEST.get(operation, WRONG_STATUS)
    expected = OUTCOMES[state].get(operation, (default, default))
    assert (outcome(relationship, operation, OWNER), outcome(relationship, operation, REQUESTER)) == expected


attempts = st.lists(st.tuples(st.sampled_from(OPERATIONS), st.sampled_from(sorted(ACTORS))), max_size=30)


@given(attempts=attempts, now=st.lists(st.integers(0, 10**9), min_size=30, max_size=30))
def test_whatever_is_tried_the_log_stays_a_story(attempts: list[tuple[str, str]], now: list[int]) -> None:
    relationship = pending()
    for (operation, actor), at in zip(attempts, now, strict=False):
        try:
            after, _ = carried_out(operation, relationship, ACTORS[actor], at)
        except PlatformError:
            continue
        assert after.audit_log[:-1] == relationship.audit_log
        entry = after.audit_log[-1]
        assert (entry.old_status, entry.new_status) == (relationship.status, after.status)
        assert entry.created_by == actor
        assert entry.created_at >= relationship.newest_entry.created_at + MILLISECOND
        relationship = after
    assert (relationship.status == "ReadyForDeletion") == (relationship.from_decomposed and relationship.to_decomposed)


@given(attempts=attempts, leaver=st.sampled_from(sorted(ACTORS)))
def test_a_deleted_identity_leaves_no_trace_and_everything_else_stays(
    attempts: list[tuple[str, str]], leaver: str
) -> None:
    relationship = pending()
    for operation, actor in attempts:
        try:
            relationship, _ = carried_out(operation, relationship, ACTORS[actor], 0)
        except PlatformError:
            continue
    left = decomposed_by_deletion(relationship, leaver, "anonymous", 0)
    stayed = relationship.peer_of(leaver)
    assert not left.has(leaver)
    assert left.has(stayed)
    assert leaver not in {entry.created_by for entry in left.audit_log}
    assert left.decomposed_by("anonymous")
    assert left.decomposed_by(stayed) == relationship.decomposed_by(stayed)
    assert left.status == ("ReadyForDeletion" if relationship.decomposed_by(stayed) else "DeletionProposed")
