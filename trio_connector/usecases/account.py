"""The own account: created at first, found later, repaired when its creation was cut (transport 4, 22.2).

Everything an account is made of - identity, device, keys - is stored in one unit of work. A process that dies between
the Backbone's creation of the identity and that unit leaves an identity at the Backbone that nobody can use, and the
next start creates another. One that dies after it finds the account; an upgrade run that is missing is made up for by
the next synchronisation.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
import structlog

from trio_connector.backbone import Backbone, Credentials, NewIdentity
from trio_connector.crypto.addresses import create_address
from trio_connector.crypto.challenges import Challenge, sign_challenge
from trio_connector.crypto.ciphers import SecretKey
from trio_connector.crypto.dates import iso
from trio_connector.crypto.passwords import device_password
from trio_connector.crypto.secret_containers import (
    DEVICE_CREDENTIALS,
    DEVICE_SIGNATURE,
    IDENTITY_SIGNATURE,
    SHARED_BASE_KEY,
    SYNCHRONIZATION_MASTER,
    DeviceCredentials,
    KeptSecret,
    SecretContainer,
    open_device_secret,
    seal_device_secret,
    secret_not_found,
    wrong_secret_type,
)
from trio_connector.crypto.signatures import SignatureKeypair, SignaturePrivateKey
from trio_connector.domain.device import DEVICES, Device
from trio_connector.domain.identity import Identity
from trio_connector.errors import BackboneRequestError, CoreError, UnexpectedCondition
from trio_connector.store import Store, Unit
from trio_connector.usecases.reachability import running_sync_run
from trio_connector.usecases.secrets import ACCOUNT_INFO
from trio_connector.usecases.services import Clock, Entropy

DEVICE_SECRETS = "DeviceSecrets"
SYNC_INFO = "SyncInfo"
DATAWALLET_VERSION = 1
IDENTITY_VERSION = 1
_DATAWALLET_INDEX = "localDatawalletModificationIndex"
_OPENED_SECRETS_KEPT = 4096

log = structlog.get_logger("Transport.AccountController")


class OpenedSecrets(OrderedDict[str, KeptSecret]):
    """Secrets that were decrypted lately, by container id, so that a busy channel is not decrypted again and again."""

    def __setitem__(self, key: str, value: KeptSecret) -> None:
        super().__setitem__(key, value)
        if len(self) > _OPENED_SECRETS_KEPT:
            self.popitem(last=False)

    def __repr__(self) -> str:
        return f"OpenedSecrets({len(self)})"


@dataclass(frozen=True)
class Account:
    """An identity with this process as its device. The keys hide themselves in ``repr``."""

    identity: Identity
    device_id: str
    identity_key: SignaturePrivateKey
    device_key: SignaturePrivateKey
    shared_base_key: SecretKey
    synchronization_key: SecretKey
    opened_secrets: OpenedSecrets = field(default_factory=OpenedSecrets, repr=False, compare=False)


def no_identity_found() -> CoreError:
    """There is no identity, and none may be created."""
    return CoreError(
        "error.transport.general.noIdentityFound", "No Identity was found and the identity creation is not enabled."
    )


def platform_client_invalid() -> CoreError:
    """The Backbone does not know this OAuth client."""
    return CoreError(
        "error.transport.general.platformClientInvalid",
        "The combination of platform clientId and clientSecret is invalid.",
    )


def stored_credentials(store: Store) -> Credentials | None:
    """With what the stored device logs in at the Backbone; None before the account exists."""
    base_key = store.value(ACCOUNT_INFO, "baseKey")
    if base_key is None or store.value(DEVICE_SECRETS, DEVICE_CREDENTIALS) is None:
        return None
    secret = _device_secret(store, SecretKey.from_json(base_key), DEVICE_CREDENTIALS, DeviceCredentials)
    return Credentials(username=secret.username, password=secret.password)


async def open_account(
    store: Store,
    backbone: Backbone,
    *,
    hostname: str,
    allow_identity_creation: bool,
    clock: Clock,
    entropy: Entropy,
) -> Account:
    """Find the account in ``store``, or create it at the Backbone (transport 4.1, 4.2).

    ``hostname`` is what stands in the address. An existing account needs no Backbone. Raises CoreError
    ``general.noIdentityFound`` or ``general.platformClientInvalid``, BackboneRequestError when the Backbone is needed
    and does not answer, and UnexpectedCondition when what is stored is no account or the Backbone's address is another.
    """
    identity, device = store.value(ACCOUNT_INFO, "identity"), store.value(ACCOUNT_INFO, "device")
    if (identity is None) != (device is None):
        raise UnexpectedCondition("The combination of deviceSharedSecret, existing identity or device is not allowed.")
    if identity is None:
        if not allow_identity_creation:
            raise no_identity_found()
        await _create(store, backbone, hostname=hostname, clock=clock, entropy=entropy)
    return load_account(store)


def load_account(store: Store) -> Account:
    """The stored account; raises ``secrets.secretNotFound`` when a key of it is missing."""
    base_key_json = store.value(ACCOUNT_INFO, "baseKey")
    if base_key_json is None:
        raise secret_not_found("BaseKey")
    base_key = SecretKey.from_json(base_key_json)
    return Account(
        identity=msgspec.convert(store.value(ACCOUNT_INFO, "identity"), Identity),
        device_id=msgspec.convert(store.value(ACCOUNT_INFO, "device"), Device).id,
        identity_key=_device_secret(store, base_key, IDENTITY_SIGNATURE, SignaturePrivateKey),
        device_key=_device_secret(store, base_key, DEVICE_SIGNATURE, SignaturePrivateKey),
        shared_base_key=_device_secret(store, base_key, SHARED_BASE_KEY, SecretKey),
        synchronization_key=_device_secret(store, base_key, SYNCHRONIZATION_MASTER, SecretKey),
    )


async def ensure_datawallet(store: Store, backbone: Backbone) -> None:
    """Make up for the upgrade run of an account whose creation ended before it (transport 4.1 step 9, 22.2).

    Costs nothing when it is known to have happened. Raises BackboneRequestError.
    """
    if store.value(SYNC_INFO, _DATAWALLET_INDEX) is not None:
        return
    await upgrade_datawallet(backbone)
    await store.transact(lambda unit: unit.put_value(SYNC_INFO, _DATAWALLET_INDEX, -1))


async def upgrade_datawallet(backbone: Backbone) -> None:
    """Create the datawallet; without it the Backbone refuses every synchronisation."""
    try:
        run = await backbone.sync_runs.start_datawallet_version_upgrade()
    except BackboneRequestError as error:
        run_id = running_sync_run(error)  # of an earlier attempt, whose answer was lost
        if run_id is None:
            raise
    else:
        if run.sync_run is None:
            raise UnexpectedCondition("The Backbone did not start the datawallet version upgrade.")
        run_id = run.sync_run.id
    await backbone.sync_runs.finalize_datawallet_version_upgrade(run_id, DATAWALLET_VERSION)


async def _create(store: Store, backbone: Backbone, *, hostname: str, clock: Clock, entropy: Entropy) -> None:
    identity_keys = SignatureKeypair.generate(entropy)
    device_keys = SignatureKeypair.generate(entropy)
    shared_base_key = SecretKey.generate(entropy)
    base_key = SecretKey.generate(entropy)
    synchronization_key = SecretKey.generate(entropy)
    password = device_password(entropy)

    issued = await backbone.challenges.create_anonymously()
    challenge = Challenge(id=issued.id, expires_at=issued.expires_at, type="Identity")
    try:
        created: NewIdentity = await backbone.identities.create(
            device_password=password,
            identity_public_key=identity_keys.public_key.to_base64(),
            signed_challenge=sign_challenge(challenge, identity_keys.private_key).to_json(False),
            identity_version=IDENTITY_VERSION,
        )
    except BackboneRequestError as error:
        if error.code == "error.platform.unauthorized":
            raise platform_client_invalid() from error
        raise
    address = create_address(identity_keys.public_key.key, hostname)
    if created.address != address:
        raise UnexpectedCondition(
            f"The Backbone address '{created.address}' does not match the local address '{address}'."
        )

    now = iso(clock())
    identity = Identity(address=address, public_key=identity_keys.public_key.to_json(False))
    device = Device(
        id=created.device.id,
        public_key=device_keys.public_key.to_json(False),
        operating_system="",
        type=0,
        created_at=created.created_at,
        created_by_device=created.device.id,
        last_login_at=now,
        username=created.device.username,
        is_backup_device=False,
        datawallet_version=DATAWALLET_VERSION,
    )
    secrets: dict[str, KeptSecret] = {
        SHARED_BASE_KEY: shared_base_key,
        SYNCHRONIZATION_MASTER: synchronization_key,
        IDENTITY_SIGNATURE: identity_keys.private_key,
        DEVICE_SIGNATURE: device_keys.private_key,
        DEVICE_CREDENTIALS: DeviceCredentials(created.device.id, created.device.username, password),
    }

    def keep(unit: Unit) -> None:
        unit.put_value(ACCOUNT_INFO, "device", device)
        unit.put_value(ACCOUNT_INFO, "identity", identity)
        unit.put_value(ACCOUNT_INFO, "baseKey", base_key.to_json())
        for name, secret in secrets.items():
            unit.put_value(DEVICE_SECRETS, name, seal_device_secret(name, secret, base_key, now, entropy).to_json())
        unit.insert(DEVICES, device)

    await store.transact(keep)
    log.info("Created the identity", address=address)
    try:
        await ensure_datawallet(store, backbone)
    except BackboneRequestError as error:
        log.warning("The account is completed with the next synchronisation", code=error.code, error=error.message)


S = TypeVar("S", SecretKey, SignaturePrivateKey, DeviceCredentials)


def _device_secret(store: Store, base_key: SecretKey, name: str, kind: type[S]) -> S:
    stored = store.value(DEVICE_SECRETS, name)
    if stored is None:
        raise secret_not_found(name)
    secret = open_device_secret(SecretContainer.from_json(stored), base_key)
    if not isinstance(secret, kind):
        raise wrong_secret_type()
    return secret
