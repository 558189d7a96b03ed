"""Making and meeting the password protection of tokens and templates (crypto 8). Hashing runs in threads."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import msgspec
import trio

from trio_connector.crypto.password_protection import PasswordProtection as ProtectionKeys
from trio_connector.crypto.password_protection import create_protection, hash_for_loading
from trio_connector.crypto.references import Reference, not_intended_for_you
from trio_connector.domain.password_protection import PasswordProtection, PasswordProtectionParameters
from trio_connector.errors import ConnectorError
from trio_connector.usecases.services import Services

T = TypeVar("T")

_hashing = trio.CapacityLimiter(1)
"""One hash takes 20 MiB and some tens of milliseconds of a core; two at once would only starve the loop."""

HASHING_SECONDS = 30
"""Who has waited so long for its turn is turned away."""


async def protect(
    services: Services, parameters: PasswordProtectionParameters | None
) -> tuple[PasswordProtection | None, str | None]:
    """The protection to keep, and the hash for the Backbone; both None without parameters."""
    if parameters is None:
        return None, None
    protection = create_protection(parameters.password, parameters.is_pin, parameters.location_number, services.entropy)
    hashed = await _hashed(protection.hash)
    return msgspec.convert(protection.to_json(False), PasswordProtection), hashed


def check_password_given(reference: Reference, password: str | None) -> None:
    """Raise ``error.transport.noPasswordProvided`` when the object is protected and there is no password."""
    if reference.password_protection is not None and not password:
        hash_for_loading(reference.password_protection, None)


async def password_for(services: Services, reference: Reference, password: str | None) -> str | None:
    """What to tell the Backbone to be given the object; None when it is not protected.

    Raises ``error.transport.noPasswordProvided`` and, for an object meant for somebody else,
    ``error.transport.general.notIntendedForYou``.
    """
    check_password_given(reference, password)
    if not reference.is_for(services.address):
        raise not_intended_for_you(reference.id)
    if reference.password_protection is None:
        return None
    return await _hashed(partial(hash_for_loading, reference.password_protection, password))


def known_protection(reference: Reference, password: str | None) -> PasswordProtection | None:
    """The protection of a loaded object as it is kept."""
    if reference.password_protection is None or password is None:
        return None
    shared = reference.password_protection
    kept = ProtectionKeys(shared.password_type, shared.salt, password, shared.location_indicator)
    return msgspec.convert(kept.to_json(False), PasswordProtection)


async def _hashed(work: Callable[[], T]) -> T:
    with trio.move_on_after(HASHING_SECONDS):
        return await trio.to_thread.run_sync(work, limiter=_hashing)
    raise ConnectorError(
        "error.connector.unavailable", "The Connector cannot do this right now. Please try again.", status=503
    )
