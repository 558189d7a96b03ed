"""Opening an account: its store, its Backbone, its keys, and everything use cases need (transport spec section 4).

The same way for the daemon, for the commands and for tests.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import structlog

import trio_connector
from trio_connector.backbone import Backbone, Credentials
from trio_connector.domain.collection import Collection
from trio_connector.domain.collections import ReferencedCollections, referenced_collections
from trio_connector.domain.consumption import CONSUMPTION_COLLECTIONS
from trio_connector.domain.device import DEVICES
from trio_connector.domain.identity_deletion import IDENTITY_DELETION_PROCESSES
from trio_connector.domain.message import MESSAGES
from trio_connector.domain.relationship import RELATIONSHIPS
from trio_connector.domain.secret import SECRETS
from trio_connector.errors import BackboneRequestError, ConnectorError, CoreError
from trio_connector.outgoing import Outgoing
from trio_connector.store import open_store
from trio_connector.usecases.account import open_account, platform_client_invalid, stored_credentials
from trio_connector.usecases.channel import ChannelCounters
from trio_connector.usecases.services import Clock, Entropy, Services
from trio_connector.usecases.sync import Synchronizer
from trio_connector.usecases.tags import TagCache

log = structlog.get_logger("ConnectorRuntime")

_MAX_BACKBONE_CONNECTIONS = 16


@dataclass(frozen=True, kw_only=True)
class AccountOptions:
    """Which account, at which Backbone. Times in seconds."""

    folder: Path | None
    """Where the database is; None keeps it in memory."""
    name: str = "default"
    base_url: str
    client_id: str
    client_secret: str = field(repr=False)
    hostname_override: str | None = None
    timeout_seconds: float = 60
    max_redirects: int = 10
    additional_headers: dict[str, str] = field(default_factory=dict, repr=False)
    allow_identity_creation: bool = True

    @property
    def hostname(self) -> str:
        """The host that stands in addresses."""
        return self.hostname_override or urlsplit(self.base_url).hostname or ""


def all_collections(referenced: ReferencedCollections) -> tuple[Collection[Any], ...]:
    """Every collection of an account."""
    return (
        DEVICES,
        SECRETS,
        RELATIONSHIPS,
        MESSAGES,
        IDENTITY_DELETION_PROCESSES,
        referenced.files,
        referenced.tokens,
        referenced.templates,
        *CONSUMPTION_COLLECTIONS,
    )


@asynccontextmanager
async def open_services(
    options: AccountOptions, *, outgoing: Outgoing, clock: Clock, entropy: Entropy
) -> AsyncIterator[Services]:
    """Everything use cases need, for as long as the block lasts; the synchronizer still has to be run.

    Raises CoreError ``general.baseUrlNotSet`` and its like for options that cannot be, what ``open_store`` and
    ``open_account`` raise, and ``general.platformClientInvalid`` when the Backbone refuses the stored device.
    """
    _check(options)
    referenced = referenced_collections(options.base_url)
    async with (
        open_store(
            options.folder,
            options.name,
            all_collections(referenced),
            clock=clock,
            entropy=entropy,
            prepared_version=f"{trio_connector.__version__} {options.base_url}",
        ) as store,
        outgoing.client(
            timeout_seconds=options.timeout_seconds,
            max_connections=_MAX_BACKBONE_CONNECTIONS,
            max_redirects=options.max_redirects,
        ) as client,
    ):

        def credentials() -> Credentials | None:
            return stored_credentials(store)

        backbone = Backbone(
            client,
            options.base_url,
            client_id=options.client_id,
            client_secret=options.client_secret,
            credentials=credentials,
            timeout_seconds=options.timeout_seconds,
            additional_headers=options.additional_headers,
        )
        known = store.value("AccountInfo", "identity") is not None
        account = await open_account(
            store,
            backbone,
            hostname=options.hostname,
            allow_identity_creation=options.allow_identity_creation,
            clock=clock,
            entropy=entropy,
        )
        if known:
            await _check_login(backbone)
        await check_compatibility(backbone)
        yield Services(
            account=account,
            store=store,
            backbone=backbone,
            collections=referenced,
            clock=clock,
            entropy=entropy,
            counters=ChannelCounters(store, entropy),
            synchronizer=Synchronizer(),
            tags=TagCache(),
        )


async def _check_login(backbone: Backbone) -> None:
    """Find out whether the Backbone still takes the device; one that does not answer is left in peace."""
    try:
        await backbone.access_token()
    except BackboneRequestError as error:
        if error.code == "error.transport.request.noAuthGrant":
            raise platform_client_invalid() from error
        log.warning("The Backbone cannot be reached. It is tried again with each synchronisation.", error=error.message)


async def check_compatibility(backbone: Backbone) -> None:
    """Refuse a Backbone of a version we do not speak; one that does not answer is left in peace (transport 3)."""
    try:
        compatibility = await backbone.version.check_compatibility()
    except BackboneRequestError as error:
        log.warning("The version of the Backbone is not known.", error=error.message)
        return
    if not compatibility.is_compatible:
        raise ConnectorError("error.connector.incompatibleBackbone", compatibility.refusal)


def _check(options: AccountOptions) -> None:
    if not options.client_id:
        raise CoreError("error.transport.general.platformClientIdNotSet", "The platform clientId was not set.")
    if not options.client_secret:
        raise CoreError("error.transport.general.platformClientSecretNotSet", "The platform clientSecret was not set.")
    if not options.base_url:
        raise CoreError("error.transport.general.baseUrlNotSet", "The baseUrl was not set.")
    if "|" in options.base_url:
        raise CoreError(
            "error.transport.general.invalidBaseUrl", "The baseUrl is invalid since it contains a vertical bar |."
        )
