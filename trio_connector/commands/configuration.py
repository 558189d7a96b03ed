"""``config``: check, show and describe the configuration."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from trio_connector.errors import ConnectorError
from trio_connector.modules.assembly import check, place_of
from trio_connector.settings import Settings


def module_mistakes(settings: Settings, clock: Callable[[], datetime]) -> list[str]:
    """What the modules themselves would refuse at the start: the first mistake of each. Connects to nothing."""
    found = []
    for module in settings.modules.values():
        if module.enabled:
            try:
                check(module, settings, clock=clock)
            except ConnectorError as error:
                found.append(f"instance.{place_of(module, error)}: {error.message}")
    return found
