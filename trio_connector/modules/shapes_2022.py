"""Messages and relationships as the Connector of 2022 showed them (spec 08 section 3, runtime 2.0.0). Pure.

The Backbone of today knows no relationship changes; what is shown as one is made from the audit log: its first entry is
the request, its second the response, and the id is the relationship's with another prefix. The realm of a peer, which
addresses no longer contain, is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Json = dict[str, Any]

_ANSWERS: Final = {
    "AcceptanceOfCreation": "Accepted",
    "RejectionOfCreation": "Rejected",
    "RevocationOfCreation": "Revoked",
}
_STATUSES: Final = {"DeletionProposed": "Terminated"}
_ARBITRARY: Final = frozenset(
    {"ArbitraryMessageContent", "ArbitraryRelationshipTemplateContent", "ArbitraryRelationshipCreationContent"}
)


def unwrapped(content: Any) -> Any:
    """The value inside an ``Arbitrary...Content``; other content as it is."""
    if isinstance(content, Mapping) and content.get("@type") in _ARBITRARY:
        return content.get("value")
    return content


def change_id(relationship_id: str) -> str:
    """The id under which the creation of a relationship is shown: ``RCH`` and the relationship's own characters."""
    return "RCH" + relationship_id.removeprefix("REL")


def message_2022(message: Mapping[str, Any]) -> Json:
    """A message DTO of today in the shape of 2022."""
    return {
        "id": message["id"],
        "content": unwrapped(message.get("content")),
        "createdBy": message["createdBy"],
        "createdByDevice": message["createdByDevice"],
        "recipients": [
            _without_none(
                {
                    "address": recipient["address"],
                    "relationshipId": recipient.get("relationshipId"),
                    "receivedAt": recipient.get("receivedAt"),
                    "receivedByDevice": recipient.get("receivedByDevice"),
                }
            )
            for recipient in message["recipients"]
        ],
        "createdAt": message["createdAt"],
        "attachments": [
            attachment["id"] if isinstance(attachment, Mapping) else attachment for attachment in message["attachments"]
        ],
    }


def template_2022(template: Mapping[str, Any]) -> Json:
    """A template DTO of today in the shape of 2022."""
    reference = template.get("reference")
    return _without_none(
        {
            "id": template["id"],
            "isOwn": template.get("isOwn"),
            "createdBy": template.get("createdBy"),
            "createdByDevice": template.get("createdByDevice"),
            "createdAt": template.get("createdAt"),
            "content": unwrapped(template.get("content")),
            "expiresAt": template.get("expiresAt"),
            "maxNumberOfAllocations": template.get("maxNumberOfAllocations"),
            "truncatedReference": reference.get("truncated") if isinstance(reference, Mapping) else None,
        }
    )


def relationship_2022(relationship: Mapping[str, Any], template: Mapping[str, Any] | None) -> Json:
    """A relationship DTO of today in the shape of 2022, with ``template`` (a DTO of today; None when it is gone)."""
    shown_template = template_2022(template) if template is not None else {"id": relationship["templateId"]}
    peer = relationship["peerIdentity"]
    status = relationship["status"]
    return {
        "id": relationship["id"],
        "template": shown_template,
        "status": _STATUSES.get(status, status),
        "peer": relationship["peer"],
        "peerIdentity": {"address": peer["address"], "publicKey": peer["publicKey"]},
        "changes": [_creation_change(relationship)],
    }


def _creation_change(relationship: Mapping[str, Any]) -> Json:
    entries = relationship["auditLog"]
    answer = next((entry for entry in entries[1:] if entry["reason"] in _ANSWERS), None)
    change: Json = {
        "id": change_id(relationship["id"]),
        "type": "Creation",
        "status": "Pending" if answer is None else _ANSWERS[answer["reason"]],
        "request": _without_none(
            {**_who_and_when(entries[0]), "content": unwrapped(relationship.get("creationContent"))}
        ),
    }
    if answer is not None:
        change["response"] = _who_and_when(answer)
    return change


def _who_and_when(entry: Mapping[str, Any]) -> Json:
    return _without_none(
        {
            "createdBy": entry["createdBy"],
            "createdByDevice": entry.get("createdByDevice"),
            "createdAt": entry["createdAt"],
        }
    )


def _without_none(members: Json) -> Json:
    return {name: value for name, value in members.items() if value is not None}
