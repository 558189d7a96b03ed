"""What all crypto objects share: their JSON forms and the checks of what strangers send (crypto spec 1.3, 1.5).

A crypto object prints itself in a fixed member order, *verbose* (with ``@type``) or *short*. On input short and long
member names are accepted, ``@type`` may be there or not, and unknown members are ignored.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from trio_connector.crypto.encoding import from_base64url, from_utf8, to_base64url
from trio_connector.crypto.errors import CryptoError
from trio_connector.crypto.json_text import json_bytes, json_text, parse_json
from trio_connector.errors import DeserializationError

Self = TypeVar("Self", bound="CryptoObject")

ALGORITHM = 3
"""XChaCha20-Poly1305 for encryption, X25519 for exchange, Ed25519 for signatures: the only ones in use."""

MAX_COUNTER = 2**32 - 1


class CryptoObject:
    """Base of everything with a ``serialize`` and ``toBase64`` in the official software."""

    __slots__ = ()
    TYPE: ClassVar[str]
    """The official class name, written as ``@type``."""

    def to_json(self, verbose: bool = True) -> dict[str, Any]:
        """The members in the official order; ``@type`` only when ``verbose``."""
        raise NotImplementedError

    def serialize(self, verbose: bool = True) -> str:
        """JSON text of `to_json`."""
        return json_text(self.to_json(verbose))

    def to_base64(self, verbose: bool = True) -> str:
        """base64url of the UTF-8 JSON text: the form in which crypto objects travel to the Backbone."""
        return to_base64url(json_bytes(self.to_json(verbose)))

    @classmethod
    def from_json(cls: type[Self], value: object) -> Self:
        """Read a parsed JSON object; raises `CryptoError`, `EncodingError` or `DeserializationError`."""
        raise NotImplementedError

    @classmethod
    def parse(cls: type[Self], text: str | bytes) -> Self:
        """Read JSON text; raises like `from_json`, and `EncodingError` for text that is not JSON."""
        return cls.from_json(parse_json(text))

    @classmethod
    def from_base64(cls: type[Self], text: str) -> Self:
        """Read what `to_base64` wrote; raises like `parse`."""
        return cls.parse(from_utf8(from_base64url(text)))


class Members:
    """Reads the members of one JSON object on behalf of the class ``owner`` (for error texts)."""

    __slots__ = ("_members", "owner")

    def __init__(self, owner: str, value: object) -> None:
        if not isinstance(value, Mapping):
            raise DeserializationError(f"{owner}.from() :: Parameter must be an object")
        self.owner = owner
        self._members = value

    def find(self, short: str, long: str | None = None) -> Any:
        """The member's value, ``None`` when absent; of both names the long one wins."""
        found = self._members.get(long) if long is not None else None
        return self._members.get(short) if found is None else found

    def need(self, short: str, long: str | None = None) -> Any:
        """The member's value; raises `DeserializationError` when absent."""
        found = self.find(short, long)
        if found is None:
            raise DeserializationError(f"{self.owner}.{long or short} :: Value is not defined")
        return found

    def bytes_within(self, short: str, long: str, least: int, most: int) -> bytes:
        """A byte member of ``least`` to ``most`` bytes; raises ``error.crypto.wrongSerializedBuffer``."""
        found = self.find(short, long)
        if not isinstance(found, str) or (not found and least):
            raise CryptoError(
                "error.crypto.wrongSerializedBuffer", f"Serialized buffer within property {long} is not set."
            )
        size = len(found) * 3 // 4
        if size > most:
            raise CryptoError(
                "error.crypto.wrongSerializedBuffer",
                f"Size of serialized buffer within property {long} is greater than the maximum of {most} bytes.",
            )
        if size < least:
            raise CryptoError(
                "error.crypto.wrongSerializedBuffer",
                f"Size of serialized buffer within property {long} is smaller than the minimum of {least} bytes.",
            )
        return from_base64url(found)

    def number(self, short: str, long: str | None = None) -> int | None:
        """An integer member, ``None`` when it is absent or anything else."""
        found = self.find(short, long)
        if isinstance(found, float) and found.is_integer():
            return int(found)
        return found if isinstance(found, int) and not isinstance(found, bool) else None

    def text(self, short: str, long: str | None = None) -> str:
        """A mandatory string member; raises `DeserializationError`."""
        found = self.need(short, long)
        if not isinstance(found, str):
            raise DeserializationError(f"{self.owner}.{long or short} :: Value is not a string")
        return found

    def optional_text(self, short: str, long: str | None = None) -> str | None:
        """A string member that may be absent or ``null``; raises `DeserializationError` for other values."""
        found = self.find(short, long)
        if found is not None and not isinstance(found, str):
            raise DeserializationError(f"{self.owner}.{long or short} :: Value is not a string")
        return found

    def encryption_algorithm(self) -> None:
        """Check ``alg`` of keys, ciphers and states; raises ``error.crypto.wrongEncryptionAlgorithm``."""
        if self.number("alg", "algorithm") != ALGORITHM:
            raise wrong_encryption_algorithm()


def wrong_encryption_algorithm() -> CryptoError:
    """``alg`` is missing or not 3."""
    return CryptoError("error.crypto.wrongEncryptionAlgorithm", "Encryption algorithm is not supported.")


def check_size(data: bytes, name: str, least: int, most: int) -> None:
    """Check raw bytes; raises ``error.crypto.wrongBuffer``."""
    if len(data) < least:
        raise CryptoError("error.crypto.wrongBuffer", f"Buffer within property {name} has a minimum of {least} bytes.")
    if len(data) > most:
        raise CryptoError("error.crypto.wrongBuffer", f"Buffer within property {name} has a maximum of {most} bytes.")


def check_counter(counter: int) -> int:
    """``counter`` if it is within 0 ... 2**32 - 1; raises ``error.crypto.encryption.wrongCounter``."""
    if not 0 <= counter <= MAX_COUNTER:
        raise CryptoError(
            "error.crypto.encryption.wrongCounter",
            "Counter must be a positive integer within 0 and 9007199254740991.",
        )
    return counter


class Secret:
    """Bytes that never show: hidden in ``repr`` and ``str``, compared in constant time."""

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        self._data = bytes(data)

    def reveal(self) -> bytes:
        """The bytes."""
        return self._data

    def __len__(self) -> int:
        return len(self._data)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._data, other._data)

    def __hash__(self) -> int:
        return hash(self._data)

    def __repr__(self) -> str:
        return "Secret(...)"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")
