"""The 29 values an IdentityAttribute can have (content spec 4.1)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from trio_connector.content import hints
from trio_connector.content import value_parts as parts
from trio_connector.content.hints import UNLIMITED_LINE, Hints, choices
from trio_connector.content.iban import is_bic, is_iban
from trio_connector.content.kinds import Reader, Text
from trio_connector.content.model import Content, Named
from trio_connector.content.object_kinds import Child, ListOf, Typed
from trio_connector.content.rules import LARGE_JSON, SMALL_JSON, SchemaUrl, among, text
from trio_connector.content.values import (
    EMAIL_HINTS,
    EMAIL_TEXT,
    FILE_HINTS,
    FILE_TEXT,
    JSON_HINTS,
    LANGUAGE_CODE,
    UNKNOWN_HINTS,
    URL_HINTS,
    URL_TEXT,
    XML_HINTS,
    XML_TEXT,
    AttributeValue,
    CountryValue,
    PhoneValue,
    SingleValue,
    TextValue,
)

_SEXES = ("intersex", "female", "male")
_MARITAL_STATUSES = (
    "single",
    "married",
    "separated",
    "divorced",
    "widowed",
    "civilPartnership",
    "civilPartnershipDissolved",
    "civilPartnerDeceased",
)

_Line = Annotated[str, text(100)]


def _iban_rule(value: str) -> str | None:
    return None if is_iban(value) else "invalid IBAN"


def _bic_rule(value: str) -> str | None:
    return None if is_bic(value) else "invalid BIC"


def _complex(**members: Hints) -> Hints:
    return Hints("Object", "Complex", parts=members)


class DisplayName(TextValue):
    """The name under which somebody wants to appear."""


class BirthName(TextValue):
    """The name at birth."""


class GivenName(TextValue):
    """The given name."""


class HonorificPrefix(TextValue):
    """A title before the name."""


class HonorificSuffix(TextValue):
    """A title after the name."""


class MiddleName(TextValue):
    """The middle name."""


class Pseudonym(TextValue):
    """A pseudonym."""


class Surname(TextValue):
    """The surname."""


class JobTitle(TextValue):
    """The job title."""


class Citizenship(CountryValue):
    """The country somebody is a citizen of."""


class Nationality(CountryValue):
    """The nationality."""


class CommunicationLanguage(SingleValue):
    """The language in which somebody wants to be addressed."""

    HINTS = hints.LANGUAGE
    value: Annotated[str, LANGUAGE_CODE]


class Sex(SingleValue):
    """The biological sex."""

    HINTS = Hints("String", "ButtonLike", max=100, values=choices("sex", _SEXES))
    value: Annotated[str, Text(rules=(among(_SEXES),))]


class MaritalStatus(SingleValue):
    """The marital status."""

    HINTS = Hints("String", "ButtonLike", max=100, values=choices("maritalStatus", _MARITAL_STATUSES))
    value: Annotated[str, Text(rules=(among(_MARITAL_STATUSES),))]


class EMailAddress(SingleValue):
    """An e-mail address."""

    HINTS = EMAIL_HINTS
    value: Annotated[str, EMAIL_TEXT]


class PhoneNumber(PhoneValue):
    """A telephone number."""


class FaxNumber(PhoneValue):
    """A fax number."""


class Website(SingleValue):
    """A web address."""

    HINTS = URL_HINTS
    value: Annotated[str, URL_TEXT]


class IdentityFileReference(SingleValue):
    """The truncated reference of a file; not read as a reference here."""

    HINTS = FILE_HINTS
    value: Annotated[str, FILE_TEXT]


class SchematizedXML(SingleValue):
    """XML of a schema; not checked for well-formedness."""

    HINTS = XML_HINTS
    schema_url: Annotated[SchemaUrl, Named("schemaURL")] | None = None
    value: Annotated[str, XML_TEXT]


class SchematizedJSON(AttributeValue):
    """JSON of a schema."""

    HINTS = JSON_HINTS
    value: Annotated[Any, SMALL_JSON]
    schema_url: Annotated[SchemaUrl, Named("schemaURL")] | None = None


class VerifiableCredential(AttributeValue):
    """A credential that somebody else has signed."""

    HINTS = UNKNOWN_HINTS
    value: Annotated[Any, LARGE_JSON]
    type: str | None = None
    display_information: Annotated[tuple[Content, ...], ListOf(Typed())] | None = None
    display_information_cached_images: Annotated[tuple[Content, ...], ListOf(Typed())] | None = None


class Affiliation(AttributeValue):
    """Membership in an organisation."""

    HINTS = _complex(organization=hints.LINE, role=hints.LINE, unit=hints.LINE)
    role: Annotated[str, Child(parts.AffiliationRole)] | None = None
    organization: Annotated[str, Child(parts.AffiliationOrganization)]
    unit: Annotated[str, Child(parts.AffiliationUnit)] | None = None


class BankAccount(AttributeValue):
    """A bank account."""

    HINTS = _complex(accountHolder=hints.LINE, iban=Hints("String", min=14, max=34), bic=Hints("String", min=8, max=11))
    account_holder: _Line
    iban: Annotated[str, Text(min_length=14, max_length=34, rules=(_iban_rule,))]
    bic: Annotated[str, Text(min_length=8, max_length=11, rules=(_bic_rule,))] | None = None


class BirthDate(AttributeValue):
    """The date of birth; refused in the future when the reader knows the time."""

    HINTS = _complex(day=parts.BirthDay.HINTS, month=parts.BirthMonth.HINTS, year=parts.BirthYear.HINTS)
    day: Annotated[int, Child(parts.BirthDay)]
    month: Annotated[int, Child(parts.BirthMonth)]
    year: Annotated[int, Child(parts.BirthYear)]

    def _problem(self, reader: Reader) -> str | None:
        try:
            birth = date(self.year, self.month, self.day)
        except ValueError:
            return "BirthDate :: The BirthDate is not a valid date."
        if reader.now is not None and birth > reader.now.date():
            return "BirthDate :: You cannot enter a BirthDate that is in the future."
        return None


class BirthPlace(AttributeValue):
    """The place of birth."""

    HINTS = _complex(city=hints.LINE, country=hints.COUNTRY, state=hints.LINE)
    city: Annotated[str, Child(parts.BirthCity)]
    country: Annotated[str, Child(parts.BirthCountry)]
    state: Annotated[str, Child(parts.BirthState)] | None = None


class _Address(AttributeValue, abstract=True):
    recipient: _Line


_ADDRESS_HINTS: dict[str, Hints] = {
    "city": hints.LINE,
    "country": hints.COUNTRY,
    "recipient": UNLIMITED_LINE,
    "state": hints.LINE,
    "zipCode": hints.LINE,
}


class StreetAddress(_Address):
    """A postal address in a street."""

    HINTS = _complex(**_ADDRESS_HINTS, street=hints.LINE, houseNo=hints.LINE)
    street: Annotated[str, Child(parts.Street)]
    house_no: Annotated[str, Child(parts.HouseNumber)]
    zip_code: Annotated[str, Child(parts.ZipCode)]
    city: Annotated[str, Child(parts.City)]
    country: Annotated[str, Child(parts.Country)]
    state: Annotated[str, Child(parts.State)] | None = None


class PostOfficeBoxAddress(_Address):
    """A post office box."""

    HINTS = _complex(**_ADDRESS_HINTS, boxId=UNLIMITED_LINE)
    box_id: _Line
    zip_code: Annotated[str, Child(parts.ZipCode)]
    city: Annotated[str, Child(parts.City)]
    country: Annotated[str, Child(parts.Country)]
    state: Annotated[str, Child(parts.State)] | None = None


class DeliveryBoxAddress(_Address):
    """A parcel locker."""

    HINTS = _complex(
        **_ADDRESS_HINTS, userId=UNLIMITED_LINE, deliveryBoxId=UNLIMITED_LINE, phoneNumber=PhoneNumber.HINTS
    )
    user_id: _Line
    delivery_box_id: _Line
    zip_code: Annotated[str, Child(parts.ZipCode)]
    city: Annotated[str, Child(parts.City)]
    country: Annotated[str, Child(parts.Country)]
    phone_number: Annotated[str, Child(PhoneNumber)] | None = None
    state: Annotated[str, Child(parts.State)] | None = None
