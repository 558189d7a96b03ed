"""TransferFileOwnershipRequestItem: offers the peer the ownership of a file (consumption spec 3.10). Pure.

What only the Backbone knows (is the token valid, is there such a file) comes in as ``FileFacts``; the claim itself is
made by the use case before the unit of work.
"""

from __future__ import annotations

from collections.abc import Mapping

from trio_connector.crypto.references import FileReference
from trio_connector.domain.attributes.creation import create_attribute
from trio_connector.domain.attributes.forwarding import add_forwarding_details
from trio_connector.domain.attributes.record import OWN_IDENTITY, PEER_IDENTITY
from trio_connector.domain.attributes.tags import check_tags
from trio_connector.domain.changes import Changes, View
from trio_connector.domain.file import File
from trio_connector.domain.identity import Json
from trio_connector.domain.requests.items.processor import (
    FileFacts,
    ItemProcessor,
    RequestContext,
    accepted,
    invalid_request_item,
)
from trio_connector.errors import ConnectorError, UnexpectedCondition

_VALUE_TYPE = "IdentityFileReference"


def file_id_of(item: Json) -> str:
    """The id of the file that the item is about."""
    return FileReference.of_text(item["fileReference"]).id


class TransferFileOwnershipProcessor(ItemProcessor):
    """Processes TransferFileOwnershipRequestItems."""

    def can_create(
        self, view: View, item: Json, recipient: str | None, files: Mapping[str, FileFacts]
    ) -> ConnectorError | None:
        """The file must be ours, valid, and the token right."""
        file_id = file_id_of(item)
        facts = files.get(file_id)
        if facts is None or facts.file is None:
            return invalid_request_item(f"The File with the given ID '{file_id}' could not be found.")
        start = f"You cannot request the transfer of ownership of the File with ID '{file_id}' since it"
        if not facts.file.is_own:
            return invalid_request_item(f"{start} is not owned by you.")
        if _is_expired(facts.file, view.now):
            return invalid_request_item(f"{start} is already expired.")
        if (error := check_tags(facts.file.tags, _VALUE_TYPE, view.tags)) is not None:
            return invalid_request_item(f"{start} has invalid tags. {error.message}")
        if not facts.token_is_valid:
            return invalid_request_item(f"The specified ownershipToken is not valid for the File with ID '{file_id}'.")
        return None

    def can_accept(self, view: View, item: Json, entry: Json, request: RequestContext) -> ConnectorError | None:
        """The file must be the peer's, valid, and the token right; one that we claimed before for this is ours."""
        file_id = file_id_of(item)
        facts = request.files.get(file_id)
        start = "You cannot accept this RequestItem since the"
        if facts is None or facts.file is None:
            return invalid_request_item(f"{start} File with the given ID '{file_id}' could not be found.")
        if _is_expired(facts.file, view.now):
            return invalid_request_item(f"{start} File with the given ID '{file_id}' is already expired.")
        by_reference = f"{start} File with the given fileReference '{file_id}'"
        if not facts.claimed:
            if facts.file.is_own:
                return invalid_request_item(f"{by_reference} is already owned by you.")
            if facts.file.owner != request.peer:
                return invalid_request_item(f"{by_reference} is not owned by the peer.")
        if (error := check_tags(facts.file.tags, _VALUE_TYPE, view.tags)) is not None:
            return invalid_request_item(f"{by_reference} has invalid tags. {error.message}")
        if not facts.claimed and not facts.token_is_valid:
            return invalid_request_item(
                f"{start} specified ownershipToken is not valid for the File with ID '{file_id}'."
            )
        return None

    def accept(self, changes: Changes, item: Json, entry: Json, request: RequestContext) -> Json:
        """Make the reference of the file, which is ours now, an own attribute that the peer has too."""
        facts = request.files.get(file_id_of(item))
        if facts is None or facts.file is None or not facts.claimed:
            raise UnexpectedCondition(f"The File '{file_id_of(item)}' was not claimed.")
        content: Json = {
            "@type": "IdentityAttribute",
            "owner": changes.me,
            "value": {"@type": _VALUE_TYPE, "value": facts.truncated_reference},
        }
        if facts.file.tags:
            content["tags"] = facts.file.tags
        attribute = create_attribute(changes, OWN_IDENTITY, content)
        add_forwarding_details(changes, attribute, request.peer, request.id)
        return accepted(
            "TransferFileOwnershipAcceptResponseItem", attributeId=attribute.id, attribute=attribute.content
        )

    def apply(self, changes: Changes, item: Json, answer: Json, request: RequestContext) -> None:
        """The peer owns the file now and shares its reference."""
        if answer.get("@type") != "TransferFileOwnershipAcceptResponseItem":
            return
        create_attribute(
            changes,
            PEER_IDENTITY,
            {"@type": "IdentityAttribute", **answer["attribute"]},
            id_=answer["attributeId"],
            peer=request.peer,
            source_reference=request.id,
        )


def _is_expired(file: File, now: str) -> bool:
    return now > file.expires_at
