"""Strict base64url, base64, hex and UTF-8 (crypto spec section 1.1).

The decoders refuse what libsodium refuses: a wrong alphabet, missing or superfluous padding, whitespace and unused bits
that are not zero. Every text therefore has exactly one form, and comparing texts compares bytes.
"""

from __future__ import annotations

import binascii
from typing import Literal

from trio_connector.crypto.errors import EncodingError

_TO_STANDARD = bytes.maketrans(b"-_+/=", b"+/!!!")  # the standard alphabet's own signs become invalid ones
_TO_URL = bytes.maketrans(b"+/", b"-_")
# Characters whose lowest four (or two) bits are zero: the only ones that may end a group of two (or three).
_LAST_OF_TWO = frozenset(b"AQgw")
_LAST_OF_THREE = frozenset(b"AEIMQUYcgkosw048")


def to_base64url(data: bytes) -> str:
    """base64url without padding."""
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL).rstrip(b"=").decode("ascii")


def from_base64url(text: str) -> bytes:
    """The bytes of ``text``; raises `EncodingError` for anything `to_base64url` would not have written."""
    return _decode(_ascii(text).translate(_TO_STANDARD))


def to_base64(data: bytes) -> str:
    """Standard base64 with padding."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def from_base64(text: str) -> bytes:
    """The bytes of ``text``; raises `EncodingError` for anything `to_base64` would not have written."""
    encoded = _ascii(text)
    if len(encoded) % 4:
        raise EncodingError("incomplete input")
    padding = 2 if encoded.endswith(b"==") else 1 if encoded.endswith(b"=") else 0
    return _decode(encoded[: len(encoded) - padding] if padding else encoded)


def from_hex(text: str) -> bytes:
    """The bytes of ``text`` in hex, both cases, even length, no separators; raises `EncodingError`."""
    try:
        return binascii.unhexlify(_ascii(text))
    except binascii.Error as error:
        raise EncodingError("invalid input") from error


def from_utf8(data: bytes) -> str:
    """The text of ``data``; one leading byte order mark is dropped. Raises `EncodingError` for invalid UTF-8."""
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise EncodingError("The encoded data was not valid UTF-8.") from error


def to_utf8(text: str) -> bytes:
    """UTF-8 bytes; lone surrogates, which JavaScript strings may hold, become U+FFFD as they do there."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode("utf-8")


Encoding = Literal["base64url", "base64"]


def decode(text: str, encoding: Encoding) -> bytes:
    """`from_base64url` or `from_base64`."""
    return from_base64url(text) if encoding == "base64url" else from_base64(text)


def _ascii(text: str) -> bytes:
    try:
        return text.encode("ascii")
    except UnicodeEncodeError as error:
        raise EncodingError("invalid input") from error


def _decode(unpadded: bytes) -> bytes:
    rest = len(unpadded) % 4
    if rest == 1:
        raise EncodingError("incomplete input")
    if (rest == 2 and unpadded[-1] not in _LAST_OF_TWO) or (rest == 3 and unpadded[-1] not in _LAST_OF_THREE):
        raise EncodingError("invalid input")
    try:
        return binascii.a2b_base64(unpadded + b"=" * (-rest % 4), strict_mode=True) if unpadded else b""
    except binascii.Error as error:
        raise EncodingError("invalid input") from error
