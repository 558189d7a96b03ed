"""Every option of the Connector: its type, default, limits and description; and how a configuration is loaded.

Start with ``root.py``. Knows nothing of the rest of the Connector; may be read by modules, API, daemon and commands.
"""

from __future__ import annotations

from trio_connector.settings.api_keys import GeneratedKey, api_key_mistakes, ensure_api_key, is_strong
from trio_connector.settings.authentication import (
    ApiKey,
    ApiKeySettings,
    AuthenticationSettings,
    JwtBearerSettings,
    OidcSettings,
)
from trio_connector.settings.database import DatabaseSettings
from trio_connector.settings.event_log import EventLogSettings
from trio_connector.settings.infrastructure import (
    EmbeddedBackboneSettings,
    HttpServerSettings,
    InfrastructureSettings,
)
from trio_connector.settings.loading import Loaded, load, parse
from trio_connector.settings.logs import LoggingSettings
from trio_connector.settings.modules import (
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
from trio_connector.settings.problems import ConfigurationError
from trio_connector.settings.redaction import redacted, secrets_of, without_credentials
from trio_connector.settings.root import Settings
from trio_connector.settings.transport import TransportSettings

__all__ = [
    "ApiKey",
    "ApiKeySettings",
    "AuthenticationSettings",
    "Automation",
    "Broker",
    "ConfigurationError",
    "CoreHttpApiOptions",
    "DatabaseSettings",
    "DeciderOptions",
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
