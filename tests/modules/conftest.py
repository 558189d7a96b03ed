"""Fixtures of the module tests: the brokers, and a log with what listens to it."""

from __future__ import annotations

from tests.services import amqp_url, private_rabbitmq, rabbitmq_node

__all__ = ["amqp_url", "private_rabbitmq", "rabbitmq_node"]
