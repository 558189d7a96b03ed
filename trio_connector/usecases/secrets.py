"""Keeping and finding the synchronised secrets of an account (transport spec section 6, crypto spec section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trio_connector.crypto.channel import RelationshipSecrets, RequestSecrets
from trio_connector.crypto.exchange import ExchangeKeypair
from trio_connector.crypto.secret_containers import (
    KeptSecret,
    SecretContainer,
    next_index,
    open_shared_secret,
    seal_shared_secret,
    wrong_secret_type,
)
from trio_connector.domain.secret import SECRETS, SecretRecord
from trio_connector.errors import RecordNotFound

if TYPE_CHECKING:
    from trio_connector.store import Store, Unit
    from trio_connector.usecases.account import Account
    from trio_connector.usecases.services import Services

ACCOUNT_INFO = "AccountInfo"
_LAST_INDEX = "secret_lastnonce"


def store_secret(unit: Unit, services: Services, name: str, secret: KeptSecret) -> None:
    """Keep ``secret`` under ``name``; one that is active under that name is superseded."""
    for record in unit.select(SECRETS, name=name, active=1):
        unit.put(SECRETS, record.superseded(unit.now))
    last = unit.value(ACCOUNT_INFO, _LAST_INDEX)
    index = next_index(last if isinstance(last, int) else None)
    unit.put_value(ACCOUNT_INFO, _LAST_INDEX, index)
    sealed = seal_shared_secret(name, secret, services.account.shared_base_key, index, unit.now, services.entropy)
    unit.insert(SECRETS, msgspec.convert(sealed.to_json(False), SecretRecord))


def delete_active_secret(unit: Unit, name: str) -> None:
    """Forget the active secret of this name; superseded ones remain (transport 12.4)."""
    for record in unit.select(SECRETS, name=name, active=1):
        unit.delete(SECRETS, record.id)


def load_channel_secrets(store: Store | Unit, account: Account, name: str) -> RelationshipSecrets:
    """The secrets of an established channel.

    Raises RecordNotFound when there are none, ``secrets.wrongSecretType`` while the acceptance was not seen yet.
    """
    secret = load_relationship_secret(store, account, name)
    if isinstance(secret, RelationshipSecrets):
        return secret
    raise wrong_secret_type(name)


def load_relationship_secret(store: Store | Unit, account: Account, name: str) -> RelationshipSecrets | RequestSecrets:
    """What is kept for a relationship: request secrets until the acceptance is seen, then those of the channel."""
    secret = _load(store, account, name, "CryptoRelationshipRequestSecrets | CryptoRelationshipSecrets")
    if isinstance(secret, RelationshipSecrets | RequestSecrets):
        return secret
    raise wrong_secret_type(name)


def load_template_keypair(store: Store | Unit, account: Account, name: str) -> ExchangeKeypair:
    """The private part of an own template's key."""
    secret = _load(store, account, name, "CryptoExchangeKeypair")
    if isinstance(secret, ExchangeKeypair):
        return secret
    raise wrong_secret_type(name)


def _load(store: Store | Unit, account: Account, name: str, kind: str) -> KeptSecret:
    records = store.select(SECRETS, name=name, active=1)
    if not records:
        raise RecordNotFound(kind, name)
    record = records[0]
    cached = account.opened_secrets.get(record.id)
    if cached is None:
        container = SecretContainer.from_json(msgspec.to_builtins(record))
        cached = open_shared_secret(container, account.shared_base_key)
        account.opened_secrets[record.id] = cached
    return cached
