"""Requests and their items (content spec 9)."""

from __future__ import annotations

from typing import Annotated, Any

from trio_connector.content.attributes import (
    AnyAttribute,
    IdentityAttribute,
    IdentityAttributeQuery,
    IQLQuery,
    RelationshipAttribute,
    RelationshipAttributeQuery,
    ThirdPartyRelationshipAttributeQuery,
)
from trio_connector.content.form_fields import FORM_FIELD_SETTINGS, FormFieldSettings
from trio_connector.content.kinds import Kind, Reader
from trio_connector.content.model import Content, Named
from trio_connector.content.object_kinds import Item, ListOf, OneOf
from trio_connector.content.relationship_values import lonely_link_text
from trio_connector.content.rules import (
    CONSENT_LINK,
    Address,
    Date,
    Description,
    Id,
    Metadata,
    Title,
    not_empty,
    text,
)
from trio_connector.crypto.references import FileReference as FileReferenceValue

_READ_QUERIES = OneOf(
    ("IdentityAttributeQuery", "RelationshipAttributeQuery", "ThirdPartyRelationshipAttributeQuery", "IQLQuery")
)
_PROPOSE_QUERIES = OneOf(("IdentityAttributeQuery", "RelationshipAttributeQuery", "IQLQuery"))


class _TruncatedFileReference(Kind):
    """A file reference, truncated or as URL; stored and printed in the truncated form of five parts."""

    label = "FileReference"

    def read(self, owner: str, name: str, value: Any, reader: Reader) -> str:
        if isinstance(value, str):
            return FileReferenceValue.of_text(value).truncated()
        return FileReferenceValue.from_json(value).truncated()


class RequestItem(Content, abstract=True):
    """Something that is asked for."""

    description: Description | None = None
    must_be_accepted: bool
    metadata: Metadata | None = None


class AuthenticationRequestItem(RequestItem):
    """Asks for the confirmation that it is really the user who acts."""

    title: Title


class ConsentRequestItem(RequestItem):
    """Asks for a consent."""

    consent: Annotated[str, text(10000)]
    link: Annotated[str, text(1024, 3, CONSENT_LINK)] | None = None
    link_display_text: Annotated[str, text(30, 3)] | None = None
    requires_interaction: bool | None = None

    def _problem(self, reader: Reader) -> str | None:
        return lonely_link_text(self)


class CreateAttributeRequestItem(RequestItem):
    """Asks to store an attribute."""

    attribute: Annotated[
        IdentityAttribute | RelationshipAttribute, OneOf(("RelationshipAttribute", "IdentityAttribute"))
    ]


class DeleteAttributeRequestItem(RequestItem):
    """Asks to delete an attribute that the sender has shared."""

    attribute_id: Id


class FormFieldRequestItem(RequestItem):
    """Asks a question."""

    title: Title
    settings: Annotated[FormFieldSettings, OneOf(FORM_FIELD_SETTINGS)]


class ProposeAttributeRequestItem(RequestItem):
    """Asks to create an attribute, with a proposal."""

    query: Annotated[IdentityAttributeQuery | RelationshipAttributeQuery | IQLQuery, _PROPOSE_QUERIES]
    attribute: AnyAttribute

    def _problem(self, reader: Reader) -> str | None:
        query, proposed = self.query, self.attribute.value.type_name
        if isinstance(self.attribute, RelationshipAttribute) != isinstance(query, RelationshipAttributeQuery):
            if isinstance(self.attribute, RelationshipAttribute):
                return (
                    "ProposeAttributeRequestItem. :: When proposing a RelationshipAttribute, "
                    "the corresponding query has to be a RelationshipAttributeQuery."
                )
            return (
                "ProposeAttributeRequestItem. :: When proposing an IdentityAttribute, "
                "the corresponding query has to be a IdentityAttributeQuery or IQLQuery."
            )
        if isinstance(query, IdentityAttributeQuery):
            member, queried = "query.valueType", query.value_type
        elif query.attribute_creation_hints is not None:
            member, queried = "query.attributeCreationHints.valueType", query.attribute_creation_hints.value_type
        else:
            return None
        if queried == proposed:
            return None
        return (
            f"ProposeAttributeRequestItem.{member} :: You cannot propose an Attribute whose type of the value "
            f"('{proposed}') is different from the value type of the query ('{queried}')."
        )


class ReadAttributeRequestItem(RequestItem):
    """Asks to share an attribute."""

    query: Annotated[
        IdentityAttributeQuery | RelationshipAttributeQuery | ThirdPartyRelationshipAttributeQuery | IQLQuery,
        _READ_QUERIES,
    ]


class ShareAttributeRequestItem(RequestItem):
    """Shares an attribute of the sender; ``initialAttributePeer`` is where the sender has it from."""

    attribute: AnyAttribute
    attribute_id: Id
    initial_attribute_peer: Annotated[Address, Named("initialAttributePeer", former="thirdPartyAddress")] | None = None


class ShareAuthorizationRequestRequestItem(RequestItem):
    """Passes on an OpenID4VP authorisation request."""

    authorization_request_url: str


class ShareCredentialOfferRequestItem(RequestItem):
    """Passes on an OpenID4VCI credential offer."""

    credential_offer_url: str


class TransferFileOwnershipRequestItem(RequestItem):
    """Hands a file over; ``fileReference`` is a truncated reference, a secret."""

    file_reference: Annotated[str, _TruncatedFileReference()]
    ownership_token: str

    def __repr__(self) -> str:
        return "TransferFileOwnershipRequestItem(...)"  # the reference opens the file


class RequestItemGroup(Content):
    """Items that belong together."""

    title: Title | None = None
    description: Description | None = None
    items: Annotated[tuple[RequestItem, ...], ListOf(Item((RequestItem,)), (not_empty,))]
    metadata: Metadata | None = None


class Request(Content):
    """Asks an identity for something; ``id`` is absent until it is created."""

    id: Id | None = None
    expires_at: Date | None = None
    items: Annotated[
        tuple[RequestItem | RequestItemGroup, ...], ListOf(Item((RequestItemGroup, RequestItem)), (not_empty,))
    ]
    title: Title | None = None
    description: Description | None = None
    metadata: Metadata | None = None
