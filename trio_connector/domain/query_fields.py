"""The fields of each list endpoint (runtime spec section 4.3).

Pure. One `ListFields` per use case; fields with a meaning of their own are functions here.
"""

from __future__ import annotations

import re

from trio_connector.crypto.password_protection import LOCATION_INDICATORS
from trio_connector.domain.query import NOTHING, AnyOf, Both, Condition, Either, NotEmpty, Search, equals
from trio_connector.domain.query_language import Custom, FieldValue, ListFields, conditions_of_all, convert


def _contains(path: str) -> Custom:
    """The array at ``path`` has the text, or one of the texts, as they are written."""

    def condition(value: FieldValue) -> Condition:
        return equals(path, value) if isinstance(value, str) else AnyOf(path, tuple(value))

    return condition


def _exactly(path: str) -> Custom:
    """The text at ``path`` is this one, as it is written; of several texts none is."""

    def condition(value: FieldValue) -> Condition:
        return equals(path, value) if isinstance(value, str) else NOTHING

    return condition


def _attachments(value: FieldValue) -> Condition:
    return NotEmpty("attachments") if value == "+" else _contains("attachments")(value) or NOTHING


def _participant(value: FieldValue) -> Condition | None:
    paths = ("createdBy", "recipients.address")
    if isinstance(value, str):
        return Either(tuple(equals(path, convert(value)) for path in paths))
    if not value:
        return None
    return Either(tuple(Both(conditions_of_all(path, value)) for path in paths))


def _password_is_pin(value: FieldValue) -> Condition | None:
    match value:
        case "true":
            return Search("passwordProtection.passwordType", "^pin")
        case "!":
            return equals("passwordProtection.passwordType", "pw")
        case _:
            return None if isinstance(value, str) else NOTHING


def _password_location(value: FieldValue) -> Condition:
    if not isinstance(value, str):
        return NOTHING
    number = int(value) if re.fullmatch(r"[0-9]{1,9}", value) else LOCATION_INDICATORS.get(value, -1)
    return equals("passwordProtection.passwordLocationIndicator", number)


MESSAGE_FIELDS = ListFields(
    names=(
        "isOwn",
        "createdBy",
        "createdByDevice",
        "createdAt",
        "content.@type",
        "content.body",
        "content.bodyFormat",
        "content.subject",
        "attachments",
        "recipients.address",
        "recipients.relationshipId",
        "wasReadAt",
        "participant",
    ),
    custom={"attachments": _attachments, "participant": _participant},
    single=frozenset({"isOwn"}),
)

FILE_FIELDS = ListFields(
    names=(
        "createdAt",
        "createdBy",
        "createdByDevice",
        "description",
        "expiresAt",
        "filename",
        "filesize",
        "mimetype",
        "title",
        "isOwn",
        "tags",
        "ownershipToken",
        "ownershipIsLocked",
    ),
    custom={"tags": _contains("tags"), "ownershipToken": _exactly("ownershipToken")},
    single=frozenset({"ownershipIsLocked"}),
)
"""All files; the Own and Peer lists force ``isOwn``."""

_PASSWORD_PROTECTION = (
    "passwordProtection",
    "passwordProtection.password",
    "passwordProtection.passwordIsPin",
    "passwordProtection.passwordLocationIndicator",
)
_PASSWORD_PROTECTION_CUSTOM: dict[str, Custom] = {
    "passwordProtection.password": _exactly("passwordProtection.password"),
    "passwordProtection.passwordIsPin": _password_is_pin,
    "passwordProtection.passwordLocationIndicator": _password_location,
}
_PASSWORD_PROTECTION_SINGLE = frozenset({"passwordProtection", "passwordProtection.passwordIsPin"})
_PASSWORD_PROTECTION_ALLOWED = {"passwordProtection": ("", "!"), "passwordProtection.passwordIsPin": ("true", "!")}

TOKEN_FIELDS = ListFields(
    names=("isOwn", "createdAt", "createdBy", "createdByDevice", "expiresAt", "forIdentity", *_PASSWORD_PROTECTION),
    custom=_PASSWORD_PROTECTION_CUSTOM,
    single=_PASSWORD_PROTECTION_SINGLE,
    allowed=_PASSWORD_PROTECTION_ALLOWED,
)
"""Own and peer tokens; both lists force ``isOwn``."""

TEMPLATE_FIELDS = ListFields(
    names=(
        "isOwn",
        "createdAt",
        "expiresAt",
        "createdBy",
        "createdByDevice",
        "maxNumberOfAllocations",
        "forIdentity",
        *_PASSWORD_PROTECTION,
    ),
    custom=_PASSWORD_PROTECTION_CUSTOM,
    single=_PASSWORD_PROTECTION_SINGLE,
    allowed=_PASSWORD_PROTECTION_ALLOWED,
)
"""Relationship templates; the Own and Peer lists force ``isOwn``."""

RELATIONSHIP_FIELDS = ListFields(names=("peer", "status", "templateId"), paths={"peer": "peer.address"})

_DELETION_INFO = ("deletionInfo", "deletionInfo.deletionStatus", "deletionInfo.deletionDate")

ATTRIBUTE_FIELDS = ListFields(
    names=(
        "@type",
        "createdAt",
        "succeeds",
        "succeededBy",
        "wasViewedAt",
        "isDefault",
        "content.@type",
        "content.tags",
        "content.owner",
        "content.key",
        "content.isTechnical",
        "content.confidentiality",
        "content.value.@type",
        "peer",
        "sourceReference",
        "initialAttributePeer",
        *_DELETION_INFO,
    ),
    custom={"content.tags": _contains("content.tags")},
    strict=False,
    order_by="createdAt",
)
"""All attributes."""

OWN_IDENTITY_ATTRIBUTE_FIELDS = ListFields(
    names=("createdAt", "wasViewedAt", "isDefault", "content.tags", "content.value.@type"),
    custom={"content.tags": _contains("content.tags")},
    single=frozenset({"createdAt", "isDefault"}),
    order_by="createdAt",
)

PEER_ATTRIBUTE_FIELDS = ListFields(
    names=(
        "@type",
        "createdAt",
        "wasViewedAt",
        "content.@type",
        "content.tags",
        "content.key",
        "content.isTechnical",
        "content.confidentiality",
        "content.value.@type",
        "sourceReference",
        "initialAttributePeer",
        *_DELETION_INFO,
    ),
    custom={"content.tags": _contains("content.tags")},
    single=frozenset({"createdAt", "content.isTechnical"}),
    order_by="createdAt",
)

SHARED_ATTRIBUTE_FIELDS = ListFields(
    names=(
        "@type",
        "createdAt",
        "wasViewedAt",
        "isDefault",
        "content.@type",
        "content.tags",
        "content.key",
        "content.isTechnical",
        "content.confidentiality",
        "content.value.@type",
        "sourceReference",
        *_DELETION_INFO,
    ),
    custom={"content.tags": _contains("content.tags")},
    single=frozenset({"createdAt", "isDefault", "content.isTechnical"}),
)
"""Own attributes that were shared with a peer."""

FORWARDING_DETAILS_FIELDS = ListFields(names=("peer", "sourceReference", "sharedAt", *_DELETION_INFO))

_REQUEST_NAMES = (
    "id",
    "peer",
    "createdAt",
    "status",
    "content.expiresAt",
    "content.items.@type",
    "content.items.items.@type",
    "source.type",
    "source.reference",
    "response.createdAt",
    "response.source.type",
    # The official software looks this one up under a wrong name and finds nothing; here it works.
    "response.source.reference",
    "response.content.result",
    "response.content.items.@type",
    "response.content.items.items.@type",
)

INCOMING_REQUEST_FIELDS = ListFields(names=(*_REQUEST_NAMES, "wasAutomaticallyDecided"), strict=False)
"""Requests of peers; the list forces ``isOwn``."""

OUTGOING_REQUEST_FIELDS = ListFields(names=_REQUEST_NAMES, strict=False)
"""Own requests; the list forces ``isOwn``."""
