"""Parts of complex attribute values (content spec 4.1). Registered types, but no attribute may have them as value."""

from __future__ import annotations

from typing import Annotated

from trio_connector.content.hints import Hints
from trio_connector.content.kinds import Number
from trio_connector.content.rules import integer_between
from trio_connector.content.values import AttributeValue, CountryValue, SingleValue, TextValue


class AffiliationOrganization(TextValue):
    """The organisation somebody belongs to."""


class AffiliationRole(TextValue):
    """A role in an organisation."""


class AffiliationUnit(TextValue):
    """A unit of an organisation."""


class City(TextValue):
    """A city."""


class Country(CountryValue):
    """The country of an address."""


class HouseNumber(TextValue):
    """A house number."""


class State(TextValue):
    """A state or region."""


class Street(TextValue):
    """A street."""


class ZipCode(TextValue):
    """A postal code."""


class BirthCity(City):
    """The city of birth."""


class BirthCountry(Country):
    """The country of birth."""


class BirthState(State):
    """The state of birth."""


class BirthDay(SingleValue):
    """The day of the month."""

    HINTS = Hints("Integer", "SelectLike", "Day", 1, 31)
    value: Annotated[int, Number(rules=(integer_between(1, 31),))]


class BirthMonth(SingleValue):
    """The month."""

    HINTS = Hints("Integer", "SelectLike", "Month", 1, 12, edit_help="i18n://yourBirthMonth")
    value: Annotated[int, Number(rules=(integer_between(1, 12),))]


class BirthYear(SingleValue):
    """The year."""

    HINTS = Hints("Integer", "SelectLike", "Year", 1, 9999)
    value: Annotated[int, Number(rules=(integer_between(1, 9999),))]


class DisplayInformationCachedImages(AttributeValue):
    """Images of a credential's card, kept with it."""

    locale: str | None = None
    logo: str | None = None
    background_image: str | None = None
