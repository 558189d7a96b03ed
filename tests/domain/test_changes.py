"""A change in the making shows what it will be, and can be dropped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.memory import EARLIER, PEER, Records, forwarded
from trio_connector.domain.attributes.record import FORWARDING_DETAILS, ForwardingDetails
from trio_connector.domain.changes import Changes
from trio_connector.errors import UnexpectedCondition

IDS = ("a", "b", "c", "d")
STEPS = st.lists(
    st.tuples(st.sampled_from(("put", "delete", "nested", "absorb")), st.sampled_from(IDS), st.sampled_from("xy")),
    max_size=20,
)


def details(id_: str, attribute_id: str) -> ForwardingDetails:
    return ForwardingDetails(id=id_, attribute_id=attribute_id, peer=PEER, source_reference="REQ1", shared_at=EARLIER)


@given(stored=st.sets(st.sampled_from(IDS)), steps=STEPS)
def test_what_a_change_shows_is_what_it_stores(stored: set[str], steps: list[tuple[str, str, str]]) -> None:
    records, plain = Records(), Records()
    for id_ in sorted(stored):
        records.put(FORWARDING_DETAILS, details(id_, "x"))
        plain.put(FORWARDING_DETAILS, details(id_, "x"))
    stack = [records.changes()]
    for step, id_, attribute_id in steps:
        current = stack[-1]
        if step == "put":
            current.put(FORWARDING_DETAILS, details(id_, attribute_id))
            plain.put(FORWARDING_DETAILS, details(id_, attribute_id))
        elif step == "delete":
            current.delete(FORWARDING_DETAILS, id_)
            plain.delete(FORWARDING_DETAILS, id_)
        elif step == "nested":
            stack.append(current.nested())
        elif len(stack) > 1:
            stack.pop()
            stack[-1].absorb(current)
        shown = stack[-1]
        for attribute in ("x", "y"):
            expected = {record.id for record in plain.select(FORWARDING_DETAILS, attribute_id=attribute)}
            assert {r.id for r in shown.select(FORWARDING_DETAILS, attribute_id=attribute)} == expected
        assert all(shown.get(FORWARDING_DETAILS, i) == plain.get(FORWARDING_DETAILS, i) for i in IDS)
    while len(stack) > 1:
        inner = stack.pop()
        stack[-1].absorb(inner)
    stack[0].apply(records)
    assert {i: records.get(FORWARDING_DETAILS, i) for i in IDS} == {i: plain.get(FORWARDING_DETAILS, i) for i in IDS}


def test_a_dropped_change_leaves_nothing() -> None:
    records = Records()
    outer = records.changes()
    inner = outer.nested()
    inner.put(FORWARDING_DETAILS, details("a", "x"))
    inner.event("consumption.attributeCreated", {"id": "a"})
    outer.apply(records)
    assert records.get(FORWARDING_DETAILS, "a") is None
    assert records.events == []


def test_an_event_says_what_was_true_when_it_was_told() -> None:
    changes: Changes = Records().changes()
    data = {"status": "before"}
    changes.event("n", data)
    data["status"] = "after"
    assert bytes(changes.events[0].data) == b'{"status":"before"}'  # type: ignore[call-overload]  # it is Raw


def test_an_id_of_a_peer_cannot_replace_a_record() -> None:
    records = Records()
    known = forwarded(records, "x", PEER)
    with pytest.raises(UnexpectedCondition, match=f"already is a AttributeForwardingDetails with the id '{known.id}'"):
        records.changes().insert(FORWARDING_DETAILS, known)
