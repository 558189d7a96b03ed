"""What the values of identity and relationship attributes look like as JSON (runtime spec 2.3).

These shapes are only what inputs are checked against first; what a value means, and its finer rules, belong to
``content``.
"""

from __future__ import annotations

from typing import Final

from trio_connector.usecases.validation.schema import (
    AnyOf,
    Choice,
    Constant,
    ListOf,
    Named,
    Scalar,
    Schema,
    Shape,
    any_of,
)
from trio_connector.usecases.validation.types import ANYTHING, BOOLEAN, NUMBER, OPEN_OBJECT, TEXT, TEXTS

_FRAME: Final[dict[str, Schema]] = {"@context?": TEXT, "@version?": TEXT}


def _value(type_name: str, **members: Schema) -> Shape:
    """A closed shape of ``@type`` and ``members``; a trailing underscore marks an optional one.

    Missing members are reported in alphabetical order.
    """
    named = {f"{name[:-1]}?" if name.endswith("_") else name: schema for name, schema in members.items()}
    required = tuple(sorted(name for name in named if not name.endswith("?")))
    return Shape({"@type": Constant(type_name), **_FRAME, **named}, required=("@type", *required))


def _string(type_name: str) -> Shape:
    return _value(type_name, value=TEXT)


_CACHED_IMAGES: Final = Shape(
    {
        "@type": Constant("DisplayInformationCachedImages"),
        **_FRAME,
        "locale?": TEXT,
        "logo?": TEXT,
        "backgroundImage?": TEXT,
    }
)

IDENTITY_VALUES: Final[dict[str, Shape]] = {
    "Affiliation": _value("Affiliation", organization=TEXT, role_=TEXT, unit_=TEXT),
    "BankAccount": _value("BankAccount", accountHolder=TEXT, iban=TEXT, bic_=TEXT),
    "BirthDate": _value("BirthDate", day=NUMBER, month=NUMBER, year=NUMBER),
    "BirthName": _string("BirthName"),
    "BirthPlace": _value("BirthPlace", city=TEXT, country=TEXT, state_=TEXT),
    "Citizenship": _string("Citizenship"),
    "CommunicationLanguage": _string("CommunicationLanguage"),
    "DeliveryBoxAddress": _value(
        "DeliveryBoxAddress",
        recipient=TEXT,
        userId=TEXT,
        deliveryBoxId=TEXT,
        zipCode=TEXT,
        city=TEXT,
        country=TEXT,
        phoneNumber_=TEXT,
        state_=TEXT,
    ),
    "DisplayName": _string("DisplayName"),
    "EMailAddress": _string("EMailAddress"),
    "FaxNumber": _string("FaxNumber"),
    "GivenName": _string("GivenName"),
    "HonorificPrefix": _string("HonorificPrefix"),
    "HonorificSuffix": _string("HonorificSuffix"),
    "IdentityFileReference": _string("IdentityFileReference"),
    "JobTitle": _string("JobTitle"),
    "MaritalStatus": _string("MaritalStatus"),
    "MiddleName": _string("MiddleName"),
    "Nationality": _string("Nationality"),
    "PhoneNumber": _string("PhoneNumber"),
    "PostOfficeBoxAddress": _value(
        "PostOfficeBoxAddress",
        recipient=TEXT,
        boxId=TEXT,
        zipCode=TEXT,
        city=TEXT,
        country=TEXT,
        state_=TEXT,
    ),
    "Pseudonym": _string("Pseudonym"),
    "SchematizedJSON": _value("SchematizedJSON", value=ANYTHING, schemaURL_=TEXT),
    "Sex": _string("Sex"),
    "StreetAddress": _value(
        "StreetAddress",
        recipient=TEXT,
        street=TEXT,
        houseNo=TEXT,
        zipCode=TEXT,
        city=TEXT,
        country=TEXT,
        state_=TEXT,
    ),
    "Surname": _string("Surname"),
    "VerifiableCredential": _value(
        "VerifiableCredential",
        value=any_of(TEXT, OPEN_OBJECT),
        type=TEXT,
        displayInformation_=ListOf(OPEN_OBJECT),
        displayInformationCachedImages_=ListOf(_CACHED_IMAGES),
    ),
    "Website": _string("Website"),
    "SchematizedXML": _value("SchematizedXML", value=TEXT, schemaURL_=TEXT),
}

IDENTITY_VALUE: Final = Named("IdentityAttributeValue", lambda: _ANY_IDENTITY_VALUE)
_ANY_IDENTITY_VALUE: Final[Schema] = AnyOf(
    tuple(Named(type_name, lambda shape=shape: shape) for type_name, shape in IDENTITY_VALUES.items())  # type: ignore[misc]  # mypy does not infer lambda defaults
)

_HINT_VALUES: Final = ListOf(Shape({"key": Scalar(), "displayName": TEXT}))
_HINTS: Final[dict[str, Schema]] = {
    "editHelp?": TEXT,
    "min?": NUMBER,
    "max?": NUMBER,
    "pattern?": TEXT,
    "values?": _HINT_VALUES,
    "defaultValue?": Scalar(),
    "propertyHints?": Shape({}, open_=True, of_more=Named("ValueHints", lambda: _VALUE_HINTS)),
}
_VALUE_HINTS: Final[Schema] = Shape({"@type": Constant("ValueHints"), **_FRAME, **_HINTS})
_VALUE_HINTS_OVERRIDE: Final = Shape({"@type?": Constant("ValueHints"), **_HINTS, **_FRAME})


def _proprietary(type_name: str, value: Schema, **more: Schema) -> Shape:
    return _value(
        type_name, value=value, title=TEXT, description_=TEXT, valueHintsOverride_=_VALUE_HINTS_OVERRIDE, **more
    )


RELATIONSHIP_VALUES: Final[dict[str, Shape]] = {
    "ProprietaryBoolean": _proprietary("ProprietaryBoolean", BOOLEAN),
    "ProprietaryCountry": _proprietary("ProprietaryCountry", TEXT),
    "ProprietaryEMailAddress": _proprietary("ProprietaryEMailAddress", TEXT),
    "ProprietaryFileReference": _proprietary("ProprietaryFileReference", TEXT),
    "ProprietaryFloat": _proprietary("ProprietaryFloat", NUMBER),
    "ProprietaryHEXColor": _proprietary("ProprietaryHEXColor", TEXT),
    "ProprietaryInteger": _proprietary("ProprietaryInteger", NUMBER),
    "ProprietaryLanguage": _proprietary("ProprietaryLanguage", TEXT),
    "ProprietaryPhoneNumber": _proprietary("ProprietaryPhoneNumber", TEXT),
    "ProprietaryString": _proprietary("ProprietaryString", TEXT),
    "ProprietaryURL": _proprietary("ProprietaryURL", TEXT),
    "ProprietaryJSON": _value("ProprietaryJSON", title=TEXT, description_=TEXT, value=ANYTHING),
    "ProprietaryXML": _proprietary("ProprietaryXML", TEXT, schemaURL_=TEXT),
    "Consent": _value("Consent", consent=TEXT, link_=TEXT, linkDisplayText_=TEXT),
}

RELATIONSHIP_VALUE: Final = Named("RelationshipAttributeValue", lambda: _ANY_RELATIONSHIP_VALUE)
_ANY_RELATIONSHIP_VALUE: Final[Schema] = AnyOf(
    tuple(Named(type_name, lambda shape=shape: shape) for type_name, shape in RELATIONSHIP_VALUES.items())  # type: ignore[misc]  # mypy does not infer lambda defaults
)

CREATION_HINTS: Final = Shape(
    {
        "valueType": any_of(
            Choice(tuple(name for name in IDENTITY_VALUES if name != "SchematizedXML")), Constant("SchematizedXML")
        ),
        "tags?": TEXTS,
    }
)
"""What a query says about an attribute that is still to be created."""
