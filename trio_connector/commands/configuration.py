"""``config``: check, show and describe the configuration."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import trio_connector.modules.message_broker_publisher as brokers
import trio_connector.modules.webhooks as webhooks
import trio_connector.modules.webhooks_v1 as webhooks_v1
from trio_connector.errors import ConnectorError
from trio_connector.settings import MessageBrokerOptions, Settings, WebhooksOptions, WebhooksV1Options


def module_mistakes(settings: Settings, clock: Callable[[], datetime]) -> list[str]:
    """What the modules themselves would refuse at the start: the first mistake of each. Connects to nothing."""
    found = []
    for module in settings.modules.values():
        if not module.enabled:
            continue
        try:
            match module.kind:
                case "webhooks":
                    webhooks.build(module.typed(WebhooksOptions), clock=clock)
                case "webhooksV1":
                    webhooks_v1.build(module.typed(WebhooksV1Options), clock=clock, template_of=lambda _: None)
                case "messageBrokerPublisher":
                    brokers.build(module.typed(MessageBrokerOptions), clock=clock)
        except ConnectorError as error:
            found.append(f"instance.modules.{module.name}: {error.message}")
    return found
