"""All routes of the embedded Backbone."""

from __future__ import annotations

from collections.abc import Iterator

from trio_connector.embedded.api import (
    admin,
    announcements,
    devices,
    events,
    files,
    identities,
    messages,
    oauth,
    quotas,
    relationships,
    sync_runs,
    templates,
    tokens,
)
from trio_connector.embedded.api.call import Route
from trio_connector.embedded.settings import BackboneSettings

_ALWAYS = (
    oauth.ROUTES,
    oauth.ROOT_ROUTES,
    identities.ROUTES,
    devices.ROUTES,
    templates.ROUTES,
    tokens.ROUTES,
    relationships.ROUTES,
    messages.ROUTES,
    files.ROUTES,
    sync_runs.ROUTES,
    events.ROUTES,
    announcements.ROUTES,
    announcements.PUBLIC_ROUTES,
    quotas.ROUTES,
)


def routes(settings: BackboneSettings) -> Iterator[Route]:
    """Every route, as the settings ask for."""
    for resource in _ALWAYS:
        yield from resource.table
    if settings.admin_api_key is not None:
        yield from admin.ROUTES.table
