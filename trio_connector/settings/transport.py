"""``transportLibrary``: which Backbone, with which client (connector spec 2.3)."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from trio_connector.settings.section import Section


class TransportSettings(Section, frozen=True, kw_only=True, rename="camel"):
    """How the Connector reaches its Backbone and how it proves that it may."""

    base_url: Annotated[
        str,
        Meta(
            description="Address of the Backbone; starts with `http://` or `https://`. "
            "With `infrastructure.embeddedBackbone` enabled it follows from there."
        ),
    ]
    platform_client_id: Annotated[str, Meta(description="Id of the OAuth client at the Backbone.")]
    platform_client_secret: Annotated[str, Meta(description="Secret of the OAuth client at the Backbone.")]
    platform_timeout: Annotated[
        float, Meta(gt=0, description="Longest time that one Backbone request may take, in milliseconds.")
    ] = 60_000
    platform_max_redirects: Annotated[
        int, Meta(ge=0, description="How many redirects of the Backbone are followed.")
    ] = 10
    platform_max_content_length: Annotated[float | None, Meta(description="Accepted and ignored.")] = None
    platform_additional_headers: Annotated[
        dict[str, str], Meta(description="Headers added to every Backbone request.")
    ] = msgspec.field(default_factory=dict)
    address_generation_hostname_override: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        Meta(
            description="Host name used in new addresses when the Backbone is reached under another name; "
            "default is the host of `baseUrl`.",
        ),
    ] = None
    datawallet_enabled: Annotated[
        bool, Meta(description="Keep a datawallet at the Backbone, for several devices of one identity.")
    ] = False
    debug: Annotated[bool, Meta(description="Log how long each Backbone call took.")] = False
    allow_identity_creation: Annotated[
        bool, Meta(description="Create an identity at the first start; otherwise the start fails without one.")
    ] = True
