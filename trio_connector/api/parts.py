"""What the API is made of: everything `create_app` needs from the rest of the daemon."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import trio

from trio_connector.domain.identity import identity_dto
from trio_connector.outgoing import Outgoing, current_outgoing

if TYPE_CHECKING:
    from trio_connector.events.bus import EventBus
    from trio_connector.settings import Settings
    from trio_connector.usecases.services import Services

Clock = Callable[[], datetime]
Entropy = Callable[[int], bytes]


@dataclass(frozen=True)
class BuildInformation:
    """Which software this is, as ``/Monitoring/Version`` shows it; all texts."""

    version: str
    build: str = "0"
    date: str = ""
    commit: str = ""


@dataclass(frozen=True)
class Health:
    """What ``/health`` tells: each service is healthy or not."""

    database: bool
    backbone_connection: bool
    backbone_authentication: bool

    @property
    def is_healthy(self) -> bool:
        """Whether everything is."""
        return self.database and self.backbone_connection and self.backbone_authentication


class HealthCheck(Protocol):
    """Looks whether everything works; simultaneous callers share one look."""

    async def __call__(self) -> Health:
        """The state of the services; within a bounded time."""
        ...


@dataclass(frozen=True, kw_only=True)
class ApiParts:
    """The API's surroundings; all of it lives as long as the daemon's nursery.

    ``services`` are what use cases work with (`usecases.services.Services`). ``health`` looks at database and Backbone.
    ``configuration`` is what ``/Monitoring/Support`` shows, without any secret. ``bus`` has subscribers and live
    streams; without it there are no routes for events. ``outgoing`` makes the clients that ask an identity provider.
    ``stopping`` is set when the daemon stops: the live streams say good-bye then. ``change_limit_seconds`` is how long
    an operation may take that changes something or asks the Backbone, ``read_limit_seconds`` one that only reads the
    store. ``core_api`` switches the routes of ``/api`` on.
    """

    settings: Settings
    services: Services
    health: HealthCheck
    clock: Clock
    entropy: Entropy
    configuration: Mapping[str, Any]
    bus: EventBus | None = None
    outgoing: Outgoing = field(default_factory=current_outgoing)
    stopping: trio.Event = field(default_factory=trio.Event)
    build: BuildInformation = field(default_factory=lambda: BuildInformation(version="0.1.0"))
    runtime_version: str = "7.5.11"
    change_limit_seconds: float = 120.0
    read_limit_seconds: float = 60.0
    core_api: bool = True
    max_file_bytes: int = 10_485_760

    @cached_property
    def identity_info(self) -> bytes:
        """The own identity's DTO as JSON; it never changes."""
        return msgspec.json.encode(identity_dto(self.services.account.identity))
