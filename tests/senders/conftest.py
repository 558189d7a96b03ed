"""Fixtures of the sender tests."""

from __future__ import annotations

from tests.services import (
    amqp_url,
    mqtt_url,
    private_mosquitto,
    private_rabbitmq,
    private_redis,
    rabbitmq_node,
    redis_url,
)

__all__ = [
    "amqp_url",
    "mqtt_url",
    "private_mosquitto",
    "private_rabbitmq",
    "private_redis",
    "rabbitmq_node",
    "redis_url",
]
