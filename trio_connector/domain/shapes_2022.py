"""DTOs of today as the Connector of 2022 showed them (spec 08 section 3, runtime 2.0.0). Pure.

The Backbone of today knows no relationship changes; what is shown as one is made from the audit log: its first entry is
the request, its second the response, and the id is the relationship's with another prefix. The realm of a peer, which
addresses no longer contain, is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from trio_connector.crypto.references import Reference

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
RELATIONSHIP_CHANGE: Final = "RelationshipChange"
"""What a response that came with a relationship's creation was said to come from; today ``Relationship``."""


def unwrapped(content: Any) -> Any:
    """The value inside an ``Arbitrary...Content``; other content as it is."""
    if not isinstance(content, Mapping):
        return content
    kind = content.get("@type")
    return content.get("value") if isinstance(kind, str) and kind in _ARBITRARY else content


def content_2022(content: Any) -> Any:
    """Content of today as 2022 wrote it.

    It is not wrapped, a Mail of plain text does not say so, items of requests show ``metadata`` as
    ``responseMetadata`` too.
    """
    shown = unwrapped(content)
    if isinstance(shown, Mapping) and shown.get("@type") == "Mail" and shown.get("bodyFormat") == "PlainText":
        shown = {name: member for name, member in shown.items() if name != "bodyFormat"}
    return _items_converted(shown, _with_response_metadata)


def content_of_2022(content: Any) -> Any:
    """Content as 2022 wrote it in the words of today: ``responseMetadata`` of request items is their ``metadata``."""
    return _items_converted(content, _with_metadata)


def change_id(relationship_id: str) -> str:
    """The id under which the creation of a relationship is shown: ``RCH`` and the relationship's own characters."""
    return "RCH" + relationship_id.removeprefix("REL")


def secret_key_2022(reference: Mapping[str, Any]) -> str:
    """The secret key inside a reference DTO, in the short form that 2022 showed beside it."""
    return Reference.of_text(reference["truncated"]).key.to_base64(False)


def file_2022(file: Mapping[str, Any]) -> Json:
    """A file DTO of today in the shape of 2022, where every file has a title."""
    return without_none(
        {
            "id": file["id"],
            "filename": file["filename"],
            "filesize": file["filesize"],
            "createdAt": file["createdAt"],
            "createdBy": file["createdBy"],
            "createdByDevice": file["createdByDevice"],
            "expiresAt": file["expiresAt"],
            "mimetype": file["mimetype"],
            "isOwn": file["isOwn"],
            "title": file.get("title", file["filename"]),
            "description": file.get("description"),
            "secretKey": secret_key_2022(file["reference"]),
            "truncatedReference": file["reference"]["truncated"],
        }
    )


def token_2022(token: Mapping[str, Any]) -> Json:
    """A token DTO of today in the shape of 2022."""
    return {
        "id": token["id"],
        "createdBy": token["createdBy"],
        "createdByDevice": token["createdByDevice"],
        "content": token["content"],
        "createdAt": token["createdAt"],
        "expiresAt": token["expiresAt"],
        "secretKey": secret_key_2022(token["reference"]),
        "truncatedReference": token["reference"]["truncated"],
        "isEphemeral": token["isEphemeral"],
    }


def message_2022(message: Mapping[str, Any]) -> Json:
    """A message DTO of today in the shape of 2022; its attachments are ids."""
    ids = [attachment["id"] if isinstance(attachment, Mapping) else attachment for attachment in message["attachments"]]
    return _message(message, ids)


def message_with_attachments_2022(message: Mapping[str, Any]) -> Json:
    """A DTO of one message with whole files in the shape of 2022."""
    return _message(message, [file_2022(file) for file in message["attachments"]])


def _message(message: Mapping[str, Any], attachments: list[Any]) -> Json:
    return {
        "id": message["id"],
        "content": content_2022(message.get("content")),
        "createdBy": message["createdBy"],
        "createdByDevice": message["createdByDevice"],
        "recipients": [
            without_none(
                {
                    "address": recipient["address"],
                    "relationshipId": recipient.get("relationshipId"),
                    "receivedAt": recipient.get("receivedAt"),
                    "receivedByDevice": recipient.get("receivedByDevice"),
                }
            )
            for recipient in message["recipients"]
        ],
        # The first releases of 2022 had these here, later ones with each recipient.
        "relationshipIds": [
            recipient["relationshipId"] for recipient in message["recipients"] if "relationshipId" in recipient
        ],
        "createdAt": message["createdAt"],
        "attachments": attachments,
    }


def template_2022(template: Mapping[str, Any]) -> Json:
    """A template DTO of today in the shape of 2022.

    There were limits for allocations and for relationships then. The one of today limits both, and is shown as both.
    """
    reference = template.get("reference")
    return without_none(
        {
            "id": template["id"],
            "isOwn": template.get("isOwn"),
            "createdBy": template.get("createdBy"),
            "createdByDevice": template.get("createdByDevice"),
            "createdAt": template.get("createdAt"),
            "content": content_2022(template.get("content")),
            "expiresAt": template.get("expiresAt"),
            "maxNumberOfAllocations": template.get("maxNumberOfAllocations"),
            "maxNumberOfRelationships": template.get("maxNumberOfAllocations"),
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
        "request": without_none(
            {**_who_and_when(entries[0]), "content": content_2022(relationship.get("creationContent"))}
        ),
    }
    if answer is not None:
        change["response"] = _who_and_when(answer)
    return change


def _who_and_when(entry: Mapping[str, Any]) -> Json:
    return without_none(
        {
            "createdBy": entry["createdBy"],
            "createdByDevice": entry.get("createdByDevice"),
            "createdAt": entry["createdAt"],
        }
    )


def attribute_2022(attribute: Mapping[str, Any]) -> Json:
    """An attribute DTO of today in the shape of 2022: where it came from is its ``shareInfo``."""
    share_info = None
    if "peer" in attribute and "sourceReference" in attribute:
        share_info = {"requestReference": attribute["sourceReference"], "peer": attribute["peer"]}
    return without_none(
        {
            "id": attribute["id"],
            "createdAt": attribute["createdAt"],
            "content": attribute["content"],
            "succeeds": attribute.get("succeeds"),
            "succeededBy": attribute.get("succeededBy"),
            "shareInfo": share_info,
        }
    )


def request_2022(request: Mapping[str, Any]) -> Json:
    """A request DTO of today in the shape of 2022: a relationship that carried a response is its creation change."""
    response = request.get("response")
    if response is not None and "source" in response:
        source = response["source"]
        if source["type"] == "Relationship":
            source = {"type": RELATIONSHIP_CHANGE, "reference": change_id(source["reference"])}
        response = {**response, "source": source}
    return without_none(
        {
            "id": request["id"],
            "isOwn": request["isOwn"],
            "peer": request["peer"],
            "createdAt": request["createdAt"],
            "status": request["status"],
            "content": content_2022(request["content"]),
            "source": request.get("source"),
            "response": response,
        }
    )


def _items_converted(content: Any, convert: Callable[[Json], Json]) -> Any:
    """``content`` with every request item and group in it converted, wherever the request is."""
    if isinstance(content, list):
        return [_items_converted(each, convert) for each in content]
    if not isinstance(content, Mapping):
        return content
    converted = {name: _items_converted(member, convert) for name, member in content.items()}
    kind = converted.get("@type")
    is_item = isinstance(kind, str) and kind.endswith(("RequestItem", "RequestItemGroup"))
    return convert(converted) if is_item else converted


def _with_response_metadata(item: Json) -> Json:
    return item | {"responseMetadata": item["metadata"]} if "metadata" in item else item


def _with_metadata(item: Json) -> Json:
    if "responseMetadata" not in item:
        return item
    kept = {name: member for name, member in item.items() if name != "responseMetadata"}
    return {"metadata": item["responseMetadata"]} | kept


def without_none(members: Json) -> Json:
    """The members that are there."""
    return {name: value for name, value in members.items() if value is not None}
