"""Giving an own attribute to a peer, and taking one that a peer gives (consumption spec 3.5 and 3.9). Pure.

Create-, Read- and ProposeAttributeRequestItems end here: what the peer gets depends on which version it already has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from trio_connector.domain.attributes.creation import create_attribute, is_identity_attribute
from trio_connector.domain.attributes.deletion import set_own_deletion_info
from trio_connector.domain.attributes.forwarding import add_forwarding_details, set_forwarded_deletion_info
from trio_connector.domain.attributes.queries import own_identity_attribute_with
from trio_connector.domain.attributes.record import (
    ATTRIBUTES,
    OWN_IDENTITY,
    PEER_IDENTITY,
    THIRD_PARTY,
    Kind,
    LocalAttribute,
)
from trio_connector.domain.attributes.succession import succeed
from trio_connector.domain.attributes.versions import latest_shared
from trio_connector.domain.changes import Changes
from trio_connector.domain.identity import Json
from trio_connector.domain.requests.items.processor import RequestContext, accepted

ItemName = Literal["Create", "Read", "Propose"]


def share_new_identity_attribute(changes: Changes, content: Json, request: RequestContext, item_name: ItemName) -> Json:
    """Make ``content`` an own identity attribute, unless there is one with its value, and give it to the peer."""
    own = own_identity_attribute_with(changes, content["value"])
    if own is None:
        own = create_attribute(changes, OWN_IDENTITY, content)
    else:
        known = own.content.get("tags") or []
        own = with_more_tags(changes, own, [tag for tag in content.get("tags") or [] if tag not in known])
    return share(changes, own, request, item_name)


def with_more_tags(changes: Changes, attribute: LocalAttribute, tags: Sequence[str]) -> LocalAttribute:
    """``attribute``, or its successor that has ``tags`` as well. Raises like ``succeed``."""
    if not tags:
        return attribute
    merged = [*(attribute.content.get("tags") or []), *tags]
    return succeed(changes, attribute, {**attribute.content, "tags": merged})[1]


def share(
    changes: Changes,
    attribute: LocalAttribute,
    request: RequestContext,
    item_name: ItemName,
    *,
    initial_attribute_peer: str | None = None,
) -> Json:
    """Give the peer ``attribute``: anew, as the successor of what it has, or by saying that it has it already."""
    latest = latest_shared(changes, attribute, request.peer)
    if latest is not None and latest.id == attribute.id:
        set_forwarded_deletion_info(changes, attribute, request.peer, None, override=True)
        return accepted("AttributeAlreadySharedAcceptResponseItem", attributeId=attribute.id)
    add_forwarding_details(changes, attribute, request.peer, request.id)
    if latest is not None:
        return accepted(
            "AttributeSuccessionAcceptResponseItem",
            predecessorId=latest.id,
            successorId=attribute.id,
            successorContent=attribute.content,
        )
    if item_name == "Create":
        return accepted("CreateAttributeAcceptResponseItem", attributeId=attribute.id)
    return accepted(
        f"{item_name}AttributeAcceptResponseItem",
        attributeId=attribute.id,
        attribute=attribute.content,
        initialAttributePeer=initial_attribute_peer,
    )


def keep_shared_attribute(changes: Changes, attribute_id: str, request: RequestContext, kinds: Sequence[Kind]) -> None:
    """The peer says that we have the attribute already: it need not be deleted any more."""
    attribute = changes.get(ATTRIBUTES, attribute_id)
    if (
        attribute is not None
        and attribute.kind in kinds
        and attribute.peer == request.peer
        and attribute.deletion_status == "ToBeDeleted"
    ):
        set_own_deletion_info(changes, attribute, None, override=True)


def take_succession(changes: Changes, answer: Json, request: RequestContext, kinds: Sequence[Kind]) -> None:
    """The peer gives the successor of an attribute that we have from it; anything else is ignored.

    Raises like ``succeed``.
    """
    predecessor = changes.get(ATTRIBUTES, answer["predecessorId"])
    content: Json = answer["successorContent"]
    if predecessor is None or predecessor.kind not in kinds or predecessor.peer != request.peer:
        return
    expected = PEER_IDENTITY if is_identity_attribute(content) else THIRD_PARTY
    if predecessor.kind == expected:
        succeed(changes, predecessor, content, successor_id=answer["successorId"], source_reference=request.id)
