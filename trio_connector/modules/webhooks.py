"""The ``webhooks`` module: each event to each target that a webhook names for it (connector spec 9.3).

Configuration in, subscriber specifications out; nothing is connected here. Every pair of a webhook and one of its
triggers is a subscriber of its own, so an event that matches two triggers is sent twice, and its name depends on target
and trigger alone: reordering the configuration, or adding to it, moves nobody's place in the event log. Order is kept
per trigger; who needs it across several kinds of events names them by one pattern (``transport.*``).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import structlog

from trio_connector.crypto.dates import Clock
from trio_connector.events.delivery import DeliverySettings, SubscriberSpec
from trio_connector.events.senders.addresses import name_part, shown_url, url_part
from trio_connector.events.senders.authentication import (
    ApiKey,
    Authentication,
    OAuth2ClientCredentials,
    OAuth2Settings,
)
from trio_connector.events.senders.webhook import WebhookTarget, open_webhook
from trio_connector.modules.deliveries import (
    Names,
    checked_headers,
    is_http_url,
    not_a_url,
    secret_keys,
    trigger_part,
    weak_secrets,
    webhook_delivery,
)
from trio_connector.modules.names_2022 import subscription
from trio_connector.modules.options import WrongOption, within
from trio_connector.settings import Webhook, WebhooksOptions
from trio_connector.settings import WebhookTarget as TargetOptions

log = structlog.get_logger("WebhooksModule")

_CODE = "error.runtime.modules.webhooks."
_SAMPLE_NAMESPACE = "transport.messageReceived"

Target = tuple[str, WebhookTarget, DeliverySettings]
"""The part of the subscriber's name that stands for it, where to send, and how."""


def build(options: WebhooksOptions, *, clock: Clock) -> list[SubscriberSpec]:
    """One specification per webhook and trigger. All named targets are checked, used or not.

    Raises WrongOption ``error.runtime.modules.webhooks.*``: ``invalidUrlFormat``, ``invalidTargetReference``,
    ``invalidAuthenticationConfig`` (official), ``invalidHeader``, ``invalidSecret``.
    """
    targets = {}
    for name, named in options.targets.items():
        with within(f"targets.{name}"):
            targets[name] = _target(named, name_part(name), f"target '{name}'", options.skip_tls_check, clock)
    names = Names()
    specifications = []
    for index, webhook in enumerate(options.webhooks):
        with within(f"webhooks[{index}]"):
            target = _target_of(webhook, targets, options.skip_tls_check, clock)
        specifications += [_specification(trigger, target, names, clock) for trigger in webhook.triggers]
    return specifications


def _target_of(webhook: Webhook, targets: Mapping[str, Target], skip_tls_check: bool, clock: Clock) -> Target:
    if isinstance(webhook.target, TargetOptions):
        with within("target"):
            where = f"the target '{shown_url(webhook.target.url or '')}'"
            return _target(webhook.target, None, where, skip_tls_check, clock)
    name = webhook.target or ""
    if name not in targets:
        message = f"Invalid configuration. target '{name}' not found!"
        raise WrongOption("target", message, _CODE + "invalidTargetReference")
    return targets[name]


def _specification(trigger: str, target: Target, names: Names, clock: Clock) -> SubscriberSpec:
    part, where, delivery = target
    pattern, old_name = subscription(trigger)
    return SubscriberSpec(
        name=names.unique(f"webhook:{part}:{trigger_part(trigger)}"),
        patterns=(pattern,),
        open_sender=partial(open_webhook, where, delivery, clock, old_name),
        delivery=delivery,
        kind="webhook",
        receiver=shown_url(where.url),
    )


def _target(options: TargetOptions, part: str | None, where: str, skip_tls_check: bool, clock: Clock) -> Target:
    url = options.url or ""
    if not is_http_url(WebhookTarget(url=url).filled_url(_SAMPLE_NAMESPACE)):
        raise _not_a_url("url", url)
    with within("authentication"):
        authentication = _authentication(options.authentication, clock)
    keys = secret_keys(options.secret, _CODE + "invalidSecret", where)
    if weak_secrets(keys):
        log.warning(f"A secret of {where} has not the recommended length of 24 to 64 bytes.")
    target = WebhookTarget(
        url=url,
        headers=checked_headers(options.headers, _CODE + "invalidHeader", where),
        authentication=authentication,
        keys=keys,
        verify_tls=not skip_tls_check,
    )
    return part or url_part(url), target, webhook_delivery(options.delivery)


def _authentication(options: Any, clock: Clock) -> Authentication | None:
    if not options:
        return None
    if not isinstance(options, Mapping):
        raise _invalid_authentication("", "'authentication' must be an object.")
    type_ = options.get("type")
    if not isinstance(type_, str):
        raise _invalid_authentication("type", "'authentication.type' must be a string.")
    if type_ == "OAuth2":
        return OAuth2ClientCredentials(_oauth2(options), clock)
    if type_ == "ApiKey":
        return _api_key(options)
    raise _invalid_authentication(
        "type", f"The authentication type '{type_}' is invalid. Valid types are 'OAuth2' and 'ApiKey'"
    )


def _oauth2(options: Mapping[str, Any]) -> OAuth2Settings:
    url, id_, secret = (options.get(name) for name in ("accessTokenUrl", "clientId", "clientSecret"))
    if not (isinstance(url, str) and url and isinstance(id_, str) and id_ and isinstance(secret, str) and secret):
        # The official text speaks of 'BearerToken'.
        raise _invalid_authentication(
            "accessTokenUrl",
            "'BearerToken' authentication is missing required properties. The object must contain at least "
            "'accessTokenUrl', 'clientId' and 'clientSecret'.",
        )
    if not is_http_url(url):
        raise _not_a_url("accessTokenUrl", url)
    scope = options.get("scope")
    return OAuth2Settings(url, id_, secret, scope if isinstance(scope, str) else None)


def _api_key(options: Mapping[str, Any]) -> ApiKey:
    key = options.get("apiKey")
    if not isinstance(key, str) or not key:
        raise _invalid_authentication("apiKey", "'ApiKey' authentication is missing the required property 'apiKey'.")
    header_name = options.get("headerName")
    name = header_name if isinstance(header_name, str) and header_name else "x-api-key"
    checked_headers({name: key}, _CODE + "invalidHeader", "the ApiKey authentication")
    return ApiKey(key, name)


def _invalid_authentication(key: str, message: str) -> WrongOption:
    return WrongOption(key, message, _CODE + "invalidAuthenticationConfig")


def _not_a_url(key: str, url: str) -> WrongOption:
    return WrongOption(key, not_a_url(url), _CODE + "invalidUrlFormat")
