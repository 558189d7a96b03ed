"""The 14 values a RelationshipAttribute can have (content spec 4.2)."""

from __future__ import annotations

from typing import Annotated, Any

from trio_connector.content import hints
from trio_connector.content.hints import Hints, ValueHintsOverride
from trio_connector.content.kinds import Number, Reader
from trio_connector.content.model import Named
from trio_connector.content.object_kinds import Nested
from trio_connector.content.rules import CONSENT_LINK, SMALL_JSON, SchemaUrl, integer, text
from trio_connector.content.values import (
    COLOR_HINTS,
    COLOR_TEXT,
    COUNTRY_CODE,
    EMAIL_HINTS,
    EMAIL_TEXT,
    FILE_HINTS,
    FILE_TEXT,
    JSON_HINTS,
    LANGUAGE_CODE,
    PHONE_HINTS,
    PHONE_TEXT,
    URL_HINTS,
    URL_TEXT,
    XML_HINTS,
    XML_TEXT,
    AttributeValue,
)

ProprietaryTitle = Annotated[str, text(100)]
ProprietaryDescription = Annotated[str, text(1000)]
Override = Annotated[ValueHintsOverride, Nested(ValueHintsOverride, with_type=True)]


class Proprietary(AttributeValue, abstract=True):
    """A value whose meaning its ``title`` and ``description`` tell."""

    INHERITED_FIRST = True
    title: ProprietaryTitle
    description: ProprietaryDescription | None = None
    value_hints_override: Override | None = None


class ProprietaryBoolean(Proprietary):
    """Yes or no."""

    HINTS = Hints("Boolean")
    value: bool


class ProprietaryInteger(Proprietary):
    """An integer."""

    HINTS = Hints("Integer", "ButtonLike")
    value: Annotated[int, Number(rules=(integer,))]


class ProprietaryFloat(Proprietary):
    """A number."""

    HINTS = Hints("Float", "ButtonLike")
    value: Annotated[float, Number()]


class ProprietaryString(Proprietary):
    """A line of text."""

    HINTS = hints.LINE
    value: Annotated[str, text(100)]


class ProprietaryCountry(Proprietary):
    """A country."""

    HINTS = hints.COUNTRY
    value: Annotated[str, COUNTRY_CODE]


class ProprietaryLanguage(Proprietary):
    """A language."""

    HINTS = hints.LANGUAGE
    value: Annotated[str, LANGUAGE_CODE]


class ProprietaryEMailAddress(Proprietary):
    """An e-mail address."""

    HINTS = EMAIL_HINTS
    value: Annotated[str, EMAIL_TEXT]


class ProprietaryPhoneNumber(Proprietary):
    """A telephone number."""

    HINTS = PHONE_HINTS
    value: Annotated[str, PHONE_TEXT]


class ProprietaryURL(Proprietary):
    """A web address."""

    HINTS = URL_HINTS
    value: Annotated[str, URL_TEXT]


class ProprietaryFileReference(Proprietary):
    """The truncated reference of a file; not read as a reference here."""

    HINTS = FILE_HINTS
    value: Annotated[str, FILE_TEXT]


class ProprietaryHEXColor(Proprietary):
    """A colour, ``#abc`` or ``#aabbcc``."""

    HINTS = COLOR_HINTS
    value: Annotated[str, COLOR_TEXT]


class ProprietaryXML(AttributeValue):
    """XML; not checked for well-formedness."""

    HINTS = XML_HINTS
    title: ProprietaryTitle
    description: ProprietaryDescription | None = None
    schema_url: Annotated[SchemaUrl, Named("schemaURL")] | None = None
    value_hints_override: Override | None = None
    value: Annotated[str, XML_TEXT]


class ProprietaryJSON(AttributeValue):
    """Any JSON but ``null``."""

    HINTS = JSON_HINTS
    title: ProprietaryTitle
    description: ProprietaryDescription | None = None
    value: Annotated[Any, SMALL_JSON]


class Consent(AttributeValue):
    """A consent that somebody has given."""

    HINTS = Hints(
        "Object",
        "Complex",
        parts={
            "consent": Hints("String", "TextArea", max=10000),
            "link": Hints("String", data_type="URL", min=3, max=1024),
            "linkDisplayText": Hints(min=3, max=30),
        },
    )
    consent: Annotated[str, text(10000)]
    link: Annotated[str, text(1024, 3, CONSENT_LINK)] | None = None
    link_display_text: Annotated[str, text(30, 3)] | None = None

    def _problem(self, reader: Reader) -> str | None:
        return lonely_link_text(self)


def lonely_link_text(consent: Any) -> str | None:
    """A ``linkDisplayText`` needs a ``link`` (Consent, ConsentRequestItem)."""
    if consent.link_display_text is not None and consent.link is None:
        return f"{consent.type_name}.linkDisplayText :: A linkDisplayText can only be defined if a link is defined too."
    return None
