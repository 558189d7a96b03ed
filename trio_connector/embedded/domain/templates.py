"""Who may read a relationship template, and what it costs (Backbone spec section 7)."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from trio_connector.embedded.domain import errors
from trio_connector.embedded.domain.moments import Moment

ALLOCATIONS_EXHAUSTED = "RelationshipTemplateAllocationsExhausted"


@dataclass(frozen=True)
class Template:
    """A relationship template."""

    id: str
    created_by: str
    created_by_device: str
    created_at: Moment
    expires_at: Moment | None
    max_allocations: int | None
    for_identity: str | None
    password: bytes | None
    content: bytes


@dataclass(frozen=True)
class Reader:
    """Who wants to read a template, and what ties there are already."""

    address: str
    has_allocated: bool
    has_relationship: bool
    """Whether the reader takes part in a relationship that came from this template."""


def is_visible(template: Template, reader: Reader, now: Moment) -> bool:
    """Whether the template exists for the reader at all."""
    if template.expires_at is not None and template.expires_at <= now and not reader.has_relationship:
        return False
    return template.for_identity is None or reader.address in (template.for_identity, template.created_by)


def password_fits(template: Template, reader: Reader, password: bytes | None) -> bool:
    """The owner and those who allocated it need none."""
    return (
        template.password is None
        or reader.address == template.created_by
        or reader.has_allocated
        or (password is not None and hmac.compare_digest(template.password, password))
    )


def needs_allocation(template: Template, reader: Reader, allocations: int) -> bool:
    """Whether reading takes one of the template's allocations; raises PlatformError when none is left."""
    if reader.address == template.created_by or reader.has_allocated:
        return False
    if template.max_allocations is not None and allocations >= template.max_allocations:
        raise errors.max_number_of_allocations_exhausted()
    return True
