"""What a processor of request items can do, and what most of them do (consumption spec section 2). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from trio_connector.domain.changes import Changes, View
from trio_connector.domain.file import File
from trio_connector.domain.identity import Json
from trio_connector.errors import ConnectorError, CoreError

REJECTIONS = frozenset({"RejectResponseItem", "ErrorResponseItem"})
"""Answers that accept nothing; an ErrorResponseItem, which nobody creates, counts as a rejection."""


@dataclass(frozen=True)
class FileFacts:
    """What had to be asked of the Backbone about a file that is to change hands.

    ``file`` is the local record, None when there is no such file. ``token_is_valid`` is the Backbone's word on the
    ownership token. ``claimed`` means that we already own it *because of this request*.
    """

    file: File | None
    token_is_valid: bool = False
    claimed: bool = False
    truncated_reference: str = ""
    """The reference by which we share the file once it is ours."""


@dataclass(frozen=True)
class RequestContext:
    """The request an item belongs to: its id, the other side, and what was asked about files, by file id."""

    id: str
    peer: str
    files: Mapping[str, FileFacts] = field(default_factory=dict)


class ItemProcessor:
    """The generic behaviour, which is all that Authentication- and ConsentRequestItems need."""

    def can_create(
        self, view: View, item: Json, recipient: str | None, files: Mapping[str, FileFacts]
    ) -> ConnectorError | None:
        """Why we must not ask this, or None. ``recipient`` is unknown for requests in templates."""
        return None

    def on_sent(self, changes: Changes, item: Json, request: RequestContext) -> None:
        """Record that the request with this item was sent."""

    def can_accept(self, view: View, item: Json, entry: Json, request: RequestContext) -> ConnectorError | None:
        """Why the item cannot be accepted with the parameters ``entry``, or None."""
        return None

    def resolved(self, item: Json, recipient: str) -> Json:
        """The item as it stays in the request once accepted by ``recipient``."""
        return item

    def accept(self, changes: Changes, item: Json, entry: Json, request: RequestContext) -> Json:
        """Do what was asked; the response item."""
        return {"@type": "AcceptResponseItem", "result": "Accepted"}

    def reject(self, entry: Json) -> Json:
        """The response item of a rejection."""
        answer: Json = {"@type": "RejectResponseItem"}
        answer.update({name: entry[name] for name in ("code", "message") if entry.get(name) is not None})
        return {**answer, "result": "Rejected"}

    def apply(self, changes: Changes, item: Json, answer: Json, request: RequestContext) -> None:
        """Record what the peer answered."""


def invalid_request_item(reason: str) -> CoreError:
    """The item cannot be asked, or not be accepted at all."""
    return CoreError("error.consumption.requests.invalidRequestItem", reason)


def invalid_accept_parameters(message: str) -> ConnectorError:
    """The item cannot be accepted like this."""
    return ConnectorError("error.consumption.requests.invalidAcceptParameters", message)


def query_mismatch(reason: str) -> CoreError:
    """The attribute is not what was asked for."""
    return CoreError("error.consumption.requests.attributeQueryMismatch", reason)


def pending_relationship() -> CoreError:
    """Attributes of a relationship that does not stand yet are not shared."""
    return CoreError(
        "error.consumption.requests.cannotShareRelationshipAttributeOfPendingRelationship",
        "The provided RelationshipAttribute exists in the context of a pending Relationship and therefore cannot be "
        "shared.",
    )


def accepted(type_name: str, **members: object) -> Json:
    """A response item of an acceptance; members that are None are left out."""
    given = {name: value for name, value in members.items() if value is not None}
    return {"@type": type_name, **given, "result": "Accepted"}
