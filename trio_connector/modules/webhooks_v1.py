"""The ``webhooks`` module of 2022, form 1: from time to time one POST with new messages and changed relationships.

Deprecated (spec 08 section 4.2). One subscriber; its cursor in the event log is what makes a refused batch come again
and a restart lose nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec
import structlog

from trio_connector.crypto.dates import Clock
from trio_connector.domain.shapes_2022 import message_2022, relationship_2022
from trio_connector.events.delivery import DeliverySettings, SubscriberSpec
from trio_connector.events.model import Event
from trio_connector.events.senders.addresses import shown_url
from trio_connector.events.senders.webhook_v1 import Item, WebhookV1Target, open_webhook_v1
from trio_connector.modules.deliveries import checked_headers, is_http_url, not_a_url, secret_keys, webhook_delivery
from trio_connector.modules.options import WrongOption
from trio_connector.settings import WebhooksV1Options

log = structlog.get_logger("WebhooksModule")

NAME = "webhooksV1"
MESSAGES = "transport.messageReceived"
RELATIONSHIPS = "transport.relationshipChanged"
DEPRECATION = (
    "The 'webhooks' module is deprecated. Please use the 'webhooksV2' module instead. "
    "Read more at https://enmeshed.eu/blog/webhooks-v2-connector-module/"
)
_CODE = "error.runtime.modules.webhooks."

TemplateOf = Callable[[str], Mapping[str, Any] | None]
"""The DTO of the template with this id, or None; reads the store, and at once."""


def build(options: WebhooksV1Options, *, clock: Clock, template_of: TemplateOf) -> list[SubscriberSpec]:
    """The one specification. Logs the deprecation.

    Raises WrongOption ``error.runtime.modules.webhooks.invalidUrlFormat``, ``invalidHeader`` or ``invalidSecret``.
    """
    log.warning(DEPRECATION)
    if not is_http_url(options.url):
        raise WrongOption("url", not_a_url(options.url), _CODE + "invalidUrlFormat")
    target = WebhookV1Target(
        url=options.url,
        headers=checked_headers(options.headers, _CODE + "invalidHeader", f"'{shown_url(options.url)}'"),
        keys=secret_keys(options.secret, _CODE + "invalidSecret", f"'{shown_url(options.url)}'"),
    )
    delivery = DeliverySettings(
        timeout_seconds=webhook_delivery(options.delivery).timeout_seconds,
        retry_schedule_seconds=(options.publish_interval,),
        keep_trying=True,
        jitter=0.0,
    )
    return [
        SubscriberSpec(
            name=NAME,
            patterns=(MESSAGES, RELATIONSHIPS),
            open_sender=partial(open_webhook_v1, target, delivery, clock, partial(item_of, template_of=template_of)),
            delivery=delivery,
            kind="webhookV1",
            receiver=shown_url(options.url),
            pace_seconds=options.publish_interval,
        )
    ]


def item_of(event: Event, *, template_of: TemplateOf) -> Item | None:
    """The message or relationship that ``event`` tells of, in the shape of 2022; None for other events."""
    if event.namespace not in (MESSAGES, RELATIONSHIPS) or not bytes(event.data):
        return None
    dto = msgspec.json.decode(event.data, type=dict[str, Any])
    if event.namespace == MESSAGES:
        return Item("messages", dto["id"], message_2022(dto))
    return Item("relationships", dto["id"], relationship_2022(dto, template_of(dto["templateId"])))
