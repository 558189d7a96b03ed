"""Contents between the words of today and those of earlier Connectors."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_connector.api.legacy.shapes_6 import content_6, content_of_6, share_info_6
from trio_connector.domain.shapes_2022 import change_id, content_2022, content_of_2022, template_2022, unwrapped

KINDS = st.sampled_from(
    ["Request", "ReadAttributeRequestItem", "RequestItemGroup", "ShareAttributeRequestItem", "ResponseItemGroup", "?"]
)
NAMES = st.sampled_from(["@type", "items", "metadata", "attributeId", "initialAttributePeer", "value", "x"])
LEAVES = st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=3) | KINDS
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=15
)


@given(JSON)
def test_what_2022_is_shown_means_the_same_when_it_is_sent_back(content: Any) -> None:
    assert content_of_2022(content_2022(content)) == content


@given(JSON)
def test_what_6_is_shown_means_the_same_when_it_is_sent_back(content: Any) -> None:
    assert content_of_6(content_6(content)) == content


@pytest.mark.parametrize("kind", ["Message", "RelationshipTemplate", "RelationshipCreation"])
def test_arbitrary_content_is_shown_without_its_wrapping(kind: str) -> None:
    wrapped = {"@type": f"Arbitrary{kind}Content", "value": [1]}
    assert unwrapped(wrapped) == [1]
    assert content_2022(wrapped) == [1]
    assert content_6(wrapped) == wrapped


def test_a_mail_says_its_format_only_where_that_was_known() -> None:
    plain = {"@type": "Mail", "body": "B", "bodyFormat": "PlainText"}
    marked = {**plain, "bodyFormat": "Markdown"}
    short = {"@type": "Mail", "body": "B"}
    assert (content_2022(plain), content_2022(marked)) == (short, marked)
    assert (content_6(plain), content_6(marked)) == (short, short)
    assert content_6({"@type": "Other", "bodyFormat": "PlainText"}) == {"@type": "Other", "bodyFormat": "PlainText"}


def test_metadata_of_items_has_two_names_of_which_the_older_counts() -> None:
    item = {"@type": "ConsentRequestItem", "metadata": {"a": 1}}
    shown = content_2022({"@type": "Request", "items": [item]})
    assert shown["items"][0] == {**item, "responseMetadata": {"a": 1}}
    changed = {"@type": "ConsentRequestItem", "responseMetadata": {"b": 2}}
    assert content_of_2022([changed]) == [{"@type": "ConsentRequestItem", "metadata": {"b": 2}}]
    other = {"@type": "AcceptResponseItem", "responseMetadata": 1}
    assert content_of_2022(other) == other


def test_a_member_of_6_that_has_its_new_name_already_keeps_it() -> None:
    both = {"@type": "ShareAttributeRequestItem", "attributeId": "ATT1", "sourceAttributeId": "ATT2"}
    assert content_of_6(both) == {"@type": "ShareAttributeRequestItem", "attributeId": "ATT1"}


def test_a_change_has_the_id_of_its_relationship() -> None:
    assert change_id("RELabc") == "RCHabc"


def test_a_template_without_a_reference_is_shown_without_one() -> None:
    assert template_2022({"id": "RLT1", "content": {"a": 1}}) == {"id": "RLT1", "content": {"a": 1}}


def test_a_share_names_a_request_or_a_notification() -> None:
    assert share_info_6("did", "REQ1") == {"requestReference": "REQ1", "peer": "did"}
    assert share_info_6("did", "NOT1", source="ATT1", third_party="x") == {
        "notificationReference": "NOT1",
        "peer": "did",
        "sourceAttribute": "ATT1",
        "thirdPartyAddress": "x",
    }
