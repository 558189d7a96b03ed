"""The keys of 2022 in today's words (old connector spec section 6)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from trio_connector.settings import (
    ConfigurationError,
    Loaded,
    MessageBrokerOptions,
    WebhooksOptions,
    WebhooksV1Options,
    parse,
)

NOW = datetime(2026, 11, 23, tzinfo=UTC)
TRANSPORT = {"baseUrl": "http://backbone.example", "platformClientId": "id", "platformClientSecret": "secret"}


def check(**written: Any) -> Loaded:
    return parse({"transportLibrary": TRANSPORT, **written}, now=NOW)


def enabled(loaded: Loaded) -> set[str]:
    always = {"notification", "decider", "request", "coreHttpApi"}
    return {name for name, module in loaded.settings.modules.items() if module.enabled} - always


def test_the_single_api_key_is_one_more_key_with_all_roles_and_may_be_weak() -> None:
    loaded = check(infrastructure={"httpServer": {"apiKey": "xyz"}})
    server = loaded.settings.infrastructure.http_server
    ((_, key),) = server.authentication.api_key.keys.items()
    assert (key.key, key.roles, server.host) == ("xyz", ("**",), "0.0.0.0")
    (warning,) = loaded.warnings
    assert "deprecated" in warning
    assert "xyz" not in warning


def test_an_empty_single_api_key_is_none() -> None:
    assert check(infrastructure={"httpServer": {"apiKey": ""}}).settings.needs_generated_api_key


def test_a_single_api_key_of_another_type_is_an_unknown_key() -> None:
    with pytest.raises(ConfigurationError, match='not allowed to have the additional property "apiKey"'):
        check(infrastructure={"httpServer": {"apiKey": 3}})


def test_the_realm_is_ignored() -> None:
    loaded = parse({"transportLibrary": {**TRANSPORT, "realm": "id1"}}, now=NOW)
    assert len(loaded.warnings) == 1


def test_webhooks_with_a_url_are_those_of_2022() -> None:
    old = {"enabled": True, "url": "http://x", "headers": {"a": "b"}, "location": "webhooks/WebhooksModule"}
    loaded = check(modules={"webhooks": old})
    assert enabled(loaded) == {"webhooksV1"}
    module = loaded.settings.modules["webhooksV1"]
    options = module.typed(WebhooksV1Options)
    assert (module.kind, options.url, options.headers, options.publish_interval) == (
        "webhooksV1",
        "http://x",
        {"a": "b"},
        60,
    )


def test_webhooks_with_both_forms_do_both() -> None:
    loaded = check(modules={"webhooks": {"enabled": True, "url": "http://x", "targets": {}, "webhooks": []}})
    assert enabled(loaded) == {"webhooks", "webhooksV1"}


def test_webhooks_v2_are_todays_webhooks() -> None:
    old = {
        "enabled": True,
        "displayName": "Webhooks",
        "location": "webhooksV2/WebhooksModuleV2",
        "targets": {"a": {"url": "http://a"}},
        "webhooks": [{"triggers": ["transport.messageReceived"], "target": "a"}],
    }
    loaded = check(modules={"webhooksV2": old, "webhooks": {"targets": {"b": {"url": "http://b"}}}})
    assert enabled(loaded) == {"webhooks"}
    assert loaded.warnings == ("The 'webhooksV2' configuration is deprecated. Please use 'webhooks' instead.",)
    assert set(loaded.settings.modules["webhooks"].typed(WebhooksOptions).targets) == {"a", "b"}


@pytest.mark.parametrize(("v1", "v2"), [(True, True), (True, False), (False, True), (False, False)])
def test_both_webhook_modules_of_2022_have_their_own_switch(v1: bool, v2: bool) -> None:
    loaded = check(
        modules={
            "webhooks": {"enabled": v1, "url": "http://x", "publishInterval": 5},
            "webhooksV2": {"enabled": v2, "targets": {}, "webhooks": {}},
        }
    )
    assert enabled(loaded) == {name for name, on in (("webhooksV1", v1), ("webhooks", v2)) if on}


def test_the_amqp_publisher_is_one_more_broker() -> None:
    loaded = check(
        modules={
            "amqpPublisher": {"enabled": True, "url": "amqp://rabbitmq", "exchange": "nmshd"},
            "messageBrokerPublisher": {"enabled": True, "brokers": [{"type": "Redis", "configuration": {"url": "r"}}]},
        }
    )
    brokers = loaded.settings.modules["messageBrokerPublisher"].typed(MessageBrokerOptions).brokers
    assert [broker.type for broker in brokers] == ["Redis", "AMQP"]
    assert brokers[1].configuration == {"url": "amqp://rabbitmq", "exchange": "nmshd"}


def test_the_amqp_publisher_publishes_nothing_twice() -> None:
    broker = {"type": "AMQP", "configuration": {"url": "amqp://x", "exchange": ""}}
    loaded = check(
        modules={
            "amqpPublisher": {"enabled": True, "url": "amqp://x"},
            "messageBrokerPublisher": {"enabled": True, "brokers": [broker]},
        }
    )
    assert len(loaded.settings.modules["messageBrokerPublisher"].typed(MessageBrokerOptions).brokers) == 1


def test_the_amqp_publisher_does_not_wake_brokers_that_are_switched_off() -> None:
    broker = {"type": "MQTT", "configuration": {"url": "mqtt://x"}}
    loaded = check(
        modules={
            "amqpPublisher": {"enabled": True, "url": "amqp://x"},
            "messageBrokerPublisher": {"enabled": False, "brokers": [broker]},
        }
    )
    brokers = loaded.settings.modules["messageBrokerPublisher"].typed(MessageBrokerOptions).brokers
    assert [broker.type for broker in brokers] == ["AMQP"]


@pytest.mark.parametrize("name", ["amqpPublisher", "webhooksV2", "autoAcceptRelationshipCreationChanges"])
def test_a_module_of_2022_that_is_off_stays_off(name: str) -> None:
    assert enabled(check(modules={name: {"enabled": False, "url": "amqp://x"}})) == set()


def test_relationships_are_accepted_by_todays_module() -> None:
    old = {"enabled": True, "responseContent": {"a": 1}}
    loaded = check(modules={"autoAcceptRelationshipCreationChanges": old})
    assert enabled(loaded) == {"autoAcceptPendingRelationships"}
    assert any("'responseContent' is ignored" in warning for warning in loaded.warnings)


def test_locations_of_2022_are_translated() -> None:
    sync = check(modules={"sync": {"enabled": True, "location": "sync/SyncModule"}}).settings.modules["sync"]
    assert (sync.kind, sync.location) == ("sync", "@nmshd/connector:SyncModule")
