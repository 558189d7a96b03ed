"""The attribute that answers a Read- or ProposeAttributeRequestItem: an existing one, or a new one.

Consumption spec 3.5 and 3.6. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from trio_connector.content.javascript import longer_than
from trio_connector.domain.attributes.creation import (
    FORBIDDEN_CHARACTERS,
    characters_allowed,
    is_identity_attribute,
    tags_error,
)
from trio_connector.domain.attributes.forwarding import is_forwarded
from trio_connector.domain.attributes.queries import key_is_taken_text, key_taken
from trio_connector.domain.attributes.record import LocalAttribute
from trio_connector.domain.attributes.versions import successors
from trio_connector.domain.changes import Reader, View
from trio_connector.domain.contents import ATTRIBUTE_TYPES, IDENTITY_ATTRIBUTE, canonical
from trio_connector.domain.identity import Json
from trio_connector.domain.requests.items.processor import invalid_accept_parameters, query_mismatch
from trio_connector.domain.requests.items.query_match import RELATIONSHIP_QUERY
from trio_connector.domain.requests.key_uniqueness import VIOLATED
from trio_connector.domain.requests.record import request_error
from trio_connector.errors import ConnectorError, DeserializationError

ONLY_NEW_ATTRIBUTES = invalid_accept_parameters(
    "When responding to a RelationshipAttributeQuery, only new RelationshipAttributes may be provided."
)


@dataclass(frozen=True)
class Offer:
    """What the parameters of an acceptance offer: either ``attribute_id`` with ``tags``, or ``new_attribute``."""

    attribute_id: str | None
    tags: tuple[str, ...]
    new_attribute: Json | None


def parsed_offer(entry: Json, class_name: str, id_name: str, attribute_name: str) -> Offer:
    """Read the parameters; ``class_name`` and the names of the members stand in error texts.

    Raises DeserializationError.
    """
    id_, tags, attribute = entry.get(id_name), entry.get("tags"), entry.get(attribute_name)
    if id_ is not None and not isinstance(id_, str):
        raise DeserializationError(f"CoreId.from() :: Parameter must be an object - is '{id_}'")
    checked_tags = _checked_tags(tags, class_name)
    content = None if attribute is None else _parsed_attribute(attribute, f"{class_name}.{attribute_name}")
    prefix = f"{class_name}.{attribute_name} :: "
    if id_ and content is not None:
        raise DeserializationError(f"{prefix}You cannot specify both {attribute_name} and {id_name}.")
    if content is not None and tags is not None:
        raise DeserializationError(f"{prefix}You cannot specify both {attribute_name} and tags.")
    if not id_ and content is None:
        raise DeserializationError(f"{prefix}You have to specify either {attribute_name} or {id_name}.")
    return Offer(attribute_id=id_ or None, tags=checked_tags, new_attribute=content)


def _checked_tags(tags: object, class_name: str) -> tuple[str, ...]:
    if tags is None:
        return ()
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise DeserializationError(f"{class_name}.tags :: Value is not an Array of strings.")
    prefix = f"{class_name}.tags:Array :: "
    if len(set(tags)) < len(tags):
        raise DeserializationError(f"{prefix}The tags are not unique.")
    if len(tags) > 20:
        raise DeserializationError(f"{prefix}The maximum number of tags is 20.")
    if any(longer_than(tag, 250) for tag in tags):
        raise DeserializationError(f"{prefix}The maximum length of a tag is 250 characters.")
    return tuple(tags)


def _parsed_attribute(attribute: object, where: str) -> Json:
    return canonical(attribute, *ATTRIBUTE_TYPES, where=where)


def with_tags(content: Json, tags: tuple[str, ...]) -> Json:
    """Attribute ``content`` with more tags. Raises DeserializationError when there are duplicates or too many."""
    if not tags:
        return content
    return canonical({**content, "tags": [*(content.get("tags") or []), *tags]}, IDENTITY_ATTRIBUTE)


def owned(content: Json, me: str) -> Json:
    """A new attribute whose owner is left open is ours."""
    return content if content["owner"] else {**content, "owner": me}


def outdated_error(reader: Reader, attribute: LocalAttribute, peer: str) -> ConnectorError | None:
    """A version older than what the peer has is not given."""
    for successor in successors(reader, attribute):
        if is_forwarded(reader, successor, peer, exclude_to_be_deleted=True):
            return query_mismatch(
                f"The provided IdentityAttribute is outdated. You have already shared the successor '{successor.id}' "
                "of it."
            )
    return None


def characters_error(content: Json) -> ConnectorError | None:
    """Only allowed characters are given."""
    return None if characters_allowed(content) else invalid_accept_parameters(FORBIDDEN_CHARACTERS)


def key_error(view: View, item: Json, peer: str, owner: str) -> ConnectorError | None:
    """The key that is asked for must be free; a mandatory item that can never be accepted raises CoreError."""
    query = item["query"]
    if query["@type"] != RELATIONSHIP_QUERY:
        return None
    value_type = query["attributeCreationHints"]["valueType"]
    if not key_taken(view, key=query["key"], owner=owner, value_type=value_type, peer=peer):
        return None
    text = f"queried RelationshipAttribute cannot be created because {key_is_taken_text(query['key'])}"
    if item["mustBeAccepted"]:
        raise request_error(VIOLATED, f"The {text}")
    return invalid_accept_parameters(f"This {item['@type']} cannot be accepted as the {text}")


def offered_tags_error(content: Json, view: View) -> ConnectorError | None:
    """Only valid tags are given."""
    error = tags_error(content, view) if is_identity_attribute(content) else None
    return None if error is None else invalid_accept_parameters(error.message)
