"""What the runtime layer demands of a message before it is sent (runtime spec 5.5, steps 2 to 4). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trio_connector.domain.message import (
    has_neither_active_nor_terminated_relationship,
    peer_is_deleted,
    quoted,
)
from trio_connector.domain.relationship import Relationship
from trio_connector.errors import ConnectorError, ValidationFailed


def wrong_content() -> ValidationFailed:
    """Only these contents travel in messages."""
    return ValidationFailed(
        "The content of a Message must either be a Mail, Request, ResponseWrapper, Notification or an "
        "ArbitraryMessageContent."
    )


def check_reachable(relationships: Mapping[str, Relationship | None], content_type: str) -> None:
    """Refuse recipients who cannot receive this kind of content; notifications may go further than the rest.

    ``relationships`` maps every recipient, in order, to its newest relationship. Raises ConnectorError.
    """
    not_active: list[str] = []
    unreachable: list[str] = []
    in_deletion: list[str] = []
    deleted: list[str] = []
    for address, relationship in relationships.items():
        if relationship is None or relationship.status != "Active":
            not_active.append(address)
            if relationship is None or relationship.status != "Terminated":
                unreachable.append(address)
        elif relationship.peer_deletion_info is not None:
            status = relationship.peer_deletion_info.deletion_status
            (in_deletion if status == "ToBeDeleted" else deleted).append(address)
    if content_type != "Notification":
        if not_active:
            raise ConnectorError(
                "error.runtime.messages.hasNoActiveRelationship",
                "The Message cannot be sent as there is no active Relationship to the recipient(s) with the following "
                f"address(es): {quoted(not_active)}. However, please note that Messages whose content is a "
                "Notification can be sent on terminated Relationships as well.",
            )
        if in_deletion:
            raise ConnectorError(
                "error.runtime.messages.peerIsInDeletion",
                "The Message cannot be sent as the recipient(s) with the following address(es) being in deletion: "
                f"{quoted(in_deletion)}. However, please note that Messages whose content is a Notification can be "
                "sent to recipients in deletion.",
            )
    if unreachable:
        raise has_neither_active_nor_terminated_relationship(unreachable)
    if deleted:
        raise peer_is_deleted(deleted)


def check_mail_recipients(to: Sequence[str], cc: Sequence[str], recipients: Sequence[str]) -> None:
    """Refuse a mail whose ``to`` and ``cc`` do not name exactly the recipients of the message, each once."""
    if len(set(cc)) < len(cc):
        raise ValidationFailed("Some recipients in 'cc' are listed multiple times.")
    if len(set(to)) < len(to):
        raise ValidationFailed("Some recipients in 'to' are listed multiple times.")
    both = [address for address in to if address in set(cc)]
    if both:
        raise ValidationFailed(f"The recipients {quoted(both)} are put into both 'to' and 'cc'.")
    named = [*to, *cc]
    unmatched = [address for address in recipients if address not in named]
    unmatched += [address for address in named if address not in recipients]
    if unmatched:
        raise ValidationFailed(
            f"The identities {quoted(unmatched)} are not listed among both the Message recipients and the recipients "
            "in 'to'/'cc'."
        )


def check_single_recipient(recipients: Sequence[Any]) -> None:
    """A request is addressed to one peer."""
    if len(recipients) != 1:
        raise ValidationFailed("Only one recipient is allowed for sending Requests.")


def file_not_found_in_message(file_id: str) -> ConnectorError:
    """The message has no such attachment."""
    return ConnectorError(
        "error.runtime.messages.fileNotFoundInMessage",
        f"The requested File '{file_id}' was not found in the given Message.",
    )
