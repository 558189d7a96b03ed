"""All collections of one account, with the DTOs that depend on the configured Backbone (transport spec section 5).

Collections whose DTO does not depend on configuration are module constants beside their record
(``RELATIONSHIPS``, ``MESSAGES`` ...); those with references are made here for one base URL.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from trio_connector.domain.collection import Collection
from trio_connector.domain.file import File, file_collection, file_dto
from trio_connector.domain.template import RelationshipTemplate, template_collection, template_dto
from trio_connector.domain.token import Token, token_collection, token_dto


@dataclass(frozen=True)
class ReferencedCollections:
    """The collections whose DTOs contain references, which name ``base_url``."""

    base_url: str
    files: Collection[File]
    tokens: Collection[Token]
    templates: Collection[RelationshipTemplate]


def referenced_collections(base_url: str) -> ReferencedCollections:
    """Files, tokens and templates of an account at the Backbone ``base_url``."""
    return ReferencedCollections(
        base_url=base_url,
        files=file_collection(partial(file_dto, base_url=base_url)),
        tokens=token_collection(partial(token_dto, base_url=base_url)),
        templates=template_collection(partial(template_dto, base_url=base_url)),
    )
