"""Whether a query may be asked, and whether an attribute answers it (consumption spec 3.5 and 3.8). Pure."""

from __future__ import annotations

from trio_connector.domain.attributes.creation import is_identity_attribute, query_tags_error
from trio_connector.domain.changes import View
from trio_connector.domain.identity import Json
from trio_connector.domain.requests.items.processor import invalid_request_item, query_mismatch
from trio_connector.errors import ConnectorError, CoreError

RELATIONSHIP_QUERY = "RelationshipAttributeQuery"
THIRD_PARTY_QUERY = "ThirdPartyRelationshipAttributeQuery"


def third_party_error(query: Json, me: str, recipient: str | None) -> ConnectorError | None:
    """Neither side of the request can be a third party of it. (The syntax of IQL was checked when it was parsed.)"""
    if query["@type"] != THIRD_PARTY_QUERY:
        return None
    for party in query["thirdParty"]:
        if party == me:
            return invalid_request_item("Cannot query an Attribute with the own address as third party.")
        if recipient is not None and party == recipient:
            return invalid_request_item("Cannot query an Attribute with the recipient's address as third party.")
    return None


def asked_tags_error(query: Json, view: View) -> ConnectorError | None:
    """Only valid tags can be asked for."""
    error = query_tags_error(query, view)
    return None if error is None else invalid_request_item(error.message)


def mismatch(query: Json, attribute: Json, *, recipient: str, sender: str) -> CoreError | None:
    """Why ``attribute``, offered by ``recipient``, does not answer ``query`` of ``sender``; None when it does."""
    match query["@type"]:
        case "IdentityAttributeQuery":
            reason = _identity_reason(query, attribute, recipient)
        case "IQLQuery":
            reason = _iql_reason(attribute, recipient)
        case "RelationshipAttributeQuery":
            reason = _relationship_reason(query, attribute, recipient)
        case _:
            reason = _third_party_reason(query, attribute, recipient, sender)
    return None if reason is None else query_mismatch(reason)


_SOMEONE_ELSES = "The provided IdentityAttribute belongs to someone else. You can only share OwnIdentityAttributes."
_NO_RELATIONSHIP_ATTRIBUTE = (
    "The provided Attribute is not a RelationshipAttribute, but a RelationshipAttribute was queried."
)
_OTHER_KEY = "The provided RelationshipAttribute does not have the queried key."


def _identity_reason(query: Json, attribute: Json, recipient: str) -> str | None:
    if not is_identity_attribute(attribute):
        return "The provided Attribute is not an IdentityAttribute, but an IdentityAttribute was queried."
    if attribute["owner"] != recipient:
        return _SOMEONE_ELSES
    if attribute["value"]["@type"] != query["valueType"]:
        return "The provided IdentityAttribute is not of the queried IdentityAttribute value type."
    tags = query.get("tags") or []
    if tags and not set(tags) & set(attribute.get("tags") or ()):
        return "The tags of the provided IdentityAttribute do not contain at least one queried tag."
    return None


def _iql_reason(attribute: Json, recipient: str) -> str | None:
    if not is_identity_attribute(attribute):
        return (
            "The provided Attribute is not an IdentityAttribute. Currently, only IdentityAttributes can be queried by "
            "an IQLQuery."
        )
    return _SOMEONE_ELSES if attribute["owner"] != recipient else None


def _relationship_reason(query: Json, attribute: Json, recipient: str) -> str | None:
    if is_identity_attribute(attribute):
        return _NO_RELATIONSHIP_ATTRIBUTE
    if query["owner"] and attribute["owner"] != query["owner"]:
        return "The provided RelationshipAttribute does not belong to the queried owner."
    if not query["owner"] and attribute["owner"] != recipient:
        return (
            "You are not the owner of the provided RelationshipAttribute, but an empty string was specified for the "
            "owner of the query."
        )
    if attribute["key"] != query["key"]:
        return _OTHER_KEY
    hints, value = query["attributeCreationHints"], attribute["value"]
    if attribute["confidentiality"] != hints["confidentiality"]:
        return "The provided RelationshipAttribute does not have the queried confidentiality."
    if value["@type"] != hints["valueType"]:
        return "The provided RelationshipAttribute is not of the queried RelationshipAttribute value type."
    if value["@type"] == "Consent":
        return None
    if value["title"] != hints["title"]:
        return "The provided RelationshipAttribute does not have the queried title."
    if value.get("description") != hints.get("description"):
        return "The provided RelationshipAttribute does not have the queried description."
    return None


def _third_party_reason(query: Json, attribute: Json, recipient: str, sender: str) -> str | None:
    if is_identity_attribute(attribute):
        return _NO_RELATIONSHIP_ATTRIBUTE
    owner, parties, anybody = attribute["owner"], query["thirdParty"], "" in query["thirdParty"]
    not_queried = (
        owner == sender
        or (query["owner"] == "recipient" and owner != recipient)
        or (
            query["owner"] == "thirdParty"
            and owner not in parties
            and (not anybody or (owner == recipient and recipient not in parties))
        )
    )
    if not_queried:
        return "The provided RelationshipAttribute does not belong to a queried owner."
    if not query["owner"] and owner != recipient and owner not in parties and not anybody:
        return (
            "Neither you nor one of the involved third parties is the owner of the provided RelationshipAttribute, "
            "but an empty string was specified for the owner of the query."
        )
    return _OTHER_KEY if attribute["key"] != query["key"] else None
