"""The input of one use case: its schema and what a schema cannot say (runtime spec 2.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from trio_connector.errors import ValidationFailed
from trio_connector.usecases.validation.schema import Schema


@dataclass(frozen=True)
class Circumstances:
    """What a check depends on besides the input: the current time (aware, UTC) and the longest content of a file."""

    now: datetime
    max_file_bytes: int = 10_485_760


Rule: TypeAlias = Callable[[Any, Circumstances], str | None]
"""A further rule: the text of its refusal, or nothing. It is asked only when the schema and the rules before agree."""


@dataclass(frozen=True)
class Input:
    """What the request of a use case must look like."""

    schema: Schema
    rules: tuple[Rule, ...] = ()

    def check(self, request: Any, circumstances: Circumstances) -> None:
        """Raise `ValidationFailed` with the first violation."""
        if found := self.schema.violation(request):
            raise ValidationFailed(found.message)
        for rule in self.rules:
            if text := rule(request, circumstances):
                raise ValidationFailed(text)
