"""Attributes and the queries for them (content spec 3 and 7)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from trio_connector.content.hints import ValueHints
from trio_connector.content.iql_syntax import IqlError, parse_iql
from trio_connector.content.kinds import Text
from trio_connector.content.model import Content
from trio_connector.content.object_kinds import ListOf, Nested, OneOf
from trio_connector.content.rules import ADDRESS, Address, Tags, among, not_empty, text
from trio_connector.content.values import (
    IDENTITY_VALUE_NAMES,
    IDENTITY_VALUE_UNION,
    RELATIONSHIP_VALUE_NAMES,
    AttributeValue,
)
from trio_connector.crypto.json_text import json_text

_CONFIDENTIALITY = Text(rules=(among(("public", "private", "protected")),))
Confidentiality = Annotated[Literal["public", "private", "protected"], _CONFIDENTIALITY]
"""Who may ask for a RelationshipAttribute: anybody, nobody but the two, or with a warning."""

_IDENTITY_VALUE_TYPE = Text(rules=(among(IDENTITY_VALUE_NAMES, f"must be one of: {json_text(IDENTITY_VALUE_NAMES)}"),))
_RELATIONSHIP_VALUE_TYPE = Text(
    rules=(among(RELATIONSHIP_VALUE_NAMES, f"must be one of: {json_text(RELATIONSHIP_VALUE_NAMES)}"),)
)


def _iql_syntax(query: str) -> str | None:
    try:
        parse_iql(query)
    except IqlError as error:
        return f"invalid IQL query at character offset {error.start.column}"
    return None


class Attribute(Content, abstract=True):
    """What somebody says about an identity; ``owner`` is that identity, ``""`` the recipient."""

    owner: Address


class IdentityAttribute(Attribute):
    """Something about an identity alone."""

    value: Annotated[AttributeValue, OneOf(IDENTITY_VALUE_UNION)]
    tags: Tags | None = None


class RelationshipAttribute(Attribute):
    """Something that belongs to a relationship, e.g. a customer number."""

    value: Annotated[AttributeValue, OneOf(RELATIONSHIP_VALUE_NAMES)]
    key: Annotated[str, text(100)]
    is_technical: bool = False
    confidentiality: Confidentiality


class AttributeQuery(Content, abstract=True):
    """Asks for an attribute."""


class IdentityAttributeQuery(AttributeQuery):
    """Asks for an IdentityAttribute by value type and, if given, at least one of the tags."""

    value_type: Annotated[str, _IDENTITY_VALUE_TYPE]
    tags: Tags | None = None


class RelationshipAttributeCreationHints(Content):
    """How a queried RelationshipAttribute is to be created."""

    title: Annotated[str, text(100)]
    value_type: Annotated[str, _RELATIONSHIP_VALUE_TYPE]
    description: Annotated[str, text(1000)] | None = None
    value_hints: Annotated[ValueHints, Nested(ValueHints, with_type=True)] | None = None
    confidentiality: Confidentiality


class RelationshipAttributeQuery(AttributeQuery):
    """Asks for the RelationshipAttribute with a key; ``owner`` ``""`` is the recipient."""

    key: Annotated[str, text(100)]
    owner: Address
    attribute_creation_hints: RelationshipAttributeCreationHints


class ThirdPartyRelationshipAttributeQuery(AttributeQuery):
    """Asks for a RelationshipAttribute of the recipient's relationship with a third party."""

    key: Annotated[str, text(100)]
    owner: Annotated[
        Literal["thirdParty", "recipient", ""],
        Text(rules=(among(("thirdParty", "recipient", ""), 'must be one of: "thirdParty","recipient",""'),)),
    ]
    third_party: Annotated[tuple[str, ...], ListOf(ADDRESS, (not_empty,))]

    @classmethod
    def _normalised(cls, value: Any) -> Any:
        if isinstance(value, dict):
            third_party = value.get("thirdParty")
            if isinstance(third_party, str) or (isinstance(third_party, dict) and "address" in third_party):
                return value | {"thirdParty": [third_party]}
        return value


class IQLQueryCreationHints(Content):
    """How the queried IdentityAttribute is to be created when there is none."""

    value_type: Annotated[str, _IDENTITY_VALUE_TYPE]
    tags: Tags | None = None


class IQLQuery(AttributeQuery):
    """Asks for IdentityAttributes by a logical expression (see `trio_connector.content.iql`)."""

    query_string: Annotated[str, Text(max_length=4096, rules=(_iql_syntax,))]
    attribute_creation_hints: IQLQueryCreationHints | None = None


IDENTITY_OR_RELATIONSHIP = OneOf(("IdentityAttribute", "RelationshipAttribute"))
AnyAttribute = Annotated[IdentityAttribute | RelationshipAttribute, IDENTITY_OR_RELATIONSHIP]
"""An attribute of either kind, named by its ``@type``."""
