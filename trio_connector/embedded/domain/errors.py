"""The errors of the Backbone: codes, texts and statuses (Backbone spec 1.5, 17)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from trio_connector.errors import ConnectorError


class PlatformError(ConnectorError):
    """An answer that refuses; ``data`` is only there for exhausted quotas."""

    def __init__(self, code: str, message: str, status: int = 400, data: Any = None) -> None:
        super().__init__(code, message, status=status)
        self.data = data


_VALIDATION = "error.platform.validation"
_RELATIONSHIP = f"{_VALIDATION}.relationship"
_SYNC_RUN = f"{_VALIDATION}.syncRun"
_DATAWALLET = f"{_VALIDATION}.datawallet"
_DEVICE = f"{_VALIDATION}.device"


def not_found(record: str = "Record") -> PlatformError:
    """Unknown, expired, not for the caller, or the password is wrong: all look the same."""
    return PlatformError(
        "error.platform.recordNotFound",
        f"{record} not found. Make sure the ID exists and the record is not expired. If a password is required to "
        "fetch the record, make sure you passed the correct one.",
        404,
    )


def plain_not_found(record: str) -> PlatformError:
    """The shorter text that the deletion processes answer with."""
    return PlatformError("error.platform.recordNotFound", f"{record} not found", 404)


def forbidden() -> PlatformError:
    """The caller may not do this."""
    return PlatformError(
        "error.platform.forbidden",
        "You are not allowed to perform this action due to insufficient privileges.",
        403,
    )


def client_unauthorized() -> PlatformError:
    """Client id or secret of an identity's creation are wrong."""
    return PlatformError(
        "error.platform.unauthorized",
        "You have to authenticate in order to execute this action. Further make sure that the auth token has not "
        "expired.",
    )


def quota_exhausted(exhausted: list[dict[str, str]]) -> PlatformError:
    """``exhausted``: ``{"metricKey", "isExhaustedUntil"}`` each."""
    return PlatformError(
        "error.platform.quotaExhausted",
        "You cannot to perform this action because one or more quotas are exhausted.",
        429,
        exhausted,
    )


def cannot_be_parsed(property_name: str, reason: str) -> PlatformError:
    """The input has the wrong shape."""
    message = f"'{property_name}': {reason}" if property_name else reason
    return PlatformError("error.platform.inputCannotBeParsed", message)


def body_too_large() -> PlatformError:
    """More than 20 MiB."""
    return PlatformError("error.platform.requestBodyTooLarge", "The request body is too large.")


def unexpected() -> PlatformError:
    """A bug; nothing about it leaves the process."""
    return PlatformError("error.platform.unexpected", "An unexpected error occurred.", 500)


def invalid_property(message: str) -> PlatformError:
    """A rule about one property is broken."""
    return PlatformError(f"{_VALIDATION}.invalidPropertyValue", message)


def rule_broken(validator: str, message: str) -> PlatformError:
    """A broken rule that the Backbone reports under the name of the validating class (Backbone spec 18.5)."""
    return PlatformError(validator, message)


def page_size_too_high(maximum: int) -> PlatformError:
    """See Backbone spec 1.4."""
    return PlatformError(
        f"{_VALIDATION}.pagination.invalidPageSize",
        f"The given page size is too high. The maximum page size is {maximum}.",
    )


# --- identities and devices ----------------------------------------------------------------------------------------


def registration_failed(message: str) -> PlatformError:
    """The password is too weak."""
    return PlatformError(f"{_DEVICE}.registrationFailed", message)


def address_already_exists() -> PlatformError:
    """There is an identity with this key."""
    return PlatformError(
        f"{_DEVICE}.addressAlreadyExists",
        "The address derived from the given public key already exists. Try again with a different public key.",
    )


def invalid_signature() -> PlatformError:
    """The challenge is not signed by the identity's key."""
    return PlatformError(f"{_DEVICE}.invalidSignature", "The given signature is not valid.")


def challenge_has_expired() -> PlatformError:
    """Ten minutes are over."""
    return PlatformError(
        f"{_DEVICE}.challengeHasExpired", "The given challenge has expired. Obtain a new challenge and try again."
    )


def client_reached_identities_limit() -> PlatformError:
    """No more identities for this client."""
    return PlatformError(
        f"{_DEVICE}.clientReachedIdentitiesLimit",
        "The client's Identity limit has been reached. A new Identity cannot be created with this client.",
    )


def backup_device_already_exists() -> PlatformError:
    """One is enough."""
    return PlatformError(
        f"{_DEVICE}.onlyOneBackupDeviceCanExist", "Only one backup device can be created per identity."
    )


def change_password_failed(message: str = "Incorrect password.") -> PlatformError:
    """The old password is wrong, or the new one too weak."""
    return PlatformError(f"{_DEVICE}.changePasswordFailed", message)


def device_cannot_be_deleted(message: str) -> PlatformError:
    """It is in use or somebody else's."""
    return PlatformError(f"{_DEVICE}.deviceCannotBeDeleted", message)


def invalid_device_communication_language(message: str) -> PlatformError:
    """Not in ISO 639-1."""
    return PlatformError(f"{_VALIDATION}.invalidDeviceCommunicationLanguage", message)


def only_one_active_deletion_process() -> PlatformError:
    """There is one already."""
    return PlatformError(
        f"{_DEVICE}.onlyOneActiveDeletionProcessAllowed", "Only one active deletion process is allowed."
    )


def deletion_process_not_active() -> PlatformError:
    """It was cancelled, or the deletion has begun."""
    return PlatformError(
        f"{_DEVICE}.deletionProcessIsNotInRequiredStatus",
        "The deletion process must be in status 'Active' for the operation to continue, but it was in another status.",
    )


def grace_period_has_already_expired() -> PlatformError:
    """Too late to cancel."""
    return PlatformError(
        f"{_DEVICE}.gracePeriodHasAlreadyExpired",
        "You cannot perform this action, because the grace period of this deletion process has already expired.",
    )


def max_number_of_feature_flags_exceeded(maximum: int) -> PlatformError:
    """See Backbone spec 6.6."""
    return PlatformError(
        f"{_VALIDATION}.featureFlag.maxNumberOfFeatureFlagsExceeded", f"Only {maximum} feature flags can be created."
    )


# --- templates and tokens ------------------------------------------------------------------------------------------


def max_number_of_allocations_exhausted() -> PlatformError:
    """Everybody for whom the template was is there."""
    return PlatformError(
        f"{_VALIDATION}.relationshipTemplate.maxNumberOfAllocationsExhausted",
        "The maximum number of allocations (maxNumberOfAllocations) of the template you are trying to read is "
        "exhausted.",
    )


def token_is_locked() -> PlatformError:
    """One hundred wrong passwords."""
    return PlatformError(
        "error.platform.token.tooManyFailedPasswordAttempts",
        "Too many wrong password attempts, the token is locked.",
    )


def token_content_already_exists() -> PlatformError:
    """Only an empty token can be filled."""
    return PlatformError(
        "error.platform.token.contentUpdateNotPossibleBecauseContentAlreadyExists",
        "The token already has content. You can only update the content of a token if it has no content yet.",
    )


# --- relationships -------------------------------------------------------------------------------------------------

PEER_IS_TO_BE_DELETED = f"{_RELATIONSHIP}.peerIsToBeDeleted"
RELATIONSHIP_TO_TARGET_ALREADY_EXISTS = f"{_RELATIONSHIP}.relationshipToTargetAlreadyExists"


def peer_is_to_be_deleted() -> PlatformError:
    """The template's owner is leaving."""
    return PlatformError(
        PEER_IS_TO_BE_DELETED,
        "Cannot establish relationship with the owner of the template because the owner is in status 'ToBeDeleted'.",
    )


def relationship_to_target_already_exists() -> PlatformError:
    """One relationship per pair."""
    return PlatformError(
        RELATIONSHIP_TO_TARGET_ALREADY_EXISTS,
        "A relationship to the owner of the template already exists. If the relationship is terminated, you can "
        "reactivate it. Note that a relationship has to be decomposed by both parties before a new one can be created.",
    )


def cannot_create_relationship_with_yourself() -> PlatformError:
    """The template is the caller's own."""
    return PlatformError(
        f"{_RELATIONSHIP}.cannotCreateRelationshipWithYourself",
        "You cannot send a relationship request to yourself.",
    )


def relationship_not_in_status(*expected: str) -> PlatformError:
    """The operation needs one of the ``expected`` statuses."""
    return PlatformError(
        f"{_RELATIONSHIP}.relationshipIsNotInCorrectStatus",
        f"The relationship has to be in status '{' or '.join(expected)}' to perform this action.",
    )


def cannot_answer_for_someone_else() -> PlatformError:
    """Only the addressee accepts or rejects."""
    return PlatformError(
        f"{_RELATIONSHIP}.cannotAcceptOrRejectRelationshipAddressedToSomeoneElse",
        "You cannot accept or reject a relationship request that is addressed to someone else.",
    )


def cannot_revoke_for_someone_else() -> PlatformError:
    """Only the requester revokes."""
    return PlatformError(
        f"{_RELATIONSHIP}.cannotRevokeRelationshipNotCreatedByYourself",
        "You cannot revoke a relationship request that was not created by yourself.",
    )


def open_reactivation_request() -> PlatformError:
    """One request at a time."""
    return PlatformError(
        f"{_RELATIONSHIP}.cannotRequestReactivationWhenThereIsAnOpenReactivationRequest",
        "You cannot request reactivation when there is an open reactivation request.",
    )


def no_acceptable_reactivation_request() -> PlatformError:
    """None is open, or it is the caller's own."""
    return PlatformError(
        f"{_RELATIONSHIP}.noAcceptableRelationshipReactivationRequestExists",
        "There is no pending reactivation request or you are not allowed to accept it. A reactivation request can "
        "only be accepted by the identity that did not request it.",
    )


def no_rejectable_reactivation_request() -> PlatformError:
    """None is open, or it is the caller's own."""
    return PlatformError(
        f"{_RELATIONSHIP}.noRejectableReactivationRequestExists",
        "There is no pending reactivation request or you are not allowed to revoke it. A reactivation request can "
        "only be rejected by the identity that did not request it.",
    )


def no_revocable_reactivation_request() -> PlatformError:
    """None is open, or it is the peer's."""
    return PlatformError(
        f"{_RELATIONSHIP}.noRevocableReactivationRequestExists",
        "There is no pending reactivation request or you are not allowed to revoke it. A reactivation request can "
        "only be revoked by the identity that request it.",
    )


def relationship_already_decomposed() -> PlatformError:
    """For the caller this relationship is gone."""
    return PlatformError(f"{_RELATIONSHIP}.relationshipAlreadyDecomposed", "You already decomposed this Relationship.")


# --- messages, notifications and files -----------------------------------------------------------------------------


def no_relationship_to_recipient(address: str) -> PlatformError:
    """Strangers get no messages."""
    return PlatformError(
        f"{_VALIDATION}.message.noRelationshipToRecipientExists",
        f"Cannot send message to {address} because there is no relationship to it.",
    )


def relationship_to_recipient_not_active(address: str) -> PlatformError:
    """The relationship is over."""
    return PlatformError(
        f"{_VALIDATION}.message.relationshipToRecipientNotActive",
        f"Cannot send message to {address} because the relationship to it is not active.",
    )


def max_number_of_unreceived_messages_reached(address: str) -> PlatformError:
    """The recipient has to fetch some first."""
    return PlatformError(
        f"{_VALIDATION}.message.maxNumberOfUnreceivedMessagesReached",
        f"The message could not be sent because {address} already has the maximum number of unread messages from you.",
    )


def no_relationship_to_recipients(addresses: Iterable[str]) -> PlatformError:
    """Strangers get no notifications."""
    return PlatformError(
        f"{_VALIDATION}.notification.noRelationshipToOneOrMoreRecipientsExists",
        "You don't have a relationship to one or more recipients of the notification. A relationship is required to "
        f"send a notification. The invalid recipients are: : {', '.join(addresses)}",
    )


def notification_relationship_not_in_status(expected: Iterable[str]) -> PlatformError:
    """The relationship is over."""
    return PlatformError(
        f"{_VALIDATION}.notification.relationshipToRecipientIsNotInCorrectStatus",
        "The relationship to the recipient is not in the correct status for this operation. The valid statuses are: "
        f"{', '.join(expected)}.",
    )


def notification_code_does_not_exist(codes: Iterable[str]) -> PlatformError:
    """Codes are configured."""
    return PlatformError(
        f"{_VALIDATION}.notification.codeDoesNotExist",
        f"The given message code does not exist. Valid message codes are: {', '.join(codes)}",
    )


def cannot_claim_own_file() -> PlatformError:
    """There is nothing to claim."""
    return PlatformError(
        f"{_VALIDATION}.file.cannotClaimOwnershipOfOwnFile",
        "You cannot claim the ownership of a file you already own.",
    )


# --- synchronization -----------------------------------------------------------------------------------------------


def cannot_sync_while_to_be_deleted() -> PlatformError:
    """An identity that leaves gets no more events."""
    return PlatformError(
        f"{_SYNC_RUN}.cannotStartSyncRunWhileIdentityIsToBeDeleted",
        "Cannot start sync run because the identity is in status 'ToBeDeleted'.",
    )


def another_sync_run_is_running(id_: str) -> PlatformError:
    """One sync run at a time."""
    return PlatformError(
        f"{_SYNC_RUN}.cannotStartSyncRunWhenAnotherSyncRunIsRunning",
        f"Another sync run is currently active (ID: {id_}). There can only be one active sync run at a time. Try "
        "again in a few seconds.",
    )


def sync_run_already_finalized() -> PlatformError:
    """It is over."""
    return PlatformError(f"{_SYNC_RUN}.syncRunAlreadyFinalized", "This sync run is already finalized.")


def cannot_finalize_sync_run_of_another_device() -> PlatformError:
    """Only the device that started it."""
    return PlatformError(
        f"{_SYNC_RUN}.cannotFinalizeSyncRunStartedByAnotherDevice",
        "This sync was started by another device. You can only finalize a sync run with the device it was started "
        "from.",
    )


def cannot_refresh_sync_run_of_another_device() -> PlatformError:
    """Only the device that started it."""
    return PlatformError(
        f"{_SYNC_RUN}.cannotRefreshExpirationTimeOfSyncRunStartedByAnotherDevice",
        "This sync was started by another device. You can only extend the expiration time of a sync run with the "
        "device it was started from.",
    )


def cannot_read_events_of_another_device() -> PlatformError:
    """Only the device that started it."""
    return PlatformError(
        f"{_SYNC_RUN}.cannotReadExternalEventsOfASyncRunStartedByAnotherDevice",
        "This sync was started by another device. Only that device can read the corresponding external events.",
    )


def unexpected_sync_run_type(expected: str) -> PlatformError:
    """The other way of finalizing fits."""
    return PlatformError(
        f"{_SYNC_RUN}.unexpectedSyncRunType", f"The current operation only supports sync runs of type '{expected}'."
    )


def insufficient_supported_datawallet_version() -> PlatformError:
    """The client is too old for its datawallet."""
    return PlatformError(
        f"{_DATAWALLET}.insufficientSupportedDatawalletVersion",
        "The supported datawallet version sent with the request is lower than the actual version of the datawallet.",
    )


def cannot_push_during_active_sync_run() -> PlatformError:
    """First the sync run ends."""
    return PlatformError(
        f"{_DATAWALLET}.cannotPushDatawalletModificationsDuringActiveSyncRun",
        "There is an active sync run. In order to avoid conflicts it is not allowed to push new modifications while a "
        "sync run is active. Try again in a few seconds.",
    )


def datawallet_not_up_to_date(local_index: int | None, latest_index: int) -> PlatformError:
    """First pull, then push."""
    local = "null" if local_index is None else str(local_index)
    return PlatformError(
        f"{_DATAWALLET}.datawalletNotUpToDate",
        f"The sent localIndex '{local}' does not match the index of the latest modification ('{latest_index}'). This "
        "probably means that your local datawallet is not up to date. Make sure you applied all modifications from "
        "the backbone before pushing a new modification.",
    )


def cannot_downgrade_datawallet(current: int, target: int) -> PlatformError:
    """Versions only rise."""
    return PlatformError(
        "error.platform.datawallet.cannotDowngrade",
        f"You cannot upgrade from version '{current}' to '{target}', because it is not possible to upgrade to lower "
        "versions.",
    )


def modification_version_too_high(datawallet_version: int, modification_version: int) -> PlatformError:
    """First upgrade, then push."""
    return PlatformError(
        "error.platform.datawallet.datawalletVersionOfModificationTooHigh",
        f"Cannot add modifications with DatawalletVersion '{modification_version}', because the datawallet only has "
        f"version '{datawallet_version}'.",
    )
