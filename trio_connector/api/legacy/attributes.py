"""What both earlier generations have in common about attributes: filters, validity, creation.

An attribute of today has no period of validity: a limit that could not be kept is refused, and valid is what has no
successor. A copy in the hands of a peer is the attribute itself, so ``shareInfo`` is asked of the attribute.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from trio_connector.api.answer import Answer
from trio_connector.api.call import Call
from trio_connector.api.legacy.adapting import Json, Shape, reshaped
from trio_connector.api.legacy.translating import of_body
from trio_connector.api.routes.inputs import filters_of, query_of
from trio_connector.api.routing import Kind, Route
from trio_connector.domain.query import NOTHING, AnyOf, Both, Compare, Condition, Exists
from trio_connector.domain.query_fields import ATTRIBUTE_FIELDS
from trio_connector.domain.query_language import FieldValue, ListFields
from trio_connector.errors import ValidationFailed
from trio_connector.usecases.attributes.reading import list_attributes

VALIDITY: Final = ("validFrom", "validTo")
NOT_YOUR_OWN: Final = "You are not allowed to create an attribute that is not owned by yourself"
_WRITTEN_BY_US: Final = ("@type", "@context", "@version", "owner")


def _copies_of(value: FieldValue) -> Condition:
    """The attribute with this id, when somebody else has it too."""
    ids = (value,) if isinstance(value, str) else tuple(value)
    return Both((AnyOf("id", ids), Compare("numberOfForwards", ">=", 1))) if ids else NOTHING


SHARE_PATHS: Final = {
    "shareInfo": "peer",
    "shareInfo.peer": "peer",
    "shareInfo.requestReference": "sourceReference",
    "shareInfo.notificationReference": "sourceReference",
    "shareInfo.thirdPartyAddress": "initialAttributePeer",
}
"""Filters of a copy, as paths of the attribute."""

FIELDS: Final = ListFields(
    names=(
        "createdAt",
        "content.@type",
        "content.tags",
        "content.owner",
        "content.validFrom",
        "content.validTo",
        "content.key",
        "content.isTechnical",
        "content.confidentiality",
        "content.value.@type",
        "succeeds",
        "succeededBy",
        "isDefault",
        *SHARE_PATHS,
        "shareInfo.sourceAttribute",
        "deletionInfo",
        "deletionInfo.deletionStatus",
        "deletionInfo.deletionDate",
    ),
    paths=SHARE_PATHS,
    custom={"content.tags": ATTRIBUTE_FIELDS.custom["content.tags"], "shareInfo.sourceAttribute": _copies_of},
    strict=False,
    order_by="createdAt",
)
"""The filters of all attributes; those of 2022 are among them."""


def attribute_list(path: str, shape: Shape, *, valid: bool = False) -> Route:
    """The list of all attributes, or of the valid ones."""

    async def answer(call: Call) -> Answer:
        query = query_of(call, FIELDS)
        if valid:
            query = query.forced(Exists("succeededBy", present=False))
        given = call.prepared(await list_attributes(call.services, query))
        return await reshaped(call.services, given, shape)

    return Route(
        "GET",
        path,
        answer,
        "Attributes.",
        Kind.LIST,
        roles=("core:attributes",),
        query=filters_of(FIELDS),
        successor="Attributes",
    )


def own_identity_content(call: Call) -> Call:
    """The content of a new attribute, of which only value and tags are asked for today."""
    owner = call.services.address

    def apply(body: Json) -> Json:
        content = body.get("content")
        if not isinstance(content, dict):
            return body
        if content.get("owner", owner) != owner:
            raise ValidationFailed(NOT_YOUR_OWN)
        if content.get("@type", "IdentityAttribute") != "IdentityAttribute":
            raise ValidationFailed(
                "content/@type must be IdentityAttribute: a RelationshipAttribute belongs to a Relationship and is "
                "created with a Request."
            )
        return {**body, "content": without(without_validity(content), _WRITTEN_BY_US)}

    return of_body(apply)(call)


def owned_identity_content(call: Call) -> Call:
    """`own_identity_content` for 2022, where clients had to say who owns the attribute."""
    content = call.body.get("content") if isinstance(call.body, dict) else None
    if isinstance(content, dict) and "owner" not in content:
        raise ValidationFailed(NOT_YOUR_OWN)
    return own_identity_content(call)


def without_validity(content: Json) -> Json:
    """``content``; refused when its validity is limited."""
    if any(content.get(name) is not None for name in VALIDITY):
        raise ValidationFailed("Attributes have no validFrom and validTo any more.")
    return without(content, VALIDITY)


def without(members: Json, names: Iterable[str]) -> Json:
    """The members but these."""
    left_out = frozenset(names)
    return {name: value for name, value in members.items() if name not in left_out}
