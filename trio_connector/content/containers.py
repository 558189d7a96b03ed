"""What messages, relationship templates and relationships carry (content spec 11)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from trio_connector.content.attributes import AnyAttribute
from trio_connector.content.kinds import Text
from trio_connector.content.model import Content
from trio_connector.content.object_kinds import Item, ListOf
from trio_connector.content.requests import Request
from trio_connector.content.responses import Response
from trio_connector.content.rules import ADDRESS, ANY_JSON, Id, Metadata, Title, among, not_empty, text

_BODY_FORMAT = Text(rules=(among(("PlainText", "Markdown")),))
_SOURCE_TYPE = Text(allowed=("RelationshipTemplate", "Message"))


class Mail(Content):
    """A message for people."""

    to: Annotated[tuple[str, ...], ListOf(ADDRESS, (not_empty,))]
    cc: Annotated[tuple[str, ...], ListOf(ADDRESS)] = ()
    subject: Annotated[str, text(300)]
    body: Annotated[str, text(50000)]
    body_format: Annotated[Literal["PlainText", "Markdown"], _BODY_FORMAT] = "PlainText"

    @classmethod
    def _normalised(cls, value: Any) -> Any:
        if not isinstance(value, dict) or (value.get("cc", ()) is not None and value.get("bodyFormat", "") is not None):
            return value
        return {name: item for name, item in value.items() if item is not None or name not in ("cc", "bodyFormat")}


class ResponseWrapper(Content):
    """A response on its way, with where its request came from."""

    request_id: Id
    request_source_reference: Id
    request_source_type: Annotated[Literal["RelationshipTemplate", "Message"], _SOURCE_TYPE]
    response: Response


class ArbitraryMessageContent(Content):
    """Any JSON as content of a message."""

    value: Annotated[Any, ANY_JSON]


class ArbitraryRelationshipTemplateContent(Content):
    """Any JSON as content of a relationship template."""

    value: Annotated[Any, ANY_JSON]


class ArbitraryRelationshipCreationContent(Content):
    """Any JSON as creation content of a relationship."""

    value: Annotated[Any, ANY_JSON]


class RelationshipTemplateContent(Content):
    """The requests of a relationship template."""

    title: Title | None = None
    metadata: Metadata | None = None
    on_new_relationship: Request
    on_existing_relationship: Request | None = None


class RelationshipCreationContent(Content):
    """The response to a template's request."""

    response: Response


class NotificationItem(Content, abstract=True):
    """Something that happened to an attribute."""


class PeerAttributeSucceededNotificationItem(NotificationItem):
    """A shared attribute has a new version."""

    predecessor_id: Id
    successor_id: Id
    successor_content: AnyAttribute


class OwnAttributeDeletedByOwnerNotificationItem(NotificationItem):
    """The owner has deleted a shared attribute."""

    attribute_id: Id


class ForwardedAttributeDeletedByPeerNotificationItem(NotificationItem):
    """The peer has deleted its copy of a shared attribute."""

    attribute_id: Id


class PeerRelationshipAttributeDeletedByPeerNotificationItem(NotificationItem):
    """The peer has deleted a RelationshipAttribute that it held."""

    attribute_id: Id


class Notification(Content):
    """Tells a peer what happened."""

    id: Id
    items: Annotated[tuple[NotificationItem, ...], ListOf(Item((NotificationItem,), "NotificationItem"), (not_empty,))]


MESSAGE_CONTENTS = (Mail, Request, ResponseWrapper, Notification, ArbitraryMessageContent)
TEMPLATE_CONTENTS = (RelationshipTemplateContent, ArbitraryRelationshipTemplateContent)
CREATION_CONTENTS = (ArbitraryRelationshipCreationContent, RelationshipCreationContent)
