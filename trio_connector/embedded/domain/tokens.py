"""Who may read and fill a token, and when it locks (Backbone spec section 8)."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import Enum, auto

from trio_connector.embedded.domain.moments import Moment

MAX_FAILED_ATTEMPTS = 100
TOKEN_LOCKED = "TokenLocked"  # noqa: S105  # the type of an external event


@dataclass(frozen=True)
class Token:
    """A token; without content and creator as long as it is empty and made by nobody known."""

    id: str
    created_by: str | None
    created_by_device: str | None
    created_at: Moment
    expires_at: Moment
    for_identity: str | None
    password: bytes | None
    failed_attempts: int
    content: bytes | None

    @property
    def is_locked(self) -> bool:
        """Whether there were too many wrong passwords."""
        return self.failed_attempts >= MAX_FAILED_ATTEMPTS


class Access(Enum):
    """What became of the wish to read or fill a token."""

    GRANTED = auto()
    GRANTED_WITH_ALLOCATION = auto()
    NOT_FOUND = auto()
    LOCKED = auto()
    WRONG_PASSWORD = auto()
    """To be counted; looks like NOT_FOUND from outside."""


def reading(token: Token, reader: str | None, password: bytes | None, has_allocated: bool, now: Moment) -> Access:
    """``reader`` is ``None`` for somebody without access token."""
    if reader == token.created_by or (reader is not None and has_allocated):
        return Access.GRANTED
    access = filling(token, reader, password, now)
    if access is Access.GRANTED and reader is not None:
        return Access.GRANTED_WITH_ALLOCATION
    return access


def filling(token: Token, writer: str | None, password: bytes | None, now: Moment) -> Access:
    """Whether ``writer`` may give the token its content, if it has none."""
    if token.expires_at <= now:
        return Access.NOT_FOUND
    if token.is_locked:
        return Access.LOCKED
    if token.for_identity is not None and writer not in (token.for_identity, token.created_by):
        return Access.NOT_FOUND
    if token.password is not None and (password is None or not hmac.compare_digest(token.password, password)):
        return Access.WRONG_PASSWORD
    return Access.GRANTED
