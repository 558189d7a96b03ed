"""All routes of the embedded Backbone."""

from __future__ import annotations

from collections.abc import Iterator

from trio_connector.embedded.api import (
    devices,
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


def routes(settings: BackboneSettings) -> Iterator[Route]:
    """Every route, as the settings ask for."""
    for module in (oauth, identities, devices, templates, tokens, relationships, messages, sync_runs, quotas):
        yield from module.ROUTES.table
    yield from oauth.ROOT_ROUTES.table
