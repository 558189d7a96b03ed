"""Passwords that guard the delivery of tokens and templates (crypto spec section 8).

The password takes no part in encryption: the Backbone compares a salted hash of it before it hands an object out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from trio_connector.crypto.derivation import SALT_BYTES, derive_from_password
from trio_connector.crypto.encoding import from_base64url, to_base64, to_base64url
from trio_connector.crypto.entropy import Entropy
from trio_connector.crypto.json_text import sorted_members
from trio_connector.crypto.objects import CryptoObject, Members
from trio_connector.errors import CoreError, DeserializationError

LOCATION_INDICATORS = {
    "RecoveryKit": 0,
    "Self": 1,
    "Letter": 2,
    "RegistrationLetter": 3,
    "Email": 4,
    "SMS": 5,
    "Website": 6,
}
"""Where the password is to be found; 50 to 99 are free for applications."""

MAX_LOCATION_INDICATOR = 99
_PASSWORD_TYPE = re.compile("pw|pin(?:4|5|6|7|8|9|10|11|12|13|14|15|16)")
_PASSWORD_TYPE_TEXT = "/^(pw|pin(4|5|6|7|8|9|10|11|12|13|14|15|16))$/"  # noqa: S105 -- a pattern, no password


@dataclass(frozen=True, slots=True)
class SharedPasswordProtection(CryptoObject):
    """What a reference tells of a protected object: kind of password, salt (16 bytes), where to find the password."""

    TYPE: ClassVar[str] = "SharedPasswordProtection"
    password_type: str
    salt: bytes
    location_indicator: int | None = None

    def __post_init__(self) -> None:
        _check(self.TYPE, self.password_type, self.salt, self.location_indicator)

    def to_json(self, verbose: bool = True) -> dict[str, Any]:
        """``@type passwordLocationIndicator? passwordType salt`` (salt in base64url, as in all JSON)."""
        return sorted_members(
            {
                "@type": self.TYPE if verbose else None,
                "passwordLocationIndicator": self.location_indicator,
                "passwordType": self.password_type,
                "salt": to_base64url(self.salt),
            }
        )

    @classmethod
    def from_json(cls, value: object) -> SharedPasswordProtection:
        """See `CryptoObject.from_json`."""
        members = Members(cls.TYPE, value)
        return cls(members.text("passwordType"), from_base64url(members.text("salt")), _indicator(members))

    def hash(self, password: str) -> str:
        """What the Backbone compares, as sent to it; see `password_hash`."""
        return password_hash(password, self.salt)


@dataclass(frozen=True, slots=True)
class PasswordProtection(CryptoObject):
    """What the creator keeps of a protected object, the password included (hidden in ``repr``)."""

    TYPE: ClassVar[str] = "PasswordProtection"
    password_type: str
    salt: bytes
    password: str
    location_indicator: int | None = None

    def __post_init__(self) -> None:
        _check(self.TYPE, self.password_type, self.salt, self.location_indicator)

    def __repr__(self) -> str:
        return f"PasswordProtection({self.password_type}, location_indicator={self.location_indicator})"

    def shared(self) -> SharedPasswordProtection:
        """The part that goes into references."""
        return SharedPasswordProtection(self.password_type, self.salt, self.location_indicator)

    def to_json(self, verbose: bool = True) -> dict[str, Any]:
        """``@type password passwordLocationIndicator? passwordType salt``: for the store only."""
        members = self.shared().to_json(False)
        return sorted_members(members | {"@type": self.TYPE if verbose else None, "password": self.password})

    @classmethod
    def from_json(cls, value: object) -> PasswordProtection:
        """See `CryptoObject.from_json`."""
        members = Members(cls.TYPE, value)
        return cls(
            members.text("passwordType"),
            from_base64url(members.text("salt")),
            members.text("password"),
            _indicator(members),
        )

    def hash(self) -> str:
        """What is sent to the Backbone; see `password_hash`."""
        return password_hash(self.password, self.salt)


def create_protection(
    password: str, password_is_pin: bool, location_indicator: int | None, entropy: Entropy
) -> PasswordProtection:
    """Protection for a new token or template; the type follows from the password, the salt is fresh.

    Raises `DeserializationError` for an empty password, a pin that is not 4 to 16 characters, or an indicator above 99.
    """
    if not password:
        raise DeserializationError(
            "PasswordProtectionCreationParameters.password :: Value is shorter than 1 characters"
        )
    password_type = password_type_of(password, password_is_pin)
    _check("PasswordProtectionCreationParameters", password_type, bytes(SALT_BYTES), location_indicator)
    return PasswordProtection(password_type, entropy(SALT_BYTES), password, location_indicator)


def password_type_of(password: str, is_pin: bool) -> str:
    """``pw``, or ``pin`` and the number of characters."""
    # JavaScript counts UTF-16 code units; a pin has digits only, so any count of other characters will do.
    return f"pin{len(password)}" if is_pin else "pw"


def password_hash(password: str, salt: bytes) -> str:
    """base64 of argon2id of the password: the ``password`` field and query parameter of the Backbone's API.

    Takes some tens of milliseconds: callers run it in a thread.
    """
    return to_base64(derive_from_password(password, salt))


def hash_for_loading(protection: SharedPasswordProtection | None, password: str | None) -> str | None:
    """The ``password`` query parameter for loading an object; ``None`` when its reference has no protection.

    Raises ``error.transport.noPasswordProvided`` when a password is needed and not given. Takes some tens of
    milliseconds when there is one: callers run it in a thread.
    """
    if protection is None:
        return None
    if not password:
        raise CoreError(
            "error.transport.noPasswordProvided", "You need to provide a password to perform this operation."
        )
    return protection.hash(password)


def _indicator(members: Members) -> int | None:
    if members.find("passwordLocationIndicator") is None:
        return None
    indicator = members.number("passwordLocationIndicator")
    if indicator is None:
        raise DeserializationError(
            f"{members.owner}.passwordLocationIndicator:Number :: This value must be an integer."
        )
    return indicator


def _check(owner: str, password_type: str, salt: bytes, indicator: int | None) -> None:
    if _PASSWORD_TYPE.fullmatch(password_type) is None:
        raise DeserializationError(
            f"{owner}.passwordType :: Value does not match regular expression {_PASSWORD_TYPE_TEXT}"
        )
    if len(salt) != SALT_BYTES:
        raise DeserializationError(f"{owner}.salt:CoreBuffer :: must be {SALT_BYTES} bytes long")
    if indicator is None:
        return
    member = f"{owner}.passwordLocationIndicator:Number"
    if indicator > MAX_LOCATION_INDICATOR:
        raise DeserializationError(f"{member} :: Value is above threshold of {MAX_LOCATION_INDICATOR}")
    if indicator < 0:
        raise DeserializationError(f"{member} :: Value is below threshold of 0")
