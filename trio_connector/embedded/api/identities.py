"""Challenges, identities, their deletion and feature flags (Backbone spec sections 4 and 6)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from trio_connector.crypto.addresses import create_address
from trio_connector.embedded.api.call import Call, Reply, Request, Routes, created, no_content, result, text_of
from trio_connector.embedded.api.fields import Fields
from trio_connector.embedded.api.oauth import client_is_known
from trio_connector.embedded.domain import challenges, deletion, errors, passwords, rules
from trio_connector.embedded.domain.challenges import SignedChallenge
from trio_connector.embedded.domain.deletion import DeletionProcess
from trio_connector.embedded.domain.moments import written, written_or_none
from trio_connector.embedded.domain.relationships import ACTIVE, ALLOWING_MESSAGES, PENDING
from trio_connector.embedded.settings import BackboneSettings
from trio_connector.embedded.store import devices as device_store
from trio_connector.embedded.store import identities as store
from trio_connector.embedded.store.database import Row, Transaction
from trio_connector.embedded.store.events import add_event
from trio_connector.embedded.store.relationships import relationships_between, relationships_of
from trio_connector.embedded.store.templates import allocators_of_templates_of, has_allocated_template_of

if TYPE_CHECKING:
    from trio_connector.embedded.api.app import BackboneApp

DEFAULT_LANGUAGE = "en"
_MAX_FLAG_NAME = 200
_MAX_IDENTITY_VERSION = 255

ROUTES = Routes()


# --- challenges ----------------------------------------------------------------------------------------------------


@ROUTES.add("POST", "/Challenges", anonymous=True)
def create_challenge(call: Call) -> Reply:
    """A text to sign, for anybody."""
    caller = call.request.caller
    by, device_id = (None, None) if caller is None else (caller.address, caller.device_id)
    row = (call.tx.new_id("CHL"), call.now + challenges.LIFETIME, by, device_id)
    store.insert_challenge(call.tx, *row)
    return created(_challenge_dto(row))


@ROUTES.add("GET", "/Challenges/{}", reads=True)
def get_challenge(call: Call) -> Reply:
    """Anybody's challenge, until an hour after its expiry."""
    row = store.challenge(call.tx, call.id_("CHL"))
    if row is None or row[1] + challenges.READABLE_AFTER_EXPIRY <= call.now:
        raise errors.not_found()
    return result(_challenge_dto(row))


def _challenge_dto(row: Row) -> dict[str, Any]:
    id_, expires_at, created_by, created_by_device = row
    return {
        "id": id_,
        "expiresAt": written(expires_at),
        "createdBy": created_by,
        "createdByDevice": created_by_device,
    }


def signed_challenge(fields: Fields) -> SignedChallenge:
    """The ``signedChallenge`` of a request."""
    inner = fields.object("signedChallenge")
    signed = SignedChallenge(inner.text("challenge"), inner.data("signature"))
    rules.not_empty("signature", signed.signature)
    rules.not_empty("challenge", signed.text)
    return signed


def check_challenge(tx: Transaction, signed: SignedChallenge, public_key: bytes) -> None:
    """Raises PlatformError when the signature is wrong, or the challenge unknown or expired."""
    challenges.check_signature(signed, public_key)
    challenges.check_expiry(store.challenge_expiry(tx, signed.challenge_id()), tx.now)


# --- identities ----------------------------------------------------------------------------------------------------


@ROUTES.free("POST", "/Identities", anonymous=True)
async def create_identity(app: BackboneApp, request: Request) -> Reply:
    """An identity with its first device. The password is hashed before the transaction, because that takes its time."""
    fields = request.fields
    client_id, client_secret = fields.text("clientId"), fields.text("clientSecret")
    encoded_key = fields.data("identityPublicKey")
    rules.not_empty("identityPublicKey", encoded_key)
    password = fields.text("devicePassword")
    rules.not_empty("devicePassword", password)
    version = fields.integer("identityVersion")
    if not 0 <= version <= _MAX_IDENTITY_VERSION:
        raise errors.cannot_be_parsed("identityVersion", "The value is not a byte.")
    signed = signed_challenge(fields)
    language = language_of(fields, "deviceCommunicationLanguage")
    if not client_is_known(app.settings, client_id, client_secret):
        raise errors.client_unauthorized()
    key = challenges.public_key_of(encoded_key)
    check_password(app.settings, password)
    hashed = await app.hashed(password)
    create = partial(
        _create_identity,
        settings=app.settings,
        client_id=client_id,
        key=key,
        version=version,
        signed=signed,
        password=hashed,
        language=language,
    )
    return await app.database.write(create)


def _create_identity(
    tx: Transaction,
    *,
    settings: BackboneSettings,
    client_id: str,
    key: bytes,
    version: int,
    signed: SignedChallenge,
    password: bytes,
    language: str,
) -> Reply:
    check_challenge(tx, signed, key)
    address = create_address(key, settings.did_domain_name)
    if store.identity_status(tx, address) is not None:
        raise errors.address_already_exists()
    if settings.max_identities is not None and store.count_identities(tx, client_id) >= settings.max_identities:
        raise errors.client_reached_identities_limit()
    device_id, username = tx.new_id("DVC"), tx.new_id("USR")
    store.insert_identity(tx, address, key, client_id, version)
    device_store.insert_device(
        tx,
        id_=device_id,
        address=address,
        username=username,
        password=password,
        created_by_device=device_id,
        language=language,
        is_backup=False,
    )
    now = written(tx.now)
    device = {"id": device_id, "username": username, "createdAt": now}
    return created({"address": address, "createdAt": now, "device": device})


def check_password(settings: BackboneSettings, password: str) -> None:
    """Raises PlatformError for a weak password, where strong ones are asked for."""
    weakness = passwords.weakness(password) if settings.strict_passwords else None
    if weakness is not None:
        raise errors.registration_failed(weakness)


def language_of(fields: Fields, name: str) -> str:
    """A language for push notifications; English when none is given."""
    language = fields.optional_text(name)
    if language is not None and language not in rules.LANGUAGES:
        raise errors.invalid_device_communication_language(
            "The Device Communication Language must be a valid two letter ISO code"
        )
    return language or DEFAULT_LANGUAGE


@ROUTES.add("GET", "/Identities/Self", reads=True)
def get_own_identity(call: Call) -> Reply:
    """The caller's identity."""
    row = store.identity(call.tx, call.me)
    if row is None:
        raise errors.not_found("Identity")
    address, public_key, client_id, version, created_at, status = row
    return result(
        {
            "address": address,
            "clientId": client_id,
            "publicKey": text_of(public_key),
            "identityVersion": version,
            "createdAt": written(created_at),
            "status": status,
            "devices": [device.id for device in device_store.devices_of(call.tx, address)],
        }
    )


@ROUTES.add("GET", "/Identities/IsDeleted", anonymous=True, reads=True)
def is_identity_deleted(call: Call) -> Reply:
    """Whether the identity of a user is gone, or as good as gone (Backbone spec 6.4)."""
    username = call.query.text("username") or ""
    rules.valid_id("username", username, "USR")
    exists, grace_ends_at = device_store.grace_end_of_user(call.tx, username)
    if exists:
        is_deleted = deletion.grace_is_over(grace_ends_at, call.now)
        return result({"isDeleted": is_deleted, "deletionDate": written_or_none(grace_ends_at) if is_deleted else None})
    deleted_at = device_store.deletion_of_user(call.tx, username)
    return result({"isDeleted": deleted_at is not None, "deletionDate": written_or_none(deleted_at)})


# --- deletion processes --------------------------------------------------------------------------------------------


@ROUTES.add("POST", "/Identities/Self/DeletionProcesses")
def start_deletion_process(call: Call) -> Reply:
    """The identity will be deleted when the grace period is over."""
    fields = call.optional_fields
    grace_ends_at = deletion.grace_end(fields.optional_number("lengthOfGracePeriodInDays"), call.now)
    deletion.check_may_start(store.identity_status(call.tx, call.me) or deletion.DELETING)
    process = DeletionProcess(
        call.tx.new_id("IDP"), call.me, deletion.ACTIVE, call.now, call.caller.device_id, grace_ends_at
    )
    store.insert_process(call.tx, process)
    store.set_identity_status(call.tx, call.me, deletion.TO_BE_DELETED, grace_ends_at)
    tell_peers(call.tx, call.me, "PeerToBeDeleted", {"deletionDate": written(grace_ends_at)})
    call.tx.signal(call.me, "DeletionProcessStarted")
    return created(_process_dto(process))


@ROUTES.add("PUT", "/Identities/Self/DeletionProcesses/{}/Cancel")
def cancel_deletion_process(call: Call) -> Reply:
    """The identity stays."""
    process = store.process_of(call.tx, call.me, call.id_("IDP", name="deletionProcessId"))
    if process is None:
        raise errors.plain_not_found("IdentityDeletionProcess")
    process = deletion.cancelled(process, call.now)
    store.update_process(call.tx, process)
    store.set_identity_status(call.tx, call.me, deletion.ACTIVE, None)
    tell_peers(call.tx, call.me, "PeerDeletionCancelled", {})
    call.tx.signal(call.me, "DeletionProcessCancelledByOwner")
    return result(_process_dto(process))


@ROUTES.add("GET", "/Identities/Self/DeletionProcesses/{}", reads=True)
def get_deletion_process(call: Call) -> Reply:
    """One of the caller's processes."""
    process = store.process_of(call.tx, call.me, call.id_("IDP"))
    if process is None:
        raise errors.not_found("IdentityDeletionProcess")
    return result(_process_dto(process))


@ROUTES.add("GET", "/Identities/Self/DeletionProcesses", reads=True)
def list_deletion_processes(call: Call) -> Reply:
    """All of the caller's processes."""
    return result([_process_dto(process) for process in store.processes_of(call.tx, call.me)])


def tell_peers(tx: Transaction, address: str, event: str, payload: dict[str, Any]) -> None:
    """Everybody whose relationship to ``address`` is not over."""
    for relationship in relationships_of(tx, address):
        if relationship.status in ALLOWING_MESSAGES:
            peer = relationship.peer_of(address)
            add_event(tx, peer, event, {"relationshipId": relationship.id, **payload})


def _process_dto(process: DeletionProcess) -> dict[str, Any]:
    created_at = written(process.created_at)
    return {
        "id": process.id,
        "status": process.status,
        "createdAt": created_at,
        "createdByDevice": process.created_by_device,
        "approvedAt": created_at,
        "approvedByDevice": process.created_by_device,
        "gracePeriodEndsAt": written_or_none(process.grace_ends_at),
        "gracePeriodReminder1SentAt": written_or_none(process.reminders_sent_at[0]),
        "gracePeriodReminder2SentAt": written_or_none(process.reminders_sent_at[1]),
        "gracePeriodReminder3SentAt": written_or_none(process.reminders_sent_at[2]),
    }


# --- feature flags -------------------------------------------------------------------------------------------------


@ROUTES.add("PATCH", "/Identities/Self/FeatureFlags")
def change_feature_flags(call: Call) -> Reply:
    """Switch some flags on or off, and tell everybody who may read them."""
    flags = call.fields.flags_by_name()
    if any(not 1 <= len(name) <= _MAX_FLAG_NAME for name in flags):
        raise errors.invalid_property("Invalid feature flag name. Check length and the used characters.")
    maximum = call.settings.max_feature_flags
    if len(store.feature_flags(call.tx, call.me).keys() | flags.keys()) > maximum:
        raise errors.max_number_of_feature_flags_exceeded(maximum)
    store.put_feature_flags(call.tx, call.me, flags)
    for reader in _readers_of_feature_flags(call.tx, call.me):
        add_event(call.tx, reader, "PeerFeatureFlagsChanged", {"peerAddress": call.me})
    return no_content()


@ROUTES.add("GET", "/Identities/{}/FeatureFlags", reads=True)
def list_feature_flags(call: Call) -> Reply:
    """The flags of oneself, of a peer, or of somebody whose template the caller has read."""
    address = call.request.arguments[0]
    rules.valid_address("identityAddress", address)
    may_read = (
        address == call.me
        or relationships_between(call.tx, call.me, address)
        or has_allocated_template_of(call.tx, call.me, address)
    )
    if not may_read or store.identity_status(call.tx, address) is None:
        raise errors.not_found("Identity")
    return result(store.feature_flags(call.tx, address))


def _readers_of_feature_flags(tx: Transaction, address: str) -> list[str]:
    peers = [
        relationship.peer_of(address)
        for relationship in relationships_of(tx, address)
        if relationship.status in (PENDING, ACTIVE)
    ]
    return list(dict.fromkeys([*peers, *allocators_of_templates_of(tx, address)]))
