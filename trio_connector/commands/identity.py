"""``identity`` and ``identityDeletion``: look at the own identity, and ask for its end (connector spec 1.1)."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from trio_connector.commands.backbone import backbone_if_embedded
from trio_connector.crypto.dates import parse_date
from trio_connector.daemon import account_options
from trio_connector.outgoing import Outgoing, Pins
from trio_connector.settings import Settings
from trio_connector.usecases.identity_deletion import (
    active_deletion_process,
    cancel_identity_deletion,
    initiate_identity_deletion,
)
from trio_connector.usecases.opening import open_services
from trio_connector.usecases.services import Services


async def identity_status(settings: Settings) -> str:
    """The own address and, with a deletion under way, its status and the end of its grace period."""
    async with _services(settings) as services:
        lines = [f"Identity Address: {services.address}"]
        process = active_deletion_process(services.store)
        if process is not None:
            lines.append(f"Identity deletion status: {process.status}")
            if process.grace_period_ends_at is not None:
                end = parse_date(process.grace_period_ends_at).astimezone()
                lines.append(f"End of grace period: {end.month}/{end.day}/{end.year}")
        return "\n".join(lines)


async def initiate_deletion(settings: Settings) -> str:
    """Start to delete the own identity; raises ConnectorError when that is under way."""
    async with _services(settings) as services:
        await initiate_identity_deletion(services)
        return "Identity deletion initiated"


async def cancel_deletion(settings: Settings) -> str:
    """Cancel the deletion of the own identity; raises ConnectorError when there is none."""
    async with _services(settings) as services:
        await cancel_identity_deletion(services)
        return "Identity deletion cancelled"


@asynccontextmanager
async def _services(settings: Settings) -> AsyncIterator[Services]:
    pins = Pins(settings.pinned_fingerprints, enforce=settings.enforce_certificate_pinning)
    async with (
        backbone_if_embedded(settings) as base_url,
        open_services(
            account_options(settings, base_url),
            outgoing=Outgoing(pins),
            clock=lambda: datetime.now(UTC),
            entropy=secrets.token_bytes,
        ) as services,
    ):
        yield services
