"""The result of a check that never raises for what it finds: success or an error, and the results of the parts.

Consumption spec 0.2. Pure. The message of a CoreError is its long form, as API users see it (runtime spec section 1).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from trio_connector.errors import ConnectorError

INHERITED = "error.consumption.requests.validation.inheritedFromItem"


class ValidationResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Also the DTO ``RequestValidationResultDTO``: ``items`` is always shown."""

    is_success: bool
    code: str | None = None
    message: str | None = None
    items: list[ValidationResult]


SUCCESS = ValidationResult(is_success=True, items=[])


def failure(error: ConnectorError, at: str) -> ValidationResult:
    """The result that says ``error``; ``at`` is the current time, which long messages contain."""
    return ValidationResult(is_success=False, code=error.code, message=error.shown_message(at), items=[])


def from_items(items: Sequence[ValidationResult]) -> ValidationResult:
    """Success if all ``items`` are, else the error ``inheritedFromItem``."""
    if all(item.is_success for item in items):
        return ValidationResult(is_success=True, items=list(items))
    text = "Some child items have errors."
    return ValidationResult(is_success=False, code=INHERITED, message=text, items=list(items))


def merged(first: ValidationResult, second: ValidationResult) -> ValidationResult:
    """Two results about the same things: the first error counts. Where their shapes differ it is ``first``."""
    if len(first.items) != len(second.items):
        return first
    if not first.items:
        return second if first.is_success else first
    return from_items([merged(a, b) for a, b in zip(first.items, second.items, strict=True)])
