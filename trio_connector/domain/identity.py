"""Who somebody is: an address and the public signature key it was made from (transport 5, runtime 3)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any

import msgspec

Json = dict[str, Any]


class Identity(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An identity as it stands inside records: its address and its public key in JSON form ``{"pub", "alg"}``."""

    address: str
    public_key: Json


class IdentityDTO(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An identity as the API shows it; ``public_key`` is the base64url text of the short key JSON."""

    address: str
    public_key: str


def identity_dto(identity: Identity) -> IdentityDTO:
    """What API users see of ``identity`` (runtime spec section 3)."""
    return IdentityDTO(address=identity.address, public_key=crypto_json_text(identity.public_key))


def crypto_json_text(value: Json) -> str:
    """The unpadded base64url form of a crypto object's short JSON, for keys and signatures in DTOs."""
    shown = {name: member for name, member in value.items() if name != "@type"}
    return urlsafe_b64encode(json.dumps(shown, separators=(",", ":")).encode()).decode().rstrip("=")
