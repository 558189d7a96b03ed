"""Passwords of tokens and templates: parameters, stored form, shared form, DTO (crypto 8, runtime 2.3, 3)."""

from __future__ import annotations

from typing import Any

import msgspec

from trio_connector.crypto.password_protection import LOCATION_INDICATORS

_NAMES = {number: name for name, number in LOCATION_INDICATORS.items()}


class PasswordProtection(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The protection of a stored token or template. ``salt`` is base64url of 16 bytes; ``password`` never leaves us
    except to the API user."""

    password: str
    password_type: str
    salt: str
    password_location_indicator: int | None = None

    def __repr__(self) -> str:
        """Hides the password."""
        return f"PasswordProtection(password_type={self.password_type!r})"


class PasswordProtectionParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What a user asks for on creation; ``location_indicator`` is a number or one of the names."""

    password: str
    is_pin: bool = False
    location_indicator: int | str | None = None

    def __repr__(self) -> str:
        """Hides the password."""
        return f"PasswordProtectionParameters(is_pin={self.is_pin})"

    @property
    def password_type(self) -> str:
        """``pw`` or ``pin<number of digits>``."""
        return f"pin{len(self.password)}" if self.is_pin else "pw"

    @property
    def location_number(self) -> int | None:
        """The indicator as the number that is stored and shared."""
        if isinstance(self.location_indicator, str):
            return LOCATION_INDICATORS[self.location_indicator]
        return self.location_indicator


class PasswordProtectionDTO(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The protection as API users see it."""

    password: str
    password_is_pin: bool | None = None
    password_location_indicator: int | str | None = None


def password_protection_dto(protection: PasswordProtection | None) -> PasswordProtectionDTO | None:
    """The pin flag is shown only for pins; the location by its name where it has one."""
    if protection is None:
        return None
    number = protection.password_location_indicator
    return PasswordProtectionDTO(
        password=protection.password,
        password_is_pin=True if protection.password_type.startswith("pin") else None,
        password_location_indicator=None if number is None else _NAMES.get(number, number),
    )


def shared_protection(protection: PasswordProtection | None) -> dict[str, Any] | None:
    """The form that travels in references and token contents: without the password."""
    if protection is None:
        return None
    shared: dict[str, Any] = {"passwordType": protection.password_type, "salt": protection.salt}
    if protection.password_location_indicator is not None:
        shared["passwordLocationIndicator"] = protection.password_location_indicator
    return dict(sorted(shared.items()))
