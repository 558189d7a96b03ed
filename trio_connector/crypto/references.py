"""References: how tokens, files and templates are passed on, as truncated text or as URL (crypto spec section 7).

A reference holds the key that opens the object, so it is a secret: ``repr`` shows only the id.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from trio_connector.crypto.ciphers import SecretKey
from trio_connector.crypto.encoding import from_base64, from_base64url, from_utf8, to_base64, to_base64url, to_utf8
from trio_connector.crypto.errors import EncodingError
from trio_connector.crypto.ids import is_id
from trio_connector.crypto.json_text import sorted_members
from trio_connector.crypto.objects import ALGORITHM, CryptoObject, Members, wrong_encryption_algorithm
from trio_connector.crypto.password_protection import SharedPasswordProtection
from trio_connector.errors import CoreError, DeserializationError

_IDENTITY_PART = re.compile("[0-9a-f]{4}")
_FRAGMENT = re.compile(r"([^|]+)\|([^|]+)\|([^|]+)?\|([^|]+)?")
_PATH = re.compile(r"(.*)/r/([^/]+)", re.DOTALL)
_LEADING_INTEGER = re.compile(r"\s*([+-]?[0-9]+)")
_TABS_AND_NEWLINES = str.maketrans("", "", "\t\r\n")
_BELOW_SPACE = "".join(map(chr, range(0x21)))
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, repr=False)
class Reference(CryptoObject):
    """A reference to anything; the kinds below check their ids."""

    TYPE: ClassVar[str] = "Reference"
    PREFIX: ClassVar[str] = ""
    id: str
    key: SecretKey
    backbone_base_url: str | None = None
    for_identity_truncated: str | None = None
    password_protection: SharedPasswordProtection | None = None

    def __post_init__(self) -> None:
        if self.PREFIX and not is_id(self.PREFIX, self.id):
            raise DeserializationError(f"{self.TYPE}.id :: id must start with '{self.PREFIX}' but is '{self.id[:100]}'")
        if self.for_identity_truncated is not None and not _IDENTITY_PART.fullmatch(self.for_identity_truncated):
            raise DeserializationError(
                f"{self.TYPE}.forIdentityTruncated :: Value does not match regular expression /^[0-9a-f]{{4}}$/"
            )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id!r}, ...)"

    def truncated(self) -> str:
        """base64url of ``id@baseUrl|algorithm|key|identity part|password part``."""
        head = self.id if self.backbone_base_url is None else f"{self.id}@{self.backbone_base_url}"
        return to_base64url(to_utf8(f"{head}|{self._tail()}"))

    def url(self, app_id: str | None = None) -> str:
        """The reference as a URL; raises ``error.core-types.missingBackboneBaseUrl`` when it has no base URL."""
        if self.backbone_base_url is None:
            raise CoreError(
                "error.core-types.missingBackboneBaseUrl",
                "The backboneBaseUrl is required to create a URL from a reference.",
            )
        query = f"?app={app_id}" if app_id else ""
        return f"{self.backbone_base_url}/r/{self.id}{query}#{to_base64url(to_utf8(self._tail()))}"

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Read a truncated reference, or a URL when ``text`` starts with ``http``.

        Raises `CoreError` (``error.core-types.invalidTruncatedReference``), `CryptoError` (a wrong key),
        `DeserializationError` (a wrong id, identity part or password part) or `EncodingError`.
        """
        return cls._of_url(text) if text.startswith("http") else cls._of_truncated(text)

    def to_json(self, verbose: bool = True) -> dict[str, Any]:
        """Inside messages: ``@type backboneBaseUrl? forIdentityTruncated? id key{short} passwordProtection?``."""
        protection = self.password_protection
        return sorted_members(
            {
                "@type": self.TYPE if verbose else None,
                "backboneBaseUrl": self.backbone_base_url,
                "forIdentityTruncated": self.for_identity_truncated,
                "id": self.id,
                "key": self.key.to_json(False),
                "passwordProtection": None if protection is None else protection.to_json(False),
            }
        )

    @classmethod
    def from_json(cls, value: object) -> Self:
        """See `CryptoObject.from_json`."""
        members = Members(cls.TYPE, value)
        protection = members.find("passwordProtection")
        return cls(
            id=members.text("id"),
            key=SecretKey.from_json(members.need("key")),
            backbone_base_url=members.optional_text("backboneBaseUrl"),
            for_identity_truncated=members.optional_text("forIdentityTruncated"),
            password_protection=None if protection is None else SharedPasswordProtection.from_json(protection),
        )

    def is_for(self, address: str | None) -> bool:
        """Whether the identity with ``address`` (``None``: nobody is logged in) may open it, as far as it says."""
        part = self.for_identity_truncated
        return part is None or (address is not None and address.endswith(part))

    def _tail(self) -> str:
        protection = self.password_protection
        password_part = ""
        if protection is not None:
            password_part = f"{protection.password_type}&{to_base64(protection.salt)}"
            if protection.location_indicator is not None:
                password_part += f"&{protection.location_indicator}"
        return f"{ALGORITHM}|{to_base64url(self.key.key)}|{self.for_identity_truncated or ''}|{password_part}"

    @classmethod
    def _of_truncated(cls, text: str) -> Self:
        parts = from_utf8(from_base64url(text)).split("|")
        if len(parts) not in (3, 5):
            raise _invalid(
                "A truncated reference must consist of either exactly 3 or exactly 5 components, "
                f"but it consists of '{len(parts)}' components."
            )
        head = parts[0].split("@")
        base_url = head[1] if len(head) > 1 else None
        identity_part, password_part = parts[3:] or ("", "")
        return cls._of_parts(head[0], base_url, parts[1], parts[2], identity_part, password_part)

    @classmethod
    def _of_url(cls, text: str) -> Self:
        origin, path, fragment = _split_url(text)
        found_path = _PATH.fullmatch(path)
        base_path, id_ = found_path.groups() if found_path else ("", "")
        found = _FRAGMENT.search(from_utf8(from_base64url(fragment)))
        if found is None:
            raise _no_algorithm()
        algorithm, key, identity_part, password_part = found.groups()
        return cls._of_parts(id_, origin + base_path, algorithm, key, identity_part or "", password_part or "")

    @classmethod
    def _of_parts(
        cls, id_: str, base_url: str | None, algorithm: str, key: str, identity_part: str, password_part: str
    ) -> Self:
        number = _parse_int(algorithm)
        if number is None:
            raise _no_algorithm()
        key_bytes = from_base64url(key)
        protection = _parse_password_part(password_part)
        if number != ALGORITHM:
            raise wrong_encryption_algorithm()
        return cls(
            id=id_,
            key=SecretKey.of(key_bytes),
            backbone_base_url=base_url,
            for_identity_truncated=identity_part or None,
            password_protection=protection,
        )


@dataclass(frozen=True, slots=True, repr=False)
class TokenReference(Reference):
    """A reference to a token."""

    TYPE: ClassVar[str] = "TokenReference"
    PREFIX: ClassVar[str] = "TOK"


@dataclass(frozen=True, slots=True, repr=False)
class FileReference(Reference):
    """A reference to a file; its key opens the file's metadata."""

    TYPE: ClassVar[str] = "FileReference"
    PREFIX: ClassVar[str] = "FIL"


@dataclass(frozen=True, slots=True, repr=False)
class RelationshipTemplateReference(Reference):
    """A reference to a relationship template."""

    TYPE: ClassVar[str] = "RelationshipTemplateReference"
    PREFIX: ClassVar[str] = "RLT"


def truncated_address(address: str) -> str:
    """The last four characters of an address: what a personalised reference says of its target."""
    return address[-4:]


def not_intended_for_you(id_: str) -> CoreError:
    """A personalised object was asked for by somebody else."""
    return CoreError(
        "error.transport.general.notIntendedForYou",
        f"You tried to access personalized content '{id_}'. "
        "You are either not logged in or the content is not intended for you.",
    )


def _parse_password_part(text: str) -> SharedPasswordProtection | None:
    if not text:
        return None
    pieces = text.split("&")
    if len(pieces) not in (2, 3):
        raise _invalid("The password part of a TruncatedReference must consist of 2 or 3 components.")
    try:
        salt = from_base64(pieces[1])
    except EncodingError as error:
        raise _invalid("The salt needs to be a Base64 value.") from error
    indicator = None
    if len(pieces) == 3 and pieces[2]:
        indicator = _parse_int(pieces[2])
        if indicator is None:
            raise DeserializationError(
                "SharedPasswordProtection.passwordLocationIndicator:Number :: This value must be an integer."
            )
    return SharedPasswordProtection(pieces[0], salt, indicator)


def _parse_int(text: str) -> int | None:
    """JavaScript's ``parseInt``: leading white space, a sign, digits; the rest is ignored."""
    found = _LEADING_INTEGER.match(text)
    # No number of interest has more than a few digits; the cut bounds the work.
    return int(found[1][:20]) if found else None


def _split_url(text: str) -> tuple[str, str, str]:
    """Origin, path and fragment the way a browser reads a web address; raises `EncodingError` "Invalid URL"."""
    cleaned = text.strip(_BELOW_SPACE).translate(_TABS_AND_NEWLINES)
    try:
        address, _, fragment = cleaned.partition("#")
        parts = urlsplit(address.replace("\\", "/"))
        scheme, host, port = parts.scheme.lower(), parts.hostname or "", parts.port
        if scheme not in _DEFAULT_PORTS or not host or "%" in host or " " in host:
            raise _invalid_url()
        name = f"[{host}]" if ":" in host else host.encode("idna").decode("ascii")
    except (ValueError, UnicodeError) as error:
        raise _invalid_url() from error
    origin = f"{scheme}://{name}" if port in (None, _DEFAULT_PORTS[scheme]) else f"{scheme}://{name}:{port}"
    return origin, parts.path or "/", fragment


def _invalid_url() -> EncodingError:
    return EncodingError("Invalid URL")


def _no_algorithm() -> CoreError:
    return _invalid("The encryption algorithm must be indicated by an integer in the TruncatedReference.")


def _invalid(reason: str) -> CoreError:
    return CoreError("error.core-types.invalidTruncatedReference", reason)
