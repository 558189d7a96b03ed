"""New attributes of every kind: owner rules, trimming, characters, tags (consumption spec 4.2 and 4.3). Pure."""

from __future__ import annotations

from typing import Any

from trio_connector.content.javascript import trimmed as trimmed_text
from trio_connector.domain.attributes.characters import has_allowed_characters
from trio_connector.domain.attributes.record import (
    ATTRIBUTE_CREATED,
    ATTRIBUTES,
    FORWARDABLE,
    OWN_IDENTITY,
    OWN_RELATIONSHIP,
    PEER_IDENTITY,
    PEER_RELATIONSHIP,
    THIRD_PARTY,
    Kind,
    LocalAttribute,
    attribute_dto,
    attribute_error,
)
from trio_connector.domain.attributes.tags import check_tags
from trio_connector.domain.changes import Changes, View
from trio_connector.domain.identity import Json
from trio_connector.errors import ConnectorError, CoreError

FORBIDDEN_CHARACTERS = "The Attribute contains forbidden characters."


def is_identity_attribute(content: Json) -> bool:
    """Whether attribute content is an IdentityAttribute; otherwise it is a RelationshipAttribute."""
    return content.get("@type") == "IdentityAttribute"


def trimmed_value(value: Json) -> Json:
    """``value`` with every top-level string trimmed as JavaScript does."""
    return {name: trimmed_text(entry) if isinstance(entry, str) else entry for name, entry in value.items()}


def trimmed(content: Json) -> Json:
    """The content as it is stored: identity attributes are trimmed, relationship attributes are not."""
    return {**content, "value": trimmed_value(content["value"])} if is_identity_attribute(content) else content


def characters_allowed(content: Json) -> bool:
    """Whether every top-level string of the value consists of allowed characters (4.3)."""
    ignored = () if is_identity_attribute(content) else ("title", "description")
    return all(
        has_allowed_characters(entry)
        for name, entry in content["value"].items()
        if isinstance(entry, str) and name not in ignored
    )


def forbidden_characters(reason: str = FORBIDDEN_CHARACTERS) -> CoreError:
    """The value contains characters outside the normative letters of DIN 91379."""
    return attribute_error("forbiddenCharactersInAttribute", reason)


def tags_error(content: Json, view: View) -> ConnectorError | None:
    """The error for the tags of attribute ``content``, or None. Relationship attributes have no tags."""
    if not is_identity_attribute(content):
        return None
    return check_tags(content.get("tags"), content["value"]["@type"], view.tags)


def query_tags_error(query: Json, view: View) -> ConnectorError | None:
    """The error for the tags that ``query`` asks for, or None."""
    match query["@type"]:
        case "IdentityAttributeQuery":
            hints: Json = query
        case "IQLQuery" if query.get("attributeCreationHints"):
            hints = query["attributeCreationHints"]
        case _:
            return None
    return check_tags(hints.get("tags"), hints["valueType"], view.tags)


def check_owner(kind: Kind, owner: str, *, me: str, peer: str | None, initial_attribute_peer: str | None) -> None:
    """Refuse an attribute whose owner, peer and initial peer do not fit its kind (4.2). Raises CoreError."""
    article = "an" if kind in (OWN_IDENTITY, OWN_RELATIONSHIP) else "a"

    def demand(holds: bool, text: str) -> None:
        if not holds:
            raise attribute_error("wrongOwnerOfAttribute", f"When creating {article} {kind}, the {text}")

    if kind in (OWN_IDENTITY, OWN_RELATIONSHIP):
        demand(owner == me, "owner must match the own address.")
        demand(kind == OWN_IDENTITY or peer != me, "peer must not match the own address.")
        return
    demand(owner != me, "owner must not match the own address.")
    if kind in (PEER_IDENTITY, PEER_RELATIONSHIP):
        demand(owner == peer, "owner must match the address of the peer.")
        return
    demand(
        owner in (peer, initial_attribute_peer), "owner must match the address of the peer or initial Attribute peer."
    )
    demand(peer != initial_attribute_peer, "peer must not match the initialAttributePeer.")


def create_attribute(
    changes: Changes,
    kind: Kind,
    content: Json,
    *,
    id_: str | None = None,
    peer: str | None = None,
    source_reference: str | None = None,
    initial_attribute_peer: str | None = None,
) -> LocalAttribute:
    """Create an attribute and tell of it with ``attributeCreated``.

    ``id_`` is given when a peer created it first. Raises CoreError for a wrong owner or forbidden characters,
    ConnectorError for invalid tags, UnexpectedCondition when the id is taken.
    """
    content = trimmed(content)
    check_owner(kind, content["owner"], me=changes.me, peer=peer, initial_attribute_peer=initial_attribute_peer)
    if not characters_allowed(content):
        raise forbidden_characters()
    if (error := tags_error(content, changes)) is not None:
        raise error
    members: dict[str, Any] = {}
    if kind != OWN_IDENTITY:
        members.update(peer=peer, source_reference=source_reference)
    if kind == THIRD_PARTY:
        members.update(initial_attribute_peer=initial_attribute_peer)
    attribute = LocalAttribute(
        id=id_ or changes.new_id("ATT"),
        kind=kind,
        content=content,
        created_at=changes.now,
        number_of_forwards=0 if kind in FORWARDABLE else None,
        **members,
    )
    changes.insert(ATTRIBUTES, attribute)
    changes.event(ATTRIBUTE_CREATED, attribute_dto(attribute), attribute.peer)
    return attribute
