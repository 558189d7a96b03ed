"""The states of identities and their deletion processes (Backbone spec 6.1)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from trio_connector.embedded.domain import errors
from trio_connector.embedded.domain.moments import DAY, Moment

ACTIVE = "Active"
TO_BE_DELETED = "ToBeDeleted"
DELETING = "Deleting"
CANCELLED = "Cancelled"

DEFAULT_GRACE_DAYS = 14
_MAX_GRACE_DAYS = 100_000
_REMINDED_DAYS_BEFORE_THE_END = (12, 10, 5)


@dataclass(frozen=True)
class DeletionProcess:
    """One attempt to leave. ``status`` is ``Active``, ``Cancelled`` or ``Deleting``."""

    id: str
    address: str
    status: str
    created_at: Moment
    created_by_device: str
    grace_ends_at: Moment | None
    reminders_sent_at: tuple[Moment | None, ...] = (None, None, None)


def grace_end(days: float | None, now: Moment) -> Moment:
    """When a grace period of ``days`` (fractions are fine, 0 too) that begins now is over."""
    days = DEFAULT_GRACE_DAYS if days is None else days
    if not 0 <= days <= _MAX_GRACE_DAYS:
        raise errors.invalid_property(f"'lengthOfGracePeriodInDays' must be between 0 and {_MAX_GRACE_DAYS}.")
    return now + int(days * DAY)


def check_may_start(identity_status: str) -> None:
    """Only one at a time."""
    if identity_status != ACTIVE:
        raise errors.only_one_active_deletion_process()


def cancelled(process: DeletionProcess, now: Moment) -> DeletionProcess:
    """The process after its cancellation; raises PlatformError when it is too late for that."""
    if process.status != ACTIVE:
        raise errors.deletion_process_not_active()
    if process.grace_ends_at is None or process.grace_ends_at <= now:
        raise errors.grace_period_has_already_expired()
    return replace(process, status=CANCELLED, grace_ends_at=None)


def reminded(process: DeletionProcess, now: Moment) -> DeletionProcess | None:
    """The process with its next reminder sent, ``None`` when none is due. One that was missed is left out."""
    if process.status != ACTIVE or process.grace_ends_at is None:
        return None
    for number in (2, 1, 0):
        if process.reminders_sent_at[number] is not None:
            return None
        if process.grace_ends_at - now <= _REMINDED_DAYS_BEFORE_THE_END[number] * DAY:
            sent = list(process.reminders_sent_at)
            sent[number] = now
            return replace(process, reminders_sent_at=tuple(sent))
    return None


def grace_is_over(grace_ends_at: Moment | None, now: Moment) -> bool:
    """Whether the identity counts as deleted, although its data may still be there."""
    return grace_ends_at is not None and grace_ends_at < now
