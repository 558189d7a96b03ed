"""The versions of an attribute: predecessors, successors, and which of them a peer has (consumption spec 4.9). Pure."""

from __future__ import annotations

from trio_connector.domain.attributes.forwarding import is_forwarded
from trio_connector.domain.attributes.record import ATTRIBUTES, LocalAttribute, attribute_not_found
from trio_connector.domain.changes import Reader


def predecessors(reader: Reader, attribute: LocalAttribute) -> list[LocalAttribute]:
    """All earlier versions, newest first. Raises RecordNotFound when the chain is broken."""
    found: list[LocalAttribute] = []
    while attribute.succeeds is not None:
        attribute = _follow(reader, attribute.succeeds)
        found.append(attribute)
    return found


def successors(reader: Reader, attribute: LocalAttribute) -> list[LocalAttribute]:
    """All later versions, oldest first. Raises RecordNotFound when the chain is broken."""
    found: list[LocalAttribute] = []
    while attribute.succeeded_by is not None:
        attribute = _follow(reader, attribute.succeeded_by)
        found.append(attribute)
    return found


def versions(reader: Reader, attribute: LocalAttribute) -> list[LocalAttribute]:
    """All versions, newest first."""
    return [*reversed(successors(reader, attribute)), attribute, *predecessors(reader, attribute)]


def shared_versions(
    reader: Reader, attribute: LocalAttribute, peer: str, *, exclude_to_be_deleted: bool = False
) -> list[LocalAttribute]:
    """The versions that were forwarded to ``peer`` and not deleted there, newest first."""
    return [
        version
        for version in versions(reader, attribute)
        if is_forwarded(reader, version, peer, exclude_to_be_deleted=exclude_to_be_deleted)
    ]


def latest_shared(reader: Reader, attribute: LocalAttribute, peer: str) -> LocalAttribute | None:
    """The newest version that ``peer`` has; one that it agreed to delete counts."""
    return next(iter(shared_versions(reader, attribute, peer)), None)


def is_earlier(reader: Reader, attribute: LocalAttribute, other: LocalAttribute) -> bool:
    """Whether ``attribute`` is a predecessor of ``other``."""
    return any(version.id == other.id for version in successors(reader, attribute))


def _follow(reader: Reader, attribute_id: str) -> LocalAttribute:
    found = reader.get(ATTRIBUTES, attribute_id)
    if found is None:
        raise attribute_not_found(attribute_id)
    return found
