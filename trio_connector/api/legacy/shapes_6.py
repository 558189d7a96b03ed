"""DTOs of today as the Connector 6.x showed them under ``/api/v2`` (types of its SDK 6.7.0). Pure.

In 6.x an attribute that was shared existed twice, and the copy said with whom in its ``shareInfo``; today there is one,
with a list of those who have it. What is shown as a copy here has the id of the attribute itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from trio_connector.domain.shapes_2022 import without_none

Json = dict[str, Any]

_DELETION_STATUSES: Final = {
    "ToBeDeletedByRecipient": "ToBeDeletedByPeer",
    "DeletedByRecipient": "DeletedByPeer",
    "DeletedByEmitter": "DeletedByOwner",
}
_MEMBERS: Final = {
    "ShareAttributeRequestItem": {"attributeId": "sourceAttributeId", "initialAttributePeer": "thirdPartyAddress"},
    "ReadAttributeAcceptResponseItem": {"initialAttributePeer": "thirdPartyAddress"},
}
"""Per type of content, the names of members today and in 6.x."""
_MEMBERS_OF_6: Final = {kind: {old: new for new, old in names.items()} for kind, names in _MEMBERS.items()}
_UNKNOWN: Final = {"Mail": frozenset({"bodyFormat"})}
"""Per type of content, the members that 6.x did not know; it refused a Mail that has one."""


def content_6(content: Any) -> Any:
    """Content of today with the member names of 6.x."""
    return _renamed(content, _MEMBERS, _UNKNOWN)


def content_of_6(content: Any) -> Any:
    """Content of 6.x with the member names of today."""
    return _renamed(content, _MEMBERS_OF_6, {})


def _renamed(content: Any, members: Mapping[str, Mapping[str, str]], left_out: Mapping[str, frozenset[str]]) -> Any:
    if isinstance(content, list):
        return [_renamed(each, members, left_out) for each in content]
    if not isinstance(content, Mapping):
        return content
    kind = content.get("@type")
    known = kind if isinstance(kind, str) else ""
    names, unknown = members.get(known, {}), left_out.get(known, ())
    renamed: Json = {}
    for name, member in content.items():
        if name not in unknown:
            # A member that is there under its new name already wins.
            renamed.setdefault(names.get(name, name), _renamed(member, members, left_out))
    return renamed


def file_6(file: Mapping[str, Any]) -> Json:
    """A file; every file had a title."""
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
            "truncatedReference": file["reference"]["truncated"],
        }
    )


def token_6(token: Mapping[str, Any]) -> Json:
    """A token."""
    return without_none(
        {
            "id": token["id"],
            "createdBy": token["createdBy"],
            "createdByDevice": token["createdByDevice"],
            "createdAt": token["createdAt"],
            "expiresAt": token["expiresAt"],
            "forIdentity": token.get("forIdentity"),
            "passwordProtection": _password_protection(token),
            "truncatedReference": token["reference"]["truncated"],
            "isEphemeral": token["isEphemeral"],
        }
    ) | {"content": token["content"]}


def template_6(template: Mapping[str, Any]) -> Json:
    """A relationship template."""
    return without_none(
        {
            "id": template["id"],
            "isOwn": template["isOwn"],
            "createdBy": template["createdBy"],
            "createdByDevice": template["createdByDevice"],
            "createdAt": template["createdAt"],
            "forIdentity": template.get("forIdentity"),
            "passwordProtection": _password_protection(template),
            "content": content_6(template["content"]),
            "expiresAt": template.get("expiresAt"),
            "maxNumberOfAllocations": template.get("maxNumberOfAllocations"),
            "truncatedReference": template["reference"]["truncated"],
        }
    )


def _password_protection(dto: Mapping[str, Any]) -> Json | None:
    protection = dto.get("passwordProtection")
    if protection is None:
        return None
    return without_none({"password": protection["password"], "passwordIsPin": protection.get("passwordIsPin")})


def relationship_6(relationship: Mapping[str, Any], template: Mapping[str, Any] | None) -> Json:
    """A relationship with its ``template`` (a DTO of today; None when it is gone: then only its id is known)."""
    return without_none(
        {
            "id": relationship["id"],
            "template": template_6(template) if template is not None else {"id": relationship["templateId"]},
            "status": relationship["status"],
            "peer": relationship["peer"],
            "peerDeletionInfo": relationship.get("peerDeletionInfo"),
            "peerIdentity": relationship["peerIdentity"],
            "creationContent": content_6(relationship["creationContent"]),
            "auditLog": relationship["auditLog"],
        }
    )


def message_6(message: Mapping[str, Any]) -> Json:
    """A message; its attachments are ids, or files when today's DTO has files."""
    return {
        "id": message["id"],
        "isOwn": message["isOwn"],
        "content": content_6(message["content"]),
        "createdBy": message["createdBy"],
        "createdByDevice": message["createdByDevice"],
        "recipients": message["recipients"],
        "createdAt": message["createdAt"],
        "attachments": [
            file_6(attachment) if isinstance(attachment, Mapping) else attachment
            for attachment in message["attachments"]
        ],
    }


def attribute_6(attribute: Mapping[str, Any]) -> Json:
    """An attribute; one that came from a peer, or belongs to a relationship, has a ``shareInfo``."""
    share_info = None
    if "peer" in attribute and "sourceReference" in attribute:
        share_info = share_info_6(
            attribute["peer"], attribute["sourceReference"], third_party=attribute.get("initialAttributePeer")
        )
    return _attribute(attribute, share_info, attribute.get("deletionInfo"))


def shared_attribute_6(attribute: Mapping[str, Any], forwarding: Mapping[str, Any]) -> Json:
    """The copy of an own attribute that a peer has, as ``forwarding`` (forwarding details) tells of it."""
    share_info = share_info_6(forwarding["peer"], forwarding["sourceReference"], source=attribute["id"])
    return _attribute(attribute, share_info, forwarding.get("deletionInfo"))


def share_info_6(peer: str, reference: str, *, source: str | None = None, third_party: str | None = None) -> Json:
    """With whom, and by which request or notification."""
    kind = "notificationReference" if reference.startswith("NOT") else "requestReference"
    return without_none({kind: reference, "peer": peer, "sourceAttribute": source, "thirdPartyAddress": third_party})


def _attribute(attribute: Mapping[str, Any], share_info: Json | None, deletion_info: Json | None) -> Json:
    if deletion_info is not None:
        status = deletion_info["deletionStatus"]
        deletion_info = {**deletion_info, "deletionStatus": _DELETION_STATUSES.get(status, status)}
    return without_none(
        {
            "id": attribute["id"],
            "content": attribute["content"],
            "createdAt": attribute["createdAt"],
            "succeeds": attribute.get("succeeds"),
            "succeededBy": attribute.get("succeededBy"),
            "shareInfo": share_info,
            "deletionInfo": deletion_info,
            "isDefault": attribute.get("isDefault") or None,
        }
    )


def succession_6(succession: Mapping[str, Any]) -> Json:
    """Both versions of an attribute."""
    return {name: attribute_6(succession[name]) for name in ("predecessor", "successor")}


def notified_succession_6(succession: Mapping[str, Any]) -> Json:
    """Both versions of an attribute, and the notification that tells of the newer one."""
    return succession_6(succession) | {"notificationId": succession["notificationId"]}


def request_6(request: Mapping[str, Any]) -> Json:
    """An incoming or outgoing request."""
    response = request.get("response")
    if response is not None:
        response = {**response, "content": content_6(response["content"])}
    return without_none(
        {
            "id": request["id"],
            "isOwn": request["isOwn"],
            "peer": request["peer"],
            "createdAt": request["createdAt"],
            "status": request["status"],
            "content": content_6(request["content"]),
            "source": request.get("source"),
            "response": response,
        }
    )
