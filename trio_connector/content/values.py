"""What all attribute values share, and the shapes that many of them have (content spec 4)."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from trio_connector.content import hints
from trio_connector.content.codes import COUNTRIES, LANGUAGES
from trio_connector.content.hints import Hints
from trio_connector.content.kinds import Text
from trio_connector.content.model import Content
from trio_connector.content.rules import EMAIL, HEX_COLOR, PHONE_NUMBER, URL, among, text

_IDENTITY_VALUE_NAMES_TEXT = """
    Affiliation BankAccount BirthDate BirthName BirthPlace Citizenship CommunicationLanguage DeliveryBoxAddress
    DisplayName EMailAddress FaxNumber GivenName HonorificPrefix HonorificSuffix IdentityFileReference JobTitle
    Nationality MaritalStatus MiddleName PhoneNumber PostOfficeBoxAddress Pseudonym SchematizedJSON Sex
    StreetAddress Surname VerifiableCredential Website SchematizedXML
"""
IDENTITY_VALUE_NAMES: tuple[str, ...] = tuple(_IDENTITY_VALUE_NAMES_TEXT.split())
"""The types that an IdentityAttribute may have as value, in the order of ``must be one of:`` lists."""

_IDENTITY_VALUE_UNION_TEXT = """
    Affiliation BankAccount BirthDate BirthName BirthPlace Citizenship CommunicationLanguage DeliveryBoxAddress
    DisplayName EMailAddress FaxNumber GivenName HonorificPrefix HonorificSuffix IdentityFileReference JobTitle
    MaritalStatus MiddleName Nationality PhoneNumber PostOfficeBoxAddress Pseudonym SchematizedJSON Sex
    StreetAddress Surname VerifiableCredential Website SchematizedXML
"""
IDENTITY_VALUE_UNION: tuple[str, ...] = tuple(_IDENTITY_VALUE_UNION_TEXT.split())
"""The same types in the order of ``allowed types`` lists."""

_RELATIONSHIP_VALUE_NAMES_TEXT = """
    ProprietaryBoolean ProprietaryCountry ProprietaryEMailAddress ProprietaryFileReference ProprietaryFloat
    ProprietaryHEXColor ProprietaryInteger ProprietaryLanguage ProprietaryPhoneNumber ProprietaryString
    ProprietaryURL ProprietaryJSON ProprietaryXML Consent
"""
RELATIONSHIP_VALUE_NAMES: tuple[str, ...] = tuple(_RELATIONSHIP_VALUE_NAMES_TEXT.split())
"""The types that a RelationshipAttribute may have as value."""

UNEDITABLE_VALUE_NAMES = frozenset({"SchematizedXML"})
"""Identity values that a user cannot enter."""

COUNTRY_CODE = Text(rules=(among(COUNTRIES),))
LANGUAGE_CODE = Text(min_length=2, max_length=2, rules=(among(LANGUAGES),))
EMAIL_TEXT = text(254, 3, EMAIL)
PHONE_TEXT = text(100, 3, PHONE_NUMBER)
URL_TEXT = text(1024, 3, URL)
FILE_TEXT = text(150, 30)
COLOR_TEXT = text(9, 4, HEX_COLOR)
XML_TEXT = text(50000)

EMAIL_HINTS = Hints("String", data_type="EMailAddress", min=3, max=254, pattern=EMAIL.source.replace("/", "\\/"))
PHONE_HINTS = Hints("String", data_type="PhoneNumber", min=3, max=100, pattern=PHONE_NUMBER.source)
URL_HINTS = Hints("String", data_type="URL", min=3, max=1024, pattern=URL.source)
FILE_HINTS = Hints("String", "SelectLike", "FileReference", 30, 150)
COLOR_HINTS = Hints("String", data_type="HEXColor", min=4, max=9, pattern=f"{HEX_COLOR.source}/i")
XML_HINTS = Hints("String", data_type="XML", max=50000)
JSON_HINTS = Hints("Json", "TextArea")
UNKNOWN_HINTS = Hints("Unknown", "TextArea")


class AttributeValue(Content, abstract=True):
    """The value of an attribute, or a part of one."""

    HINTS: ClassVar[Hints] = UNKNOWN_HINTS


class SingleValue(AttributeValue, abstract=True):
    """A value class with one member ``value``; it may also come as the bare primitive."""

    @classmethod
    def _normalised(cls, value: Any) -> Any:
        return value if value is None or isinstance(value, (dict, list)) else {"value": value}


class TextValue(SingleValue, abstract=True):
    """A line of at most 100 code units."""

    HINTS = hints.LINE
    value: Annotated[str, text(100)]


class CountryValue(SingleValue, abstract=True):
    """A country code."""

    HINTS = hints.COUNTRY
    value: Annotated[str, COUNTRY_CODE]


class PhoneValue(SingleValue, abstract=True):
    """A telephone number."""

    HINTS = PHONE_HINTS
    value: Annotated[str, PHONE_TEXT]
