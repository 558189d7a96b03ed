"""Whom an attribute was forwarded to, and what became of it there (consumption spec 4.5). Pure."""

from __future__ import annotations

from msgspec.structs import replace

from trio_connector.domain.attributes.record import (
    ATTRIBUTES,
    FORWARDING_DETAILS,
    FORWARDING_DETAILS_CHANGED,
    GONE_AT_RECIPIENT,
    DeletionInfo,
    ForwardingDetails,
    LocalAttribute,
    attribute_dto,
    attribute_error,
)
from trio_connector.domain.changes import Changes, Reader
from trio_connector.errors import CoreError


def details_for(reader: Reader, attribute_id: str, peer: str) -> list[ForwardingDetails]:
    """All forwarding details of this attribute for ``peer``; a deleted and a new one may stand side by side."""
    return reader.select(FORWARDING_DETAILS, attribute_id=attribute_id, peer=peer)


def is_forwarded(reader: Reader, attribute: LocalAttribute, peer: str, *, exclude_to_be_deleted: bool = False) -> bool:
    """Whether ``peer`` has ``attribute`` because we forwarded it, and has not deleted it.

    With ``exclude_to_be_deleted`` a peer who agreed to delete it does not count either.
    """
    gone = GONE_AT_RECIPIENT if exclude_to_be_deleted else frozenset({"DeletedByRecipient"})
    return any(details.deletion_status not in gone for details in details_for(reader, attribute.id, peer))


def forwarding_peers(reader: Reader, attribute: LocalAttribute) -> list[str]:
    """Everybody who has ``attribute`` because we forwarded it; those who agreed to delete it count."""
    peers = (
        details.peer
        for details in reader.select(FORWARDING_DETAILS, attribute_id=attribute.id)
        if details.deletion_status != "DeletedByRecipient"
    )
    return list(dict.fromkeys(peers))


def add_forwarding_details(
    changes: Changes, attribute: LocalAttribute, peer: str, source_reference: str
) -> LocalAttribute:
    """Record that ``attribute`` goes to ``peer``, by the request or notification ``source_reference``.

    A peer who agreed to delete it keeps its details, without the agreement. Raises CoreError ``alreadyForwarded``.
    """
    existing = details_for(changes, attribute.id, peer)
    if any(details.deletion_status not in GONE_AT_RECIPIENT for details in existing):
        raise attribute_error(
            "alreadyForwarded", f"The Attribute '{attribute.id} is already forwarded to peer '{peer}'."
        )
    kept = next((details for details in existing if details.deletion_status == "ToBeDeletedByRecipient"), None)
    if kept is not None:
        changes.put(FORWARDING_DETAILS, replace(kept, deletion_info=None))
    else:
        details = ForwardingDetails(
            id=changes.new_id("ATTFD"),
            attribute_id=attribute.id,
            peer=peer,
            source_reference=source_reference,
            shared_at=changes.now,
        )
        changes.insert(FORWARDING_DETAILS, details)
    return forwarding_changed(changes, attribute.id)


def forwarding_changed(changes: Changes, attribute_id: str) -> LocalAttribute:
    """Count the details of the attribute anew and tell that they changed."""
    attribute = changes.get(ATTRIBUTES, attribute_id)
    assert attribute is not None, "details belong to a stored attribute"  # noqa: S101 - a bug, not an input
    count = len(changes.select(FORWARDING_DETAILS, attribute_id=attribute_id))
    attribute = replace(attribute, number_of_forwards=count)
    changes.put(ATTRIBUTES, attribute)
    changes.event(FORWARDING_DETAILS_CHANGED, attribute_dto(attribute), attribute.peer)
    return attribute


def delete_forwarding_details(changes: Changes, attribute: LocalAttribute, peer: str) -> None:
    """Forget that ``attribute`` was forwarded to ``peer``; this is told even if it never was."""
    for details in details_for(changes, attribute.id, peer):
        changes.delete(FORWARDING_DETAILS, details.id)
    forwarding_changed(changes, attribute.id)


def set_forwarded_deletion_info(
    changes: Changes, attribute: LocalAttribute, peer: str, info: DeletionInfo | None, *, override: bool = False
) -> bool:
    """Record what ``peer`` does with its copy; False when there are no details that could say so.

    Without ``override``, details that say the copy is (to be) deleted are kept. With it, details that do not say
    *deleted* are preferred, so that the remains of an earlier sharing stay as they are.
    """
    existing = details_for(changes, attribute.id, peer)
    if not existing:
        return False
    current = [details for details in existing if details.deletion_status not in GONE_AT_RECIPIENT]
    if override:
        current = current or [d for d in existing if d.deletion_status != "DeletedByRecipient"] or existing
    if current:
        changes.put(FORWARDING_DETAILS, replace(current[0], deletion_info=info))
    return True


def cannot_set_deletion_info(attribute_id: str, peer: str) -> CoreError:
    """There is nobody at ``peer`` whose deletion of the attribute could be recorded."""
    return attribute_error(
        "cannotSetAttributeDeletionInfo",
        f"You cannot set the deletionInfo of Attribute '{attribute_id}' for peer '{peer}' since it isn't shared with "
        "them or already deleted by them.",
    )
