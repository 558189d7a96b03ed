"""Requests: every sequence of steps goes through legal transitions; what is refused is refused with the exact words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.memory import (
    EARLIER,
    LATER,
    ME,
    NOW,
    PEER,
    THIRD,
    Records,
    related,
    relationship_content,
)
from trio_connector.content import StructureRefused
from trio_connector.domain.relationship import PeerDeletionInfo
from trio_connector.domain.requests.expiry import current_request, overdue_requests
from trio_connector.domain.requests.incoming import (
    check_deletable,
    check_prerequisites,
    complete_incoming,
    decide,
    decision_result,
    receive,
    receive_and_check,
    require_manual_decision,
)
from trio_connector.domain.requests.outgoing import (
    check_sendable,
    complete_from_template,
    complete_outgoing,
    create_request,
    creation_result,
    mark_sent,
)
from trio_connector.domain.requests.record import (
    REQUESTS,
    LocalRequest,
    RequestSource,
    ResponseSource,
    with_status,
)
from trio_connector.errors import ConnectorError, CoreError, DeserializationError, UnexpectedCondition

MESSAGE = RequestSource(type="Message", reference="MSG1")
TEMPLATE = RequestSource(type="RelationshipTemplate", reference="RLT1")
ANSWER = ResponseSource(type="Message", reference="MSG2")
CONSENT = {"@type": "ConsentRequestItem", "consent": "c", "mustBeAccepted": False}
MANDATORY = {**CONSENT, "mustBeAccepted": True}
GROUP = {"@type": "RequestItemGroup", "items": [CONSENT, MANDATORY]}
YES, NO = {"accept": True}, {"accept": False}

LEGAL = {
    "incoming": {
        ("Open", "DecisionRequired"),
        ("DecisionRequired", "ManualDecisionRequired"),
        ("DecisionRequired", "Decided"),
        ("ManualDecisionRequired", "Decided"),
        ("Decided", "Completed"),
        ("Open", "Expired"),
        ("DecisionRequired", "Expired"),
        ("ManualDecisionRequired", "Expired"),
        ("Decided", "Expired"),
    },
    "outgoing": {
        ("Draft", "Open"),
        ("Open", "Completed"),
        ("Draft", "Expired"),
        ("Open", "Expired"),
        ("Expired", "Completed"),
    },
}
TIMES = (EARLIER, NOW, LATER)


def content(*items: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"@type": "Request", **members, "items": list(items)}


def response(*answers: dict[str, Any], request_id: str = "REQ1", result: str = "Accepted") -> dict[str, Any]:
    return {"@type": "Response", "items": list(answers), "requestId": request_id, "result": result}


ACCEPTED = {"@type": "AcceptResponseItem", "result": "Accepted"}


@pytest.fixture
def records() -> Records:
    records = Records()
    related(records)
    return records


def received(records: Records, *items: dict[str, Any], source: RequestSource = MESSAGE, **members: Any) -> LocalRequest:
    changes = records.changes()
    request = receive_and_check(changes, content(*items, id="REQ1", **members), source, PEER)
    changes.apply(records)
    return request


def result_of(records: Records, params: Any, *, accepting: bool = True) -> Any:
    changes = records.changes()
    request = current_request(changes, "REQ1", own=False)
    return decision_result(changes, request, params, accepting=accepting, files={})


# --- every sequence ------------------------------------------------------------------------------------------------


@settings(max_examples=300)
@given(
    expires_at=st.sampled_from((None, NOW)),
    steps=st.lists(
        st.tuples(
            st.sampled_from(("check", "manual", "accept", "reject", "complete", "complete silently", "look")),
            st.sampled_from(TIMES),
        ),
        max_size=12,
    ),
    source=st.sampled_from((MESSAGE, TEMPLATE)),
)
def test_incoming_requests_go_only_through_legal_transitions(
    expires_at: str | None, steps: list[tuple[str, str]], source: RequestSource
) -> None:
    records = Records()
    related(records)
    changes = records.changes(now=EARLIER)
    members = {} if expires_at is None else {"expiresAt": expires_at}
    receive(changes, content(CONSENT, id="REQ1", **members), source, PEER)
    changes.apply(records)
    params = {"items": [YES]}
    for step, now in steps:
        changes = records.changes(now=now)
        try:
            match step:
                case "check":
                    check_prerequisites(changes, "REQ1")
                case "manual":
                    require_manual_decision(changes, "REQ1")
                case "accept":
                    decide(changes, "REQ1", params, accepting=True, files={})
                case "reject":
                    decide(changes, "REQ1", {"items": [NO]}, accepting=False, files={})
                case "complete":
                    complete_incoming(changes, "REQ1", ANSWER)
                case "complete silently":
                    complete_incoming(changes, "REQ1", None)
                case "look":
                    current_request(changes, "REQ1", own=False)
        except UnexpectedCondition:
            changes = records.changes(now=now)
            current_request(changes, "REQ1", own=False)  # that it is over stays, whatever was refused
        changes.apply(records)
    check_history(records, "incoming", "Open")


@settings(max_examples=300)
@given(
    expires_at=st.sampled_from((None, NOW)),
    steps=st.lists(
        st.tuples(st.sampled_from(("send", "complete", "late answer", "stranger", "look")), st.sampled_from(TIMES)),
        max_size=10,
    ),
)
def test_outgoing_requests_go_only_through_legal_transitions(
    expires_at: str | None, steps: list[tuple[str, str]]
) -> None:
    records = Records()
    related(records)
    changes = records.changes(now=EARLIER)
    members = {} if expires_at is None else {"expiresAt": expires_at}
    request = create_request(changes, content(CONSENT, **members), PEER)
    changes.apply(records)
    answer = response(ACCEPTED, request_id=request.id)
    for step, now in steps:
        changes = records.changes(now=now)
        try:
            match step:
                case "send":
                    mark_sent(changes, request.id, MESSAGE)
                case "complete":
                    complete_outgoing(changes, request.id, answer, ANSWER, created_at=EARLIER, sender=PEER)
                case "late answer":
                    complete_outgoing(changes, request.id, answer, ANSWER, created_at=LATER, sender=PEER)
                case "stranger":
                    complete_outgoing(changes, request.id, answer, ANSWER, created_at=EARLIER, sender=THIRD)
                case "look":
                    current_request(changes, request.id, own=True)
        except UnexpectedCondition:
            changes = records.changes(now=now)
            current_request(changes, request.id, own=True)
        changes.apply(records)
        stored = records.get(REQUESTS, request.id)
        assert stored is not None
        assert not (step == "stranger" and stored.status_log and stored.status_log[-1].new_status == "Completed") or (
            stored.response is not None
        )
    check_history(records, "outgoing", "Draft")


def check_history(records: Records, direction: str, first: str) -> None:
    (request,) = records.select(REQUESTS)
    status = first
    for entry in request.status_log:
        assert entry.old_status == status
        assert (entry.old_status, entry.new_status) in LEGAL[direction]
        status = entry.new_status
    assert request.status == status
    assert (request.status in ("Decided", "Completed")) <= (request.response is not None)
    changed = [event for event in records.events if event.namespace.endswith("StatusChanged")]
    assert len(changed) == len(request.status_log)


def test_a_status_is_not_changed_to_itself(records: Records) -> None:
    request = received(records, CONSENT)
    with pytest.raises(UnexpectedCondition) as caught:
        with_status(request, "DecisionRequired", NOW)
    assert caught.value.reason == "cannot change status to the same status"


# --- incoming ------------------------------------------------------------------------------------------------------


def test_a_received_request_needs_a_decision(records: Records) -> None:
    request = received(records, CONSENT)
    assert request.status == "DecisionRequired"
    assert records.namespaces == [
        "consumption.incomingRequestReceived",
        "consumption.incomingRequestStatusChanged",
    ]


def test_an_id_is_received_once_from_either_direction(records: Records) -> None:
    received(records, CONSENT)
    with pytest.raises(CoreError) as caught:
        receive(records.changes(), content(CONSENT, id="REQ1"), MESSAGE, PEER)
    assert caught.value.message == (
        "You cannot create the Request since there already is a Request with the id 'REQ1'."
    )


def test_what_is_no_request_item_is_not_received(records: Records) -> None:
    for item in (
        {"@type": "AcceptResponseItem", "result": "Accepted"},
        {},
        {"@type": "RequestItemGroup", "items": [GROUP]},
    ):
        with pytest.raises(DeserializationError):
            receive(records.changes(), content(item, id="REQ1"), MESSAGE, PEER)


def test_a_request_of_a_template_ends_with_it() -> None:
    records = Records()
    changes = records.changes()
    request = receive(changes, content(CONSENT, expiresAt=LATER), TEMPLATE, PEER, template_expires_at=NOW)
    assert request.content["expiresAt"] == NOW
    assert request.id.startswith("REQ")
    assert "id" not in request.content
    over = receive(records.changes(), content(CONSENT), TEMPLATE, PEER, template_expires_at=EARLIER)
    assert over.status == "Expired"
    assert len(over.status_log) == 1


def test_a_request_that_is_over_is_expired_at_every_look(records: Records) -> None:
    received(records, CONSENT, expiresAt=NOW)
    assert overdue_requests(records, NOW) == []
    assert [request.id for request in overdue_requests(records, LATER)] == ["REQ1"]
    changes = records.changes(now=LATER)
    assert current_request(changes, "REQ1", own=False).status == "Expired"
    changes.apply(records)
    assert overdue_requests(records, LATER) == []
    with pytest.raises(CoreError) as caught:
        current_request(records.changes(), "REQ1", own=True)
    assert caught.value.code == "error.transport.recordNotFound"


def test_only_expired_requests_can_be_deleted(records: Records) -> None:
    request = received(records, CONSENT)
    with pytest.raises(CoreError) as caught:
        check_deletable(request)
    assert caught.value.message == (
        "The incoming Request 'REQ1' is in status 'DecisionRequired'. At the moment, you can only delete incoming "
        "Requests that are expired."
    )


@pytest.mark.parametrize(
    ("items", "params", "accepting", "expected"),
    [
        ([CONSENT], [YES, YES], True, [("invalidNumberOfItems", "")]),
        ([CONSENT], [{"items": []}], True, [("inheritedFromItem", "requestItemAnsweredAsRequestItemGroup")]),
        ([CONSENT], [YES], False, [("inheritedFromItem", "itemAcceptedButRequestNotAccepted")]),
        ([MANDATORY], [NO], True, [("inheritedFromItem", "mustBeAcceptedItemNotAccepted")]),
        ([GROUP], [YES], True, [("inheritedFromItem", "requestItemGroupAnsweredAsRequestItem")]),
        ([GROUP], [{"items": [YES]}], True, [("inheritedFromItem", "invalidNumberOfItems")]),
        ([GROUP], [{"items": [YES, YES, YES]}], True, [("inheritedFromItem", "invalidNumberOfItems")]),
    ],
)
def test_a_decision_of_the_wrong_shape_is_explained(
    records: Records, items: list[Any], params: list[Any], accepting: bool, expected: list[tuple[str, str]]
) -> None:
    received(records, *items)
    result = result_of(records, {"items": params}, accepting=accepting)
    assert not result.is_success
    (root, item) = expected[0]
    assert result.code.rsplit(".", 1)[1] == root
    if item:
        assert result.items[0].code == f"error.consumption.requests.decide.validation.{item}"
    else:
        assert result.items == []


def test_an_item_may_be_answered_loosely(records: Records) -> None:
    received(records, CONSENT, CONSENT)
    assert result_of(records, {"items": [{}, {"accept": True, "items": []}]}).is_success
    assert result_of(records, {"items": [NO, NO]}).is_success  # accepting and still rejecting all that is optional


@pytest.mark.parametrize("params", [None, {}, {"items": None}, {"items": {}}, {"items": ["x"]}, [], "x"])
def test_what_is_no_decision_at_all_is_refused(records: Records, params: Any) -> None:
    received(records, CONSENT)
    with pytest.raises((DeserializationError, StructureRefused)):
        result_of(records, params)


def test_the_relationship_must_allow_a_decision(records: Records) -> None:
    received(records, CONSENT)
    related(records, PEER, "Active", peer_deletion_info=PeerDeletionInfo(deletion_status="Deleted", deletion_date=NOW))
    result = result_of(records, {"items": [YES]})
    assert result.code == "error.consumption.requests.peerIsDeleted"
    assert result.message == (
        f"error.consumption.requests.peerIsDeleted: 'You cannot decide a Request from peer '{PEER}' since the peer is "
        f"deleted.' at {NOW}"
    )
    terminated = Records()
    related(terminated, PEER, "Terminated")
    received(terminated, CONSENT)
    assert result_of(terminated, {"items": [YES]}).code == "error.consumption.requests.wrongRelationshipStatus"
    rejected = Records()
    related(rejected, PEER, "Rejected")
    received(rejected, CONSENT, source=TEMPLATE)
    assert result_of(rejected, {"items": [YES]}).is_success


def test_a_decision_is_recorded_item_by_item(records: Records) -> None:
    received(records, CONSENT, GROUP)
    changes = records.changes()
    reason = {"accept": False, "code": "x", "message": "no"}
    decided = decide(changes, "REQ1", {"items": [reason, {"items": [NO, YES]}]}, accepting=True, files={})
    changes.apply(records)
    assert decided.status == "Decided"
    assert decided.response is not None
    assert decided.response.source is None
    assert decided.response.content == {
        "@type": "Response",
        "items": [
            {"@type": "RejectResponseItem", "code": "x", "message": "no", "result": "Rejected"},
            {
                "@type": "ResponseItemGroup",
                "items": [
                    {"@type": "RejectResponseItem", "result": "Rejected"},
                    {"@type": "AcceptResponseItem", "result": "Accepted"},
                ],
            },
        ],
        "requestId": "REQ1",
        "result": "Accepted",
    }
    with pytest.raises(UnexpectedCondition) as caught:
        decide(records.changes(), "REQ1", {"items": []}, accepting=True, files={})
    assert caught.value.reason == "Local Request has to be in status 'DecisionRequired/ManualDecisionRequired'."


def test_a_refused_decision_says_how_to_learn_more(records: Records) -> None:
    received(records, MANDATORY)
    for accepting, verb in ((True, "accept"), (False, "reject")):
        params = {"items": [NO if accepting else YES]}
        with pytest.raises(UnexpectedCondition) as caught:
            decide(records.changes(), "REQ1", params, accepting=accepting, files={})
        assert caught.value.reason == (
            f"Cannot {verb} the Request with the given parameters. Call 'can{verb.capitalize()}' to get more "
            "information."
        )


def test_only_a_rejected_request_of_a_template_is_completed_in_silence() -> None:
    for source, accepting, allowed in ((TEMPLATE, False, True), (TEMPLATE, True, False), (MESSAGE, False, False)):
        records = Records()
        related(records)
        received(records, CONSENT, source=source)
        changes = records.changes()
        decide(changes, "REQ1", {"items": [YES if accepting else NO]}, accepting=accepting, files={})
        if allowed:
            assert complete_incoming(changes, "REQ1", None).status == "Completed"
        else:
            with pytest.raises(UnexpectedCondition, match="without a responseSource"):
                complete_incoming(changes, "REQ1", None)


# --- outgoing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("peer", "members", "code"),
    [
        (ME, {}, "cannotShareRequestWithYourself"),
        (PEER, {"expiresAt": EARLIER}, "cannotCreateRequestWithExpirationDateInPast"),
        (THIRD, {}, "missingRelationship"),
    ],
)
def test_a_request_that_cannot_be_made_is_refused(
    records: Records, peer: str, members: dict[str, Any], code: str
) -> None:
    result = creation_result(records.changes(), content(CONSENT, **members), peer)
    assert result.code == f"error.consumption.requests.{code}"


@pytest.mark.parametrize("status", ["Terminated", "DeletionProposed", "Rejected", "Revoked"])
def test_a_request_needs_a_living_relationship(status: str) -> None:
    records = Records()
    related(records, PEER, status)
    result = creation_result(records.changes(), content(CONSENT), PEER)
    assert result.code == "error.consumption.requests.wrongRelationshipStatus"


def test_the_errors_of_items_are_inherited_and_creating_hides_them(records: Records) -> None:
    bad = {
        "@type": "FormFieldRequestItem",
        "mustBeAccepted": True,
        "title": "t",
        "settings": {"@type": "IntegerFormFieldSettings", "min": 2, "max": 1},
    }
    result = creation_result(records.changes(), content(CONSENT, {**GROUP, "items": [CONSENT, bad]}), PEER)
    assert result.code == "error.consumption.requests.validation.inheritedFromItem"
    assert result.message == "Some child items have errors."
    assert [item.is_success for item in result.items] == [True, False]
    assert result.items[1].items[1].code == "error.consumption.requests.invalidRequestItem"
    with pytest.raises(ConnectorError) as caught:
        create_request(records.changes(), content(bad), PEER)
    assert caught.value.message == "Some child items have errors. Call 'canCreate' to get more information."


def create_item(key: str, owner: str = "", must: bool = True) -> dict[str, Any]:
    return {
        "@type": "CreateAttributeRequestItem",
        "attribute": relationship_content(owner=owner, key=key),
        "mustBeAccepted": must,
    }


def test_one_request_cannot_demand_the_same_key_twice(records: Records) -> None:
    result = creation_result(records.changes(), content(create_item("k"), create_item("k", owner=PEER)), PEER)
    assert result.code == "error.consumption.requests.violatedKeyUniquenessOfRelationshipAttributes"
    assert "The Request cannot be created because its acceptance would lead to" in (result.message or "")
    optional = content(create_item("k"), create_item("k", must=False))
    assert creation_result(records.changes(), optional, PEER).is_success
    received(records, create_item("k"), create_item("k", must=False))
    result = result_of(records, {"items": [YES, YES]})
    assert result.code == "error.consumption.requests.invalidAcceptParameters"
    assert result_of(records, {"items": [YES, NO]}).is_success


def test_a_request_that_can_never_be_accepted_says_so(records: Records) -> None:
    received(records, create_item("k"), create_item("k", owner=ME))
    with pytest.raises(CoreError, match="The Request can never be accepted because it would lead to"):
        result_of(records, {"items": [YES, YES]})


def test_only_the_very_draft_is_sent_to_its_peer(records: Records) -> None:
    changes = records.changes()
    request = create_request(changes, content(CONSENT, expiresAt=LATER), PEER)
    changes.apply(records)
    check_sendable(records, request.content, PEER, NOW)
    for changed, recipient, now, text in (
        ({**request.content, "id": None}, PEER, NOW, "The Request must have an id."),
        ({**request.content, "id": "REQ9"}, PEER, NOW, "Request not found."),
        ({**request.content, "title": "x"}, PEER, NOW, "must have the same content"),
        (request.content, THIRD, NOW, "The recipient does not match the Request's peer."),
        (request.content, PEER, "2026-08-01T00:00:00.000Z", "is already expired"),
    ):
        with pytest.raises(ConnectorError, match=text):
            check_sendable(records, changed, recipient, now)
    changes = records.changes()
    mark_sent(changes, request.id, MESSAGE)
    changes.apply(records)
    with pytest.raises(ConnectorError, match="has already been sent"):
        check_sendable(records, request.content, PEER, NOW)


def open_request(records: Records, *items: dict[str, Any]) -> LocalRequest:
    changes = records.changes()
    request = create_request(changes, content(*items), PEER)
    mark_sent(changes, request.id, MESSAGE)
    changes.apply(records)
    return request


def test_a_response_is_taken_only_from_the_peer_and_in_the_right_size(records: Records) -> None:
    request = open_request(records, CONSENT, GROUP)
    pair = {"@type": "ResponseItemGroup", "items": [ACCEPTED, ACCEPTED]}

    def complete(*answers: dict[str, Any], sender: str = PEER) -> LocalRequest:
        answer = response(*answers, request_id=request.id)
        return complete_outgoing(records.changes(), request.id, answer, ANSWER, created_at=NOW, sender=sender)

    with pytest.raises(UnexpectedCondition):
        complete(ACCEPTED, pair, sender=THIRD)
    for answers in ((ACCEPTED,), (ACCEPTED, pair, ACCEPTED), (ACCEPTED, {**pair, "items": [ACCEPTED]})):
        with pytest.raises(UnexpectedCondition):
            complete(*answers)
    assert complete(ACCEPTED, pair).status == "Completed"
    # Kinds are looked at leniently: a group that is answered as an item, an item answered by anything.
    assert complete({"@type": "ErrorResponseItem", "result": "Error"}, ACCEPTED).status == "Completed"


def test_an_answer_to_a_template_is_recorded_once(records: Records) -> None:
    relationship = ResponseSource(type="Relationship", reference="REL1")

    def record(at: str = NOW, source: ResponseSource = relationship) -> LocalRequest | None:
        changes = records.changes()
        request = complete_from_template(
            changes, "RLT1", content(CONSENT, expiresAt=NOW), response(ACCEPTED), source, peer=PEER, created_at=at
        )
        changes.apply(records)
        return request

    with pytest.raises(CoreError, match="expiration date that is in the past"):
        record(at=LATER)
    request = record()
    assert request is not None
    assert (request.id, request.status, request.is_own) == ("REQ1", "Completed", True)
    assert request.source == RequestSource(type="RelationshipTemplate", reference="RLT1")
    assert [entry.new_status for entry in request.status_log] == ["Open", "Completed"]
    assert records.namespaces == [
        "consumption.outgoingRequestCreatedAndCompleted",
        "consumption.outgoingRequestFromRelationshipCreationCreatedAndCompleted",
    ]
    assert record() is None
    with pytest.raises(CoreError, match="there already is a Request with the id"):
        record(source=ResponseSource(type="Relationship", reference="REL2"))
