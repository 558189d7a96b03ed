"""Addresses of identities: made from the identity's public key and the Backbone's host name (crypto spec section 5)."""

from __future__ import annotations

import hashlib
import hmac
import re

MAX_ADDRESS_LENGTH = 80
_PREFIX = "did:e:"
_MIDDLE = ":dids:"
_KEY_PART_BYTES = 10
_ADDRESS = re.compile(
    r"(?P<main>did:e:(?P<hostname>(?:[a-z0-9-]+\.)*[a-z]{2,}):dids:(?P<key_part>[0-9a-f]{20}))(?P<checksum>[0-9a-f]{2})"
)
_DELETED_IDENTITY = "deleted identity"


def create_address(public_key: bytes, hostname: str) -> str:
    """``did:e:<hostname>:dids:<20 hex digits of the key><2 hex digits checksum>``; ``public_key`` is the raw key."""
    main = f"{_PREFIX}{hostname}{_MIDDLE}{_key_part(public_key)}"
    return main + _checksum(main)


def is_address(text: str) -> bool:
    """Whether ``text`` is an address in full: form, length and checksum (the Backbone's rule)."""
    found = _ADDRESS.fullmatch(text) if len(text) <= MAX_ADDRESS_LENGTH else None
    return found is not None and found["checksum"] == _checksum(found["main"])


def hostname_of(address: str) -> str | None:
    """The host name inside ``address``, ``None`` when it is no address in full."""
    found = _ADDRESS.fullmatch(address)
    return found["hostname"] if found is not None and is_address(address) else None


def check_address(address: str, hostname: str, public_key: bytes | None = None) -> bool:
    """The official client function: right host name at the start, right checksum, and made from ``public_key``.

    Its comparison of the host name is a prefix match; use `is_address` and `address_matches_key` to be sure.
    """
    if not address.startswith(_PREFIX + hostname):
        return False
    if re.fullmatch("[0-9a-fA-F]{22}", address[-22:]) is None or _checksum(address[:-2]) != address[-2:]:
        return False
    return public_key is None or address[-22:-2] == _key_part(public_key)


def address_matches_key(address: str, public_key: bytes) -> bool:
    """Whether ``address`` is in full an address, made from ``public_key``, at whatever host (section 11)."""
    found = _ADDRESS.fullmatch(address)
    return found is not None and is_address(address) and hmac.compare_digest(found["key_part"], _key_part(public_key))


def client_pseudonym(hostname: str) -> str:
    """What the official client writes in place of a deleted peer; ``hostname`` is that of the Backbone's base URL."""
    return create_address(_DELETED_IDENTITY.encode("utf-8"), hostname)


def backbone_pseudonym(hostname: str) -> str:
    """What the Backbone itself writes in place of a deleted identity."""
    return create_address(_DELETED_IDENTITY.encode("utf-16-le"), hostname)


def is_pseudonym(address: str) -> bool:
    """Whether ``address`` stands for a deleted identity, by the client's or the Backbone's rule, at whatever host."""
    hostname = hostname_of(address)
    return hostname is not None and address in (client_pseudonym(hostname), backbone_pseudonym(hostname))


def _key_part(public_key: bytes) -> str:
    return hashlib.sha256(hashlib.sha512(public_key).digest()).digest()[:_KEY_PART_BYTES].hex()


def _checksum(main: str) -> str:
    return hashlib.sha256(main.encode("utf-8", "replace")).digest()[:1].hex()
