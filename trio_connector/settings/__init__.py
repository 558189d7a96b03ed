"""Every option of the Connector: its type, default, limits and description; and how a configuration is loaded.

Start with ``root.py``. Knows nothing of the rest of the Connector; may be read by modules, API, daemon and commands.
"""

from __future__ import annotations

from .api_keys import GeneratedKey, api_key_mistakes, ensure_api_key, is_strong
from .authentication import ApiKey, ApiKeySettings, AuthenticationSettings, JwtBearerSettings, OidcSettings
from .database import DatabaseSettings
from .delivery import DeliverySettings, EventLogSettings
from .infrastructure import (
    BackboneClient,
    EmbeddedBackboneSettings,
    HttpServerSettings,
    InfrastructureSettings,
)
from .loading import Loaded, load, parse
from .logs import LoggingSettings
from .modules import (
    Automation,
    Broker,
    CoreHttpApiOptions,
    DeciderOptions,
    MessageBrokerOptions,
    ModuleSettings,
    SseOptions,
    SyncOptions,
    Webhook,
    WebhooksOptions,
    WebhooksV1Options,
    WebhookTarget,
)
from .problems import ConfigurationError
from .redaction import redacted, secrets_of, without_credentials
from .root import Settings
from .transport import TransportSettings

__all__ = [
    "ApiKey",
    "ApiKeySettings",
    "AuthenticationSettings",
    "Automation",
    "BackboneClient",
    "Broker",
    "ConfigurationError",
    "CoreHttpApiOptions",
    "DatabaseSettings",
    "DeciderOptions",
    "DeliverySettings",
    "EmbeddedBackboneSettings",
    "EventLogSettings",
    "GeneratedKey",
    "HttpServerSettings",
    "InfrastructureSettings",
    "JwtBearerSettings",
    "Loaded",
    "LoggingSettings",
    "MessageBrokerOptions",
    "ModuleSettings",
    "OidcSettings",
    "Settings",
    "SseOptions",
    "SyncOptions",
    "TransportSettings",
    "Webhook",
    "WebhookTarget",
    "WebhooksOptions",
    "WebhooksV1Options",
    "api_key_mistakes",
    "ensure_api_key",
    "is_strong",
    "load",
    "parse",
    "redacted",
    "secrets_of",
    "without_credentials",
]
