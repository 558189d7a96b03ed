"""Typed content: what messages, templates, relationships and tokens carry (content spec).

::

    from trio_connector.content import Mail, Request, UnknownType, parse, parse_as, to_json

    mail = parse({"@type": "Mail", "to": ["did:e:..."], "subject": "Hello", "body": "Text"})
    mail.type_name                    # "Mail", also mail["@type"]
    mail["bodyFormat"]                # any member by its JSON name
    isinstance(mail, Mail) and mail.body_format   # typed: JSON names in snake case
    to_json(mail)                     # {"@type": "Mail", "body": ..., "cc": [], ...}: canonical dict
    to_text(mail)                     # the same as JSON text, to compare or to sign
    to_wire(mail)                     # for a peer: with former names that older versions need

    request = parse_as(Request, json_without_type)          # the class is known from the position
    request = msgspec.structs.replace(request, id="REQ...")  # contents are frozen; copies are not checked again
    for item in request.items:                              # RequestItem or RequestItemGroup
        match item:
            case ReadAttributeRequestItem(query=IdentityAttributeQuery(value_type=value_type)): ...

    IdentityAttribute(owner="did:e:...", value=value)       # made by hand: not checked either

Absent optional members are ``None``, arrays are tuples, dates are ISO strings in UTC, ids and addresses strings, the
parts of complex values plain strings and numbers. Refusals carry the official texts: `DeserializationError`,
`UnknownType`, `StructureRefused`, `UnexpectedCondition` (unreadable dates). JSON without ``@type`` is kept in a
`JSONWrapper`. Pass ``now=`` to `parse` where a user enters values: only then a birth date in the future is refused.
`hints` tells how a value type is entered; ``iql.py`` evaluates queries.
"""

from __future__ import annotations

from trio_connector.content import statements as _statements
from trio_connector.content.attributes import (
    Attribute,
    AttributeQuery,
    IdentityAttribute,
    IdentityAttributeQuery,
    IQLQuery,
    IQLQueryCreationHints,
    RelationshipAttribute,
    RelationshipAttributeCreationHints,
    RelationshipAttributeQuery,
    ThirdPartyRelationshipAttributeQuery,
)
from trio_connector.content.containers import (
    CREATION_CONTENTS,
    MESSAGE_CONTENTS,
    TEMPLATE_CONTENTS,
    ArbitraryMessageContent,
    ArbitraryRelationshipCreationContent,
    ArbitraryRelationshipTemplateContent,
    ForwardedAttributeDeletedByPeerNotificationItem,
    Mail,
    Notification,
    NotificationItem,
    OwnAttributeDeletedByOwnerNotificationItem,
    PeerAttributeSucceededNotificationItem,
    PeerRelationshipAttributeDeletedByPeerNotificationItem,
    RelationshipCreationContent,
    RelationshipTemplateContent,
    ResponseWrapper,
)
from trio_connector.content.core_types import (
    CryptoContent,
    TokenContentDeviceSharedSecret,
    TokenContentFile,
    TokenContentRelationshipTemplate,
    TokenContentVerifiablePresentation,
)
from trio_connector.content.form_fields import FormFieldSettings
from trio_connector.content.hints import Hints
from trio_connector.content.identity_values import IdentityFileReference, VerifiableCredential
from trio_connector.content.model import Content, JSONWrapper
from trio_connector.content.reading import class_of, parse, parse_as
from trio_connector.content.refusals import StructureRefused, refused
from trio_connector.content.relationship_values import Consent, Proprietary
from trio_connector.content.requests import (
    AuthenticationRequestItem,
    ConsentRequestItem,
    CreateAttributeRequestItem,
    DeleteAttributeRequestItem,
    FormFieldRequestItem,
    ProposeAttributeRequestItem,
    ReadAttributeRequestItem,
    Request,
    RequestItem,
    RequestItemGroup,
    ShareAttributeRequestItem,
    ShareAuthorizationRequestRequestItem,
    ShareCredentialOfferRequestItem,
    TransferFileOwnershipRequestItem,
)
from trio_connector.content.responses import (
    AcceptResponseItem,
    AttributeAlreadySharedAcceptResponseItem,
    AttributeSuccessionAcceptResponseItem,
    CreateAttributeAcceptResponseItem,
    DeleteAttributeAcceptResponseItem,
    ErrorResponseItem,
    FormFieldAcceptResponseItem,
    ProposeAttributeAcceptResponseItem,
    ReadAttributeAcceptResponseItem,
    RejectResponseItem,
    Response,
    ResponseItem,
    ResponseItemGroup,
    TransferFileOwnershipAcceptResponseItem,
)
from trio_connector.content.value_hints import hints
from trio_connector.content.values import (
    IDENTITY_VALUE_NAMES,
    RELATIONSHIP_VALUE_NAMES,
    UNEDITABLE_VALUE_NAMES,
    AttributeValue,
)
from trio_connector.content.writing import to_json, to_text, to_wire
from trio_connector.errors import DeserializationError, UnknownType

_KNOWN_BY_TYPE_ONLY = (_statements,)  # importing the module registers its classes

__all__ = [
    "CREATION_CONTENTS",
    "IDENTITY_VALUE_NAMES",
    "MESSAGE_CONTENTS",
    "RELATIONSHIP_VALUE_NAMES",
    "TEMPLATE_CONTENTS",
    "UNEDITABLE_VALUE_NAMES",
    "AcceptResponseItem",
    "ArbitraryMessageContent",
    "ArbitraryRelationshipCreationContent",
    "ArbitraryRelationshipTemplateContent",
    "Attribute",
    "AttributeAlreadySharedAcceptResponseItem",
    "AttributeQuery",
    "AttributeSuccessionAcceptResponseItem",
    "AttributeValue",
    "AuthenticationRequestItem",
    "Consent",
    "ConsentRequestItem",
    "Content",
    "CreateAttributeAcceptResponseItem",
    "CreateAttributeRequestItem",
    "CryptoContent",
    "DeleteAttributeAcceptResponseItem",
    "DeleteAttributeRequestItem",
    "DeserializationError",
    "ErrorResponseItem",
    "FormFieldAcceptResponseItem",
    "FormFieldRequestItem",
    "FormFieldSettings",
    "ForwardedAttributeDeletedByPeerNotificationItem",
    "Hints",
    "IQLQuery",
    "IQLQueryCreationHints",
    "IdentityAttribute",
    "IdentityAttributeQuery",
    "IdentityFileReference",
    "JSONWrapper",
    "Mail",
    "Notification",
    "NotificationItem",
    "OwnAttributeDeletedByOwnerNotificationItem",
    "PeerAttributeSucceededNotificationItem",
    "PeerRelationshipAttributeDeletedByPeerNotificationItem",
    "ProposeAttributeAcceptResponseItem",
    "ProposeAttributeRequestItem",
    "Proprietary",
    "ReadAttributeAcceptResponseItem",
    "ReadAttributeRequestItem",
    "RejectResponseItem",
    "RelationshipAttribute",
    "RelationshipAttributeCreationHints",
    "RelationshipAttributeQuery",
    "RelationshipCreationContent",
    "RelationshipTemplateContent",
    "Request",
    "RequestItem",
    "RequestItemGroup",
    "Response",
    "ResponseItem",
    "ResponseItemGroup",
    "ResponseWrapper",
    "ShareAttributeRequestItem",
    "ShareAuthorizationRequestRequestItem",
    "ShareCredentialOfferRequestItem",
    "StructureRefused",
    "ThirdPartyRelationshipAttributeQuery",
    "TokenContentDeviceSharedSecret",
    "TokenContentFile",
    "TokenContentRelationshipTemplate",
    "TokenContentVerifiablePresentation",
    "TransferFileOwnershipAcceptResponseItem",
    "TransferFileOwnershipRequestItem",
    "UnknownType",
    "VerifiableCredential",
    "class_of",
    "hints",
    "parse",
    "parse_as",
    "refused",
    "to_json",
    "to_text",
    "to_wire",
]
