"""Rules that tokens and relationship templates share when they are created (runtime spec 2.3)."""

from __future__ import annotations

import re
from typing import Any, Final

from trio_connector.errors import UnexpectedCondition
from trio_connector.usecases.validation.dates import read_date
from trio_connector.usecases.validation.input import Circumstances, Rule
from trio_connector.usecases.validation.schema import is_number

EXPIRES_IN_THE_PAST: Final = "'expiresAt' must be in the future"
BAD_PIN: Final = (
    "'passwordProtection.passwordIsPin' is true, hence 'passwordProtection.password' "
    "must consist of 4 to 16 digits from 0 to 9."
)
BAD_LOCATION: Final = (
    "must be a number from 50 to 99 or one of the following strings: "
    "Self, Letter, RegistrationLetter, Email, SMS, Website"
)
_LOCATIONS: Final = frozenset(["Self", "Letter", "RegistrationLetter", "Email", "SMS", "Website"])
_PIN: Final = re.compile("[0-9]{4,16}")


def expires_in_future(request: Any, circumstances: Circumstances) -> str | None:
    """``expiresAt``, when given, must lie after now. A text that is no date passes: reading it later refuses it."""
    expires_at = request.get("expiresAt")
    if not expires_at:
        return None
    try:
        moment = read_date(expires_at)
    except UnexpectedCondition:
        return None
    return EXPIRES_IN_THE_PAST if moment <= circumstances.now else None


def pin_consists_of_digits(request: Any, circumstances: Circumstances) -> str | None:
    """A password that is said to be a PIN consists of 4 to 16 digits."""
    protection = request.get("passwordProtection")
    if not protection or not protection.get("passwordIsPin"):
        return None
    return None if _PIN.fullmatch(protection["password"]) else BAD_PIN


def location_indicator_is_known(request: Any, circumstances: Circumstances) -> str | None:
    """Where the password is found: a number from 50 to 99, or one of the names."""
    protection = request.get("passwordProtection")
    if not protection or "passwordLocationIndicator" not in protection:
        return None
    indicator = protection["passwordLocationIndicator"]
    known = 50 <= indicator <= 99 if is_number(indicator) else isinstance(indicator, str) and indicator in _LOCATIONS
    return None if known else BAD_LOCATION


CREATION_RULES: Final[tuple[Rule, ...]] = (
    expires_in_future,
    pin_consists_of_digits,
    location_indicator_is_known,
)
