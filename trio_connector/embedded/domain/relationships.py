"""The state machine of relationships (Backbone spec section 9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from trio_connector.embedded.domain import errors
from trio_connector.embedded.domain.errors import PlatformError
from trio_connector.embedded.domain.moments import MILLISECOND, Moment

PENDING = "Pending"
ACTIVE = "Active"
REJECTED = "Rejected"
REVOKED = "Revoked"
TERMINATED = "Terminated"
DELETION_PROPOSED = "DeletionProposed"
READY_FOR_DELETION = "ReadyForDeletion"

BLOCKING_A_NEW_ONE = frozenset({PENDING, ACTIVE, TERMINATED, DELETION_PROPOSED})
ALLOWING_MESSAGES = (PENDING, ACTIVE, TERMINATED)

STATUS_CHANGED = "RelationshipStatusChanged"
REACTIVATION_REQUESTED = "RelationshipReactivationRequested"
REACTIVATION_COMPLETED = "RelationshipReactivationCompleted"


@dataclass(frozen=True)
class Actor:
    """Who acts, on which device."""

    address: str
    device_id: str | None


@dataclass(frozen=True)
class AuditEntry:
    """One step in the life of a relationship."""

    created_at: Moment
    created_by: str
    created_by_device: str | None
    reason: str
    old_status: str | None
    new_status: str


@dataclass(frozen=True)
class Relationship:
    """A relationship between ``from_address``, who asked for it, and ``to_address``, the template's owner."""

    id: str
    template_id: str | None
    from_address: str
    to_address: str
    created_at: Moment
    status: str
    audit_log: tuple[AuditEntry, ...]
    from_decomposed: bool = False
    to_decomposed: bool = False

    def has(self, address: str) -> bool:
        """Whether ``address`` takes part."""
        return address in (self.from_address, self.to_address)

    def peer_of(self, address: str) -> str:
        """The other one."""
        return self.to_address if address == self.from_address else self.from_address

    def decomposed_by(self, address: str) -> bool:
        """Whether ``address`` has left for good."""
        return self.from_decomposed if address == self.from_address else self.to_decomposed

    @property
    def newest_entry(self) -> AuditEntry:
        """The last step."""
        return self.audit_log[-1]

    @property
    def has_open_reactivation_request(self) -> bool:
        """Whether the last step asked for the relationship to go on."""
        return self.newest_entry.reason == "ReactivationRequested"


def created(id_: str, template_id: str, actor: Actor, owner: str, now: Moment) -> Relationship:
    """A new relationship from ``actor`` to the template's ``owner``."""
    first = AuditEntry(now, actor.address, actor.device_id, "Creation", None, PENDING)
    return Relationship(id_, template_id, actor.address, owner, now, PENDING, (first,))


def _needs(*statuses: str) -> Callable[[Relationship, str], PlatformError | None]:
    def check(relationship: Relationship, _me: str) -> PlatformError | None:
        return None if relationship.status in statuses else errors.relationship_not_in_status(*statuses)

    return check


def _needs_addressee(relationship: Relationship, me: str) -> PlatformError | None:
    return None if me == relationship.to_address else errors.cannot_answer_for_someone_else()


def _needs_requester(relationship: Relationship, me: str) -> PlatformError | None:
    return None if me == relationship.from_address else errors.cannot_revoke_for_someone_else()


def _needs_no_open_request(relationship: Relationship, _me: str) -> PlatformError | None:
    return errors.open_reactivation_request() if relationship.has_open_reactivation_request else None


def _needs_open_request(
    by_me: bool, refusal: Callable[[], PlatformError]
) -> Callable[[Relationship, str], PlatformError | None]:
    def check(relationship: Relationship, me: str) -> PlatformError | None:
        is_mine = relationship.newest_entry.created_by == me
        return None if relationship.has_open_reactivation_request and is_mine == by_me else refusal()

    return check


def _needs_not_decomposed(relationship: Relationship, me: str) -> PlatformError | None:
    return errors.relationship_already_decomposed() if relationship.decomposed_by(me) else None


@dataclass(frozen=True)
class _Step:
    checks: tuple[Callable[[Relationship, str], PlatformError | None], ...]
    reason: str
    new_status: str
    event: str


_STEPS = {
    "Accept": _Step((_needs(PENDING), _needs_addressee), "AcceptanceOfCreation", ACTIVE, STATUS_CHANGED),
    "Reject": _Step((_needs(PENDING), _needs_addressee), "RejectionOfCreation", REJECTED, STATUS_CHANGED),
    "Revoke": _Step((_needs(PENDING), _needs_requester), "RevocationOfCreation", REVOKED, STATUS_CHANGED),
    "Terminate": _Step((_needs(ACTIVE),), "Termination", TERMINATED, STATUS_CHANGED),
    "Reactivate": _Step(
        (_needs_no_open_request, _needs(TERMINATED)), "ReactivationRequested", TERMINATED, REACTIVATION_REQUESTED
    ),
    "Reactivate/Accept": _Step(
        (_needs_open_request(False, errors.no_acceptable_reactivation_request),),
        "AcceptanceOfReactivation",
        ACTIVE,
        REACTIVATION_COMPLETED,
    ),
    "Reactivate/Reject": _Step(
        (_needs_open_request(False, errors.no_rejectable_reactivation_request),),
        "RejectionOfReactivation",
        TERMINATED,
        REACTIVATION_COMPLETED,
    ),
    "Reactivate/Revoke": _Step(
        (_needs_open_request(True, errors.no_revocable_reactivation_request),),
        "RevocationOfReactivation",
        TERMINATED,
        REACTIVATION_COMPLETED,
    ),
    "Decompose": _Step(
        (_needs_not_decomposed, _needs(REJECTED, REVOKED, TERMINATED, DELETION_PROPOSED)),
        "Decomposition",
        DELETION_PROPOSED,
        STATUS_CHANGED,
    ),
}

OPERATIONS = tuple(_STEPS)
"""The names of the operations, as they stand in the path."""


def carried_out(operation: str, relationship: Relationship, actor: Actor, now: Moment) -> tuple[Relationship, str]:
    """The relationship after ``operation``, and the type of the external event for the peer.

    Raises PlatformError when the operation is not possible; the caller has made sure that ``actor`` takes part.
    """
    step = _STEPS[operation]
    for check in step.checks:
        refusal = check(relationship, actor.address)
        if refusal is not None:
            raise refusal
    if operation == "Decompose":
        return _decomposed(relationship, actor, step.reason, now), step.event
    return _with_entry(relationship, actor, step.reason, step.new_status, now), step.event


def decomposed_by_deletion(relationship: Relationship, address: str, anonymized: str, now: Moment) -> Relationship:
    """The relationship after the identity ``address`` was deleted: decomposed by it, and without its address."""
    if not relationship.decomposed_by(address):
        relationship = _decomposed(relationship, Actor(address, None), "DecompositionDueToIdentityDeletion", now)
    return replace(
        relationship,
        from_address=anonymized if relationship.from_address == address else relationship.from_address,
        to_address=anonymized if relationship.to_address == address else relationship.to_address,
        audit_log=tuple(
            replace(entry, created_by=anonymized) if entry.created_by == address else entry
            for entry in relationship.audit_log
        ),
    )


def check_may_read(relationship: Relationship, me: str) -> None:
    """Who decomposed it does not see it any more."""
    if relationship.decomposed_by(me):
        raise errors.relationship_already_decomposed()


def _decomposed(relationship: Relationship, actor: Actor, reason: str, now: Moment) -> Relationship:
    is_second = relationship.status == DELETION_PROPOSED
    changed = _with_entry(relationship, actor, reason, READY_FOR_DELETION if is_second else DELETION_PROPOSED, now)
    if actor.address == relationship.from_address:
        return replace(changed, from_decomposed=True)
    return replace(changed, to_decomposed=True)


def _with_entry(relationship: Relationship, actor: Actor, reason: str, status: str, now: Moment) -> Relationship:
    # Clients sort by this time, which they see in milliseconds: two entries never share one.
    at = max(now, relationship.newest_entry.created_at + MILLISECOND)
    entry = AuditEntry(at, actor.address, actor.device_id, reason, relationship.status, status)
    return replace(relationship, status=status, audit_log=(*relationship.audit_log, entry))
