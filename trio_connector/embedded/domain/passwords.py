"""Passwords of devices: how they are kept, compared and judged (Backbone spec 3.1, 4.3)."""

from __future__ import annotations

import hashlib
import hmac

from trio_connector.crypto.entropy import Entropy

_SALT_BYTES = 16
_COST = 2**11  # about 6 ms: the official clients' passwords are random texts of 45 characters and more
_MIN_LENGTH = 10


def hashed(password: str, entropy: Entropy) -> bytes:
    """Salt and hash, to be stored. Takes some milliseconds: callers use a thread."""
    salt = entropy(_SALT_BYTES)
    return salt + _digest(password, salt)


def matches(password: str, stored: bytes) -> bool:
    """Whether ``stored`` was made from ``password``. Takes as long as `hashed`."""
    return hmac.compare_digest(_digest(password, stored[:_SALT_BYTES]), stored[_SALT_BYTES:])


def weakness(password: str) -> str | None:
    """What is missing for a strong password, ``None`` when nothing is."""
    if len(password) < _MIN_LENGTH:
        return f"Passwords must be at least {_MIN_LENGTH} characters."
    if all(character.isalnum() for character in password):
        return "Passwords must have at least one non alphanumeric character."
    if not any("0" <= character <= "9" for character in password):
        return "Passwords must have at least one digit ('0'-'9')."
    if not any("a" <= character <= "z" for character in password):
        return "Passwords must have at least one lowercase ('a'-'z')."
    if not any("A" <= character <= "Z" for character in password):
        return "Passwords must have at least one uppercase ('A'-'Z')."
    return None


def _digest(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt, n=_COST, r=8, p=1, dklen=32)
