"""The ``messageBrokerPublisher`` module: every event to every broker (connector spec 9.4).

Configuration in, subscriber specifications out; nothing is connected here, so a broker that is away stops no start.
The ``amqpPublisher`` of 2022 arrives as one more broker of type ``AMQP``. A subscriber's name depends on where the
broker is and on the exchange or topic, not on users and passwords; two entries for the same place are one subscriber.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import structlog

from trio_connector.crypto.dates import Clock
from trio_connector.events.delivery import DeliverySettings, OpenSender, SubscriberSpec
from trio_connector.events.senders.addresses import digest, name_part
from trio_connector.modules.deliveries import broker_delivery, secret_keys, weak_secrets
from trio_connector.modules.options import WrongOption, within
from trio_connector.settings import Broker, MessageBrokerOptions

log = structlog.get_logger("MessageBrokerPublisherModule")

EVERYTHING = ("**",)
CONNECT_MILLISECONDS = 2000.0
_CODE = "error.runtime.modules.messageBrokerPublisher."

Built = tuple[str, str, OpenSender]
"""Name, receiver for people, how to open the sender."""


def build(options: MessageBrokerOptions, *, clock: Clock) -> list[SubscriberSpec]:
    """One specification per broker.

    Raises WrongOption ``error.runtime.modules.messageBrokerPublisher.*``: ``invalidConfiguration`` with the official
    texts, ``unknownBrokerType``, ``missingExtra`` when the broker's client library is not installed, ``invalidSecret``.
    """
    if not options.brokers:
        raise _invalid("brokers", "At least one broker must be configured")
    specifications: dict[str, SubscriberSpec] = {}
    for index, broker in enumerate(options.brokers):
        with within(f"brokers[{index}]"):
            specification = _specification(broker, clock)
        if specification.name in specifications:
            log.warning("A broker is configured twice; it gets each event once.", broker=specification.receiver)
            continue
        specifications[specification.name] = specification
    return list(specifications.values())


def _specification(broker: Broker, clock: Clock) -> SubscriberSpec:
    if broker.type not in _KINDS:
        known = ", ".join(f"'{name}'" for name in _KINDS)
        raise WrongOption(
            "type",
            f"The broker type '{broker.type}' is unknown. Valid types are {known}.",
            _CODE + "unknownBrokerType",
        )
    if broker.configuration is None:
        raise _invalid("configuration", "Cannot start the broker, the 'configuration' is not defined.")
    kind, make = _KINDS[broker.type]
    delivery = broker_delivery(broker.delivery)
    keys = secret_keys(broker.secret, _CODE + "invalidSecret", f"the broker of type '{broker.type}'")
    if weak_secrets(keys):
        log.warning(f"A secret of the {broker.type} broker has not the recommended length of 24 to 64 bytes.")
    name, receiver, open_sender = make(broker.configuration, delivery, keys, clock)
    return SubscriberSpec(
        name=f"{kind}:{name}",
        patterns=EVERYTHING,
        open_sender=open_sender,
        delivery=delivery,
        kind=kind,
        receiver=receiver,
    )


def _amqp(configuration: Mapping[str, Any], delivery: DeliverySettings, keys: tuple[bytes, ...], clock: Clock) -> Built:
    from trio_connector.events.senders.amqp import AmqpTarget, open_amqp

    url, exchange = configuration.get("url"), configuration.get("exchange") or ""
    timeout = configuration.get("timeout", CONNECT_MILLISECONDS)
    if not url:
        # "ampq" is how the official text spells it.
        raise _invalid("configuration.url", "Cannot start the module, the ampq url is not defined.")
    url, exchange = _text("AMQP", url), _text("AMQP", exchange, "exchange")
    if not isinstance(timeout, int | float) or isinstance(timeout, bool) or timeout <= 0:
        raise _invalid("configuration.timeout", "'timeout' of an AMQP broker must be a number of milliseconds.")
    target = AmqpTarget(url=url, exchange=exchange, connect_seconds=timeout / 1000, keys=keys)
    try:
        target.parameters()
    except ValueError as error:
        raise _invalid("configuration.url", str(error)) from error
    name = f"{_place(url)}:{name_part(exchange) if exchange else 'default'}"
    return name, target.shown, partial(open_amqp, target, clock)


def _mqtt(configuration: Mapping[str, Any], delivery: DeliverySettings, keys: tuple[bytes, ...], clock: Clock) -> Built:
    _no_signature("MQTT", keys)
    try:
        from trio_connector.events.senders.mqtt import MqttTarget, open_mqtt
    except ModuleNotFoundError as error:
        raise _missing_extra("MQTT", "mqtt", error) from error
    url = configuration.get("url")
    target = MqttTarget(url=_text("MQTT", url)) if url is not None else MqttTarget()
    try:
        target.check()
    except ValueError as error:
        raise _invalid("configuration.url", str(error)) from error
    return _place(target.url), target.shown, partial(open_mqtt, target)


def _redis(
    configuration: Mapping[str, Any], delivery: DeliverySettings, keys: tuple[bytes, ...], clock: Clock
) -> Built:
    _no_signature("Redis", keys)
    try:
        from trio_connector.events.senders.redis import RedisTarget, open_redis
    except ModuleNotFoundError as error:
        raise _missing_extra("Redis", "redis", error) from error
    url = configuration.get("url")
    target = RedisTarget(url=_text("Redis", url)) if url is not None else RedisTarget()
    try:
        target.check()
    except ValueError as error:
        raise _invalid("configuration.url", str(error)) from error
    return _place(target.url), target.shown, partial(open_redis, target)


def _pubsub(
    configuration: Mapping[str, Any], delivery: DeliverySettings, keys: tuple[bytes, ...], clock: Clock
) -> Built:
    from trio_connector.events.senders.pubsub import (
        DEFAULT_ENDPOINT,
        InvalidKeyFileError,
        PubSubTarget,
        open_pubsub,
        read_key_file,
    )

    values = {}
    for key, shown in (("projectId", "projectId"), ("topicName", "topic"), ("keyFile", "keyFile")):
        value = configuration.get(key)
        if not value:
            raise _invalid(f"configuration.{key}", f"Cannot start the module, the {shown} is not defined.")
        values[key] = _text("PubSub", value, key)
    try:
        account = read_key_file(Path(values["keyFile"]))
    except InvalidKeyFileError as error:
        raise _invalid("configuration.keyFile", str(error)) from error
    endpoint = _text("PubSub", configuration.get("endpoint", DEFAULT_ENDPOINT), "endpoint")
    target = PubSubTarget(values["projectId"], values["topicName"], account, endpoint, keys)
    name = f"{name_part(target.project_id)}:{name_part(target.topic_name)}"
    return name, target.shown, partial(open_pubsub, target, delivery, clock)


_KINDS: Final[
    Mapping[str, tuple[str, Callable[[Mapping[str, Any], DeliverySettings, tuple[bytes, ...], Clock], Built]]]
] = {
    "AMQP": ("amqp", _amqp),
    "MQTT": ("mqtt", _mqtt),
    "PubSub": ("pubSub", _pubsub),
    "Redis": ("redis", _redis),
}


def _place(url: str) -> str:
    """Host, port and path of ``url`` as a part of a name."""
    parts = urlsplit(url)
    place = f"{parts.hostname}-{parts.port}" if parts.port is not None else str(parts.hostname)
    path = parts.path.strip("/")
    return name_part(place) + (f"-{digest(path)}" if path else "")


def _text(broker: str, value: object, key: str = "url") -> str:
    if not isinstance(value, str):
        raise _invalid(f"configuration.{key}", f"'{key}' of a broker of type '{broker}' must be a text.")
    return value


def _no_signature(broker: str, keys: tuple[bytes, ...]) -> None:
    if keys:
        raise WrongOption(
            "secret", f"A 'secret' cannot be used with {broker}: its messages have no headers.", _CODE + "invalidSecret"
        )


def _missing_extra(broker: str, extra: str, error: ModuleNotFoundError) -> WrongOption:
    return WrongOption(
        "type",
        f"The broker type '{broker}' needs the package '{error.name}', which is not installed. "
        f"Install it with: pip install 'trio-connector[{extra}]'",
        _CODE + "missingExtra",
    )


def _invalid(key: str, message: str) -> WrongOption:
    return WrongOption(key, message, _CODE + "invalidConfiguration")
