"""Core types that an ``@type`` can name, and the contents of tokens (content spec 1.9, 11; crypto spec 9.6).

They matter where somebody sends them in place of their plain form. The forms of keys and references belong to crypto;
here they are wrapped, so that `parse` knows them.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from trio_connector.content.kinds import Kind, Reader
from trio_connector.content.model import Content
from trio_connector.content.object_kinds import ListOf, Typed
from trio_connector.content.rules import LARGE_JSON, Date
from trio_connector.crypto import references, tokens
from trio_connector.crypto.objects import CryptoObject


class CoreId(Content):
    """An id."""

    PRINTED_ALONE = True
    id: str

    @classmethod
    def _normalised(cls, value: Any) -> Any:
        return {"id": value} if isinstance(value, str) else value

    def _alone(self, with_type: bool) -> Any:
        return self.id


class CoreAddress(Content):
    """The address of an identity."""

    PRINTED_ALONE = True
    address: str

    @classmethod
    def _normalised(cls, value: Any) -> Any:
        return {"address": value} if isinstance(value, str) else value

    def _alone(self, with_type: bool) -> Any:
        return self.address


class CoreDate(Content):
    """A date."""

    PRINTED_ALONE = True
    date: Date

    @classmethod
    def _normalised(cls, value: Any) -> Any:
        return {"date": value} if isinstance(value, (str, int, float)) else value

    def _alone(self, with_type: bool) -> Any:
        return self.date


class _CryptoForm(Kind):
    """The whole JSON of a crypto object."""

    def read(self, owner: str, name: str, value: Any, reader: Reader) -> CryptoObject:
        return _FORMS[owner].from_json(value)


class CryptoContent(Content, abstract=True):
    """Content whose members crypto reads and prints; ``form`` is the crypto object."""

    PRINTED_ALONE: ClassVar[bool] = True
    form: Annotated[CryptoObject, _CryptoForm()]

    @classmethod
    def _normalised(cls, value: Any) -> Any:
        return {"form": value}

    def _alone(self, with_type: bool) -> Any:
        return self.form.to_json(with_type)


class Reference(CryptoContent):
    """A reference to anything."""


class FileReference(CryptoContent):
    """A reference to a file."""


class TokenReference(CryptoContent):
    """A reference to a token."""


class RelationshipTemplateReference(CryptoContent):
    """A reference to a relationship template."""


class TokenContentFile(CryptoContent):
    """Token content: a reference to a file."""


class TokenContentRelationshipTemplate(CryptoContent):
    """Token content: a reference to a relationship template."""


class TokenContentDeviceSharedSecret(CryptoContent):
    """Token content: what a new device needs, also as recovery kit."""


class DeviceSharedSecret(CryptoContent):
    """What a new device needs."""


_FORMS: dict[str, type[CryptoObject]] = {
    "Reference": references.Reference,
    "FileReference": references.FileReference,
    "TokenReference": references.TokenReference,
    "RelationshipTemplateReference": references.RelationshipTemplateReference,
    "TokenContentFile": tokens.TokenContentFile,
    "TokenContentRelationshipTemplate": tokens.TokenContentRelationshipTemplate,
    "TokenContentDeviceSharedSecret": tokens.TokenContentDeviceSharedSecret,
    "DeviceSharedSecret": tokens.DeviceSharedSecret,
}


class TokenContentVerifiablePresentation(Content):
    """Token content: a presentation of a credential."""

    value: Annotated[Any, LARGE_JSON]
    type: str | None = None
    display_information: Annotated[tuple[Content, ...], ListOf(Typed())] | None = None
