"""Where an account's options stand in the settings."""

from __future__ import annotations

from trio_connector.outgoing import Outgoing, Pins
from trio_connector.settings import Settings
from trio_connector.usecases.opening import AccountOptions


def account_options(settings: Settings) -> AccountOptions:
    """Which account the settings name, and how its Backbone is reached."""
    transport = settings.transport_library
    return AccountOptions(
        folder=settings.database.folder_path,
        name=settings.database.db_name,
        base_url=transport.base_url,
        client_id=transport.platform_client_id,
        client_secret=transport.platform_client_secret,
        hostname_override=transport.address_generation_hostname_override,
        timeout_seconds=transport.platform_timeout / 1000,
        max_redirects=transport.platform_max_redirects,
        additional_headers=transport.platform_additional_headers,
        allow_identity_creation=transport.allow_identity_creation,
    )


def outgoing(settings: Settings) -> Outgoing:
    """The way out that the settings ask for, certificate pins included."""
    return Outgoing(Pins(settings.pinned_fingerprints, enforce=settings.enforce_certificate_pinning))
