"""The brokers that the daemon publishes to."""

from tests.services import amqp_url, private_rabbitmq, rabbitmq_node

__all__ = ["amqp_url", "private_rabbitmq", "rabbitmq_node"]
