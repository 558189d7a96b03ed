"""``infrastructure``: the HTTP server and the embedded Backbone (connector spec 2.3, design section 6)."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from trio_connector.settings.authentication import AuthenticationSettings
from trio_connector.settings.section import Section


class HttpServerSettings(Section, frozen=True, kw_only=True, rename="camel"):
    """Where the HTTP API listens and who may use it."""

    enabled: Annotated[bool, Meta(description="Serve the HTTP API.")] = True
    host: Annotated[
        str,
        Meta(
            description="Address to listen on. Default: `0.0.0.0` when authentication is configured, else `127.0.0.1`."
        ),
    ] = ""
    port: Annotated[int, Meta(ge=0, le=65_535, description="TCP port; `0` takes any free one.")] = 80
    cors: Annotated[Any, Meta(description="Cross-origin rules, in the options of the express `cors` package.")] = (
        msgspec.field(default_factory=lambda: {"origin": False})
    )
    helmet_options: Annotated[
        Any, Meta(description="Security headers, in the options of the `helmet` package; replaces the default.")
    ] = None
    authentication: Annotated[AuthenticationSettings, Meta(description="Who may use the API.")] = (
        AuthenticationSettings()
    )


class EmbeddedBackboneSettings(Section, frozen=True, kw_only=True, rename="camel"):
    """A Backbone inside this process, for trying things out and for tests."""

    enabled: Annotated[
        bool, Meta(description="Start it and use it; `transportLibrary.baseUrl` is not needed then.")
    ] = False
    host: Annotated[str, Meta(min_length=1, description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535, description="TCP port; `0` takes any free one.")] = 8090
    folder: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        Meta(description="Where its data are kept; default is `backbone` in the data folder."),
    ] = None
    in_memory: Annotated[bool, Meta(description="Keep its data in memory only; they end with the process.")] = False
    client_id: Annotated[str, Meta(min_length=1, description="Id of its OAuth client.")] = "test"
    client_secret: Annotated[str, Meta(min_length=1, description="Secret of its OAuth client.")] = "test"  # noqa: S105 - the documented default of a Backbone on loopback


class InfrastructureSettings(Section, frozen=True, kw_only=True, rename="camel"):
    """What modules may require."""

    http_server: Annotated[HttpServerSettings, Meta(description="The HTTP server.")] = HttpServerSettings()
    embedded_backbone: Annotated[EmbeddedBackboneSettings, Meta(description="The embedded Backbone.")] = (
        EmbeddedBackboneSettings()
    )
