"""References to tokens, files and templates as DTOs show them (crypto spec section 7, runtime spec section 3)."""

from __future__ import annotations

import msgspec

from trio_connector.crypto.references import Reference
from trio_connector.domain.identity import Json


class ReferenceDTO(msgspec.Struct, frozen=True, kw_only=True):
    """Both forms of one reference."""

    truncated: str
    url: str


def reference_dto(
    id_: str,
    base_url: str,
    secret_key: Json,
    for_identity: str | None = None,
    shared_protection: Json | None = None,
) -> ReferenceDTO:
    """The reference to object ``id_`` at the Backbone ``base_url``.

    Only the last four characters of ``for_identity`` become public; ``shared_protection`` has no password.
    """
    reference = Reference.from_json(
        {
            "id": id_,
            "backboneBaseUrl": base_url,
            "key": secret_key,
            **({"forIdentityTruncated": for_identity[-4:]} if for_identity else {}),
            **({"passwordProtection": shared_protection} if shared_protection else {}),
        }
    )
    return ReferenceDTO(truncated=reference.truncated(), url=reference.url())
