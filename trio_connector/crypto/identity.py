"""An identity as it appears inside signed content: address and public key (crypto spec sections 9 and 11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from trio_connector.crypto.addresses import address_matches_key
from trio_connector.crypto.json_text import sorted_members
from trio_connector.crypto.objects import CryptoObject, Members
from trio_connector.crypto.signatures import SignaturePublicKey
from trio_connector.errors import CoreError


@dataclass(frozen=True, slots=True)
class Identity(CryptoObject):
    """Who somebody says to be; `is_consistent` says whether address and key belong together."""

    TYPE: ClassVar[str] = "Identity"
    address: str
    public_key: SignaturePublicKey

    def to_json(self, verbose: bool = True) -> dict[str, Any]:
        """``@type address publicKey{short}``."""
        return sorted_members(
            {
                "@type": self.TYPE if verbose else None,
                "address": self.address,
                "publicKey": self.public_key.to_json(False),
            }
        )

    @classmethod
    def from_json(cls, value: object) -> Identity:
        """See `CryptoObject.from_json`."""
        members = Members(cls.TYPE, value)
        return cls(members.text("address"), SignaturePublicKey.from_json(members.need("publicKey")))

    def is_consistent(self, created_by: str) -> bool:
        """Whether the address is the one the Backbone reports and is made from the public key.

        The official client does not look; without it a peer could speak in another identity's name (section 11).
        """
        return self.address == created_by and address_matches_key(self.address, self.public_key.key)


def signature_not_valid(what: str) -> CoreError:
    """The signature of ``what`` (``template``, ``relationshipCreationContent`` ...) is wrong, or as good as wrong."""
    return CoreError("error.transport.signatureNotValid", f"The {what}-signature is not valid.")
