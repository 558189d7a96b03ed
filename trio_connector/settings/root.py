"""The root of the configuration: ``Settings``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from trio_connector.settings.authentication import ApiKey, ApiKeySettings
from trio_connector.settings.database import DatabaseSettings
from trio_connector.settings.event_log import EventLogSettings
from trio_connector.settings.infrastructure import InfrastructureSettings
from trio_connector.settings.logs import LoggingSettings
from trio_connector.settings.modules import ModuleSettings
from trio_connector.settings.section import OpenSection
from trio_connector.settings.transport import TransportSettings


class Settings(OpenSection, frozen=True, kw_only=True, rename="camel"):
    """A complete, checked configuration. Unknown top-level keys were allowed and ignored.

    Make one with ``load`` or ``parse``. ``modules`` keeps the order of start.
    """

    debug: Annotated[
        bool, Meta(description="Debug mode: details in errors, documentation pages, identity deletion routes.")
    ] = False
    transport_library: Annotated[TransportSettings, Meta(description="The Backbone and how to reach it.")]
    database: Annotated[DatabaseSettings, Meta(description="Where the identity is kept.")] = DatabaseSettings()
    logging: Annotated[LoggingSettings, Meta(description="What is logged where.")] = LoggingSettings()
    infrastructure: Annotated[InfrastructureSettings, Meta(description="The HTTP server and other servers.")] = (
        InfrastructureSettings()
    )
    modules: dict[str, ModuleSettings] = msgspec.field(default_factory=dict)
    events: Annotated[EventLogSettings, Meta(description="The event log.")] = EventLogSettings()
    grace_period_seconds: Annotated[
        float,
        Meta(gt=0, le=3600, description="How long open work may take to end when the Connector stops, in seconds."),
    ] = 10
    pinned_fingerprints: Annotated[
        dict[str, tuple[str, ...]] | None,
        Meta(
            description="SHA-256 fingerprints of the accepted certificates by host name. "
            "Checked on every outgoing TLS connection."
        ),
    ] = msgspec.field(default=None, name="pinnedTLSCertificateSHA256Fingerprints")
    enforce_certificate_pinning: Annotated[
        bool, Meta(description="With pins given: refuse TLS connections to hosts that have none.")
    ] = False

    @property
    def needs_generated_api_key(self) -> bool:
        """Whether the API would stand open: nothing configured, and not in debug mode (design section 6)."""
        server = self.infrastructure.http_server
        return server.enabled and not self.debug and not server.authentication.configured

    @property
    def api_is_open(self) -> bool:
        """Whether every request has all roles: debug mode without authentication (connector spec 4.1)."""
        return self.debug and not self.infrastructure.http_server.authentication.configured

    @property
    def embedded_backbone_folder(self) -> Path | None:
        """Where the embedded Backbone keeps its data; ``None`` means in memory."""
        backbone = self.infrastructure.embedded_backbone
        if backbone.in_memory:
            return None
        return Path(backbone.folder) if backbone.folder else self.database.folder_path / "backbone"

    def module(self, kind: str) -> ModuleSettings | None:
        """The enabled module of a built-in kind, if there is one."""
        return next((module for module in self.modules.values() if module.enabled and module.kind == kind), None)

    def with_api_key(self, key: str, *, id_: str = "generated") -> Settings:
        """The same settings with one more API key that has all roles."""
        server = self.infrastructure.http_server
        api_key = server.authentication.api_key
        keys = {**api_key.keys, id_: ApiKey(key=key, description="Made at the first start.")}
        authentication = msgspec.structs.replace(
            server.authentication, api_key=ApiKeySettings(enabled=True, header_name=api_key.header_name, keys=keys)
        )
        server = msgspec.structs.replace(server, authentication=authentication)
        return msgspec.structs.replace(
            self, infrastructure=msgspec.structs.replace(self.infrastructure, http_server=server)
        )

    def for_commands(self) -> Settings:
        """What ``identity status`` and its like run with: no HTTP server or API, no log lines (connector spec 1.1)."""
        server = msgspec.structs.replace(self.infrastructure.http_server, enabled=False)
        modules = {
            name: msgspec.structs.replace(module, enabled=module.enabled and module.kind != "coreHttpApi")
            for name, module in self.modules.items()
        }
        return msgspec.structs.replace(
            self,
            infrastructure=msgspec.structs.replace(self.infrastructure, http_server=server),
            modules=modules,
            logging=LoggingSettings(level="OFF"),
        )
