"""DeleteAttributeRequestItem: asks the peer to delete an attribute that it has from us (consumption spec 3.7). Pure."""

from __future__ import annotations

from collections.abc import Mapping

from trio_connector.content.moments import is_moment, read_moment
from trio_connector.domain.attributes.deletion import set_deletion_info_for_peer, set_deletion_info_of_versions
from trio_connector.domain.attributes.forwarding import is_forwarded
from trio_connector.domain.attributes.record import (
    ATTRIBUTES,
    FORWARDABLE,
    GONE_AT_RECIPIENT,
    OWN_RELATIONSHIP,
    PEER_RELATIONSHIP,
    RECEIVED,
    DeletionInfo,
    DeletionStatus,
    LocalAttribute,
)
from trio_connector.domain.changes import Changes, View
from trio_connector.domain.identity import Json
from trio_connector.domain.requests.items.processor import (
    REJECTIONS,
    FileFacts,
    ItemProcessor,
    RequestContext,
    accepted,
    invalid_accept_parameters,
    invalid_request_item,
)
from trio_connector.domain.requests.items.share_attribute import FORWARDABLE_KINDS
from trio_connector.errors import ConnectorError, DeserializationError

_PARAMETERS = "AcceptDeleteAttributeRequestItemParameters"
_NOT_SHARED = (
    "The deletion of an own Attribute can only be requested from a peer it is shared with and who hasn't deleted it or "
    "agreed to its deletion already."
)
_NOT_SHARED_WITH_THIRD_PARTY = (
    "The deletion of a PeerRelationshipAttribute can only be requested from a third party it is shared with and who "
    "hasn't deleted it or agreed to its deletion already."
)


class DeleteAttributeProcessor(ItemProcessor):
    """Processes DeleteAttributeRequestItems."""

    def can_create(
        self, view: View, item: Json, recipient: str | None, files: Mapping[str, FileFacts]
    ) -> ConnectorError | None:
        """The recipient must have the attribute from us, and not have agreed to delete it."""
        id_ = item["attributeId"]
        attribute = view.get(ATTRIBUTES, id_)
        if attribute is None:
            return invalid_request_item(f"The Attribute '{id_}' could not be found.")
        if recipient is None:
            return invalid_request_item("The recipient must be specified when sending a DeleteAttributeRequestItem.")
        if attribute.kind not in FORWARDABLE:
            return invalid_request_item(
                f"The Attribute '{id_}' is not {FORWARDABLE_KINDS}. You can only request the deletion of such "
                "Attributes."
            )
        if attribute.kind == PEER_RELATIONSHIP and attribute.peer == recipient:
            return invalid_request_item(
                "The deletion of a PeerRelationshipAttribute cannot be requested for the owner."
            )
        if _recipient_has(view, attribute, recipient):
            return None
        third_party = attribute.kind == PEER_RELATIONSHIP
        return invalid_request_item(_NOT_SHARED_WITH_THIRD_PARTY if third_party else _NOT_SHARED)

    def on_sent(self, changes: Changes, item: Json, request: RequestContext) -> None:
        """Remember that the peer was asked."""
        self._record(changes, item, request, "DeletionRequestSent", changes.now)

    def can_accept(self, view: View, item: Json, entry: Json, request: RequestContext) -> ConnectorError | None:
        """Only who gave us the attribute can have it deleted, at a date in the future."""
        date = entry.get("deletionDate")
        if date is None:
            raise DeserializationError(f"{_PARAMETERS}.deletionDate :: Value is not defined")
        attribute = view.get(ATTRIBUTES, item["attributeId"])
        if attribute is None:
            return None
        if attribute.kind not in RECEIVED or attribute.peer != request.peer:
            return invalid_request_item(
                "The recipient isn't the peer of the Attribute and therefore isn't allowed to request the deletion of "
                "the Attribute."
            )
        if isinstance(date, str) and date and not is_moment(date):
            return invalid_accept_parameters("The deletionDate is invalid.")
        if read_moment(date) < view.now:
            return invalid_accept_parameters("The deletionDate must be in the future.")
        return None

    def accept(self, changes: Changes, item: Json, entry: Json, request: RequestContext) -> Json:
        """Remember when the attribute is to be deleted; that is left to the operator."""
        attribute = changes.get(ATTRIBUTES, item["attributeId"])
        if attribute is None:
            return accepted("AcceptResponseItem")
        date = read_moment(entry["deletionDate"])
        set_deletion_info_of_versions(
            changes, attribute, DeletionInfo(deletion_status="ToBeDeleted", deletion_date=date)
        )
        return accepted("DeleteAttributeAcceptResponseItem", deletionDate=date)

    def apply(self, changes: Changes, item: Json, answer: Json, request: RequestContext) -> None:
        """Remember what the peer said."""
        if answer.get("@type") == "DeleteAttributeAcceptResponseItem":
            self._record(changes, item, request, "ToBeDeletedByRecipient", answer["deletionDate"])
        elif answer.get("@type") in REJECTIONS:
            self._record(changes, item, request, "DeletionRequestRejected", changes.now)

    def _record(self, changes: Changes, item: Json, request: RequestContext, status: DeletionStatus, date: str) -> None:
        attribute = changes.get(ATTRIBUTES, item["attributeId"])
        if attribute is not None:
            info = DeletionInfo(deletion_status=status, deletion_date=date)
            set_deletion_info_for_peer(changes, attribute, request.peer, info)


def _recipient_has(view: View, attribute: LocalAttribute, recipient: str) -> bool:
    if attribute.kind == OWN_RELATIONSHIP and attribute.peer == recipient:
        return attribute.deletion_status not in GONE_AT_RECIPIENT
    return is_forwarded(view, attribute, recipient, exclude_to_be_deleted=True)
