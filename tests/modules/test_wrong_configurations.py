"""Whatever is wrong with a module stops the start, and is said with the module, the key and the reason."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.accounts import running_account, running_backbone, utc_now
from tests.modules.running import settings_for
from trio_connector.commands.configuration import module_mistakes
from trio_connector.errors import ConnectorError
from trio_connector.modules.assembly import assemble
from trio_connector.settings import ConfigurationError
from trio_connector.usecases.services import Services

SAME = "is not allowed to be used multiple times, but it has 2 instances."
AUTHENTICATION = "modules.webhooks.targets.a.authentication"
BROKER = "modules.messageBrokerPublisher.brokers[0]"


@pytest.fixture
async def account() -> AsyncIterator[Services]:
    """Any account."""
    async with running_backbone() as url, running_account(url) as services:
        yield services


def webhooks(target: Any = "a", *, triggers: Any = ("**",), **targets: Any) -> dict[str, Any]:
    webhook = {"triggers": list(triggers) if isinstance(triggers, tuple) else triggers, "target": target}
    return {"webhooks": {"enabled": True, "targets": targets, "webhooks": [webhook]}}


def target(**more: Any) -> dict[str, Any]:
    return webhooks(a={"url": "http://a.example", **more})


def broker(type_: str, **configuration: Any) -> dict[str, Any]:
    return {"messageBrokerPublisher": {"enabled": True, "brokers": [{"type": type_, "configuration": configuration}]}}


def on(name: str, **more: Any) -> dict[str, Any]:
    return {name: {"enabled": True, **more}}


@pytest.mark.parametrize(
    ("modules", "problem"),
    [
        (on("sync", interval=0), "instance.modules.sync.interval must be strictly greater than 0"),
        (on("sync", interval="60"), "instance.modules.sync.interval is not of a type(s) number"),
        (on("sync", location=7), "instance.modules.sync.location is not of a type(s) string"),
        (on("sse", baseUrlOverride=7), "instance.modules.sse.baseUrlOverride is not of a type(s) string"),
        (webhooks(triggers=[7]), "instance.modules.webhooks.webhooks[0].triggers[0] is not of a type(s) string"),
        (target(headers={"a": 7}), "instance.modules.webhooks.targets.a.headers.a is not of a type(s) string"),
        (
            target(delivery={"lanes": 0}),
            "instance.modules.webhooks.targets.a.delivery.lanes must be greater than or equal to 1",
        ),
        (
            target(delivery={"retries": 7}),
            'instance.modules.webhooks.targets.a.delivery is not allowed to have the additional property "retries"',
        ),
        (
            on("webhooks", url="http://a.example", publishInterval=0),
            "instance.modules.webhooksV1.publishInterval must be strictly greater than 0",
        ),
        (
            on("messageBrokerPublisher", brokers=[{}]),
            'instance.modules.messageBrokerPublisher.brokers[0] requires property "type"',
        ),
        (
            on("decider", automationConfig=[{"requestConfig": {}}]),
            'instance.modules.decider.automationConfig[0] requires property "responseConfig"',
        ),
        (on("mine"), 'instance.modules.mine requires property "location"'),
        ({"mine": {"location": "a:B"}}, 'instance.modules.mine requires property "enabled"'),
        (on("mine", location="@nmshd/runtime:Foo"), "Module @nmshd/runtime:Foo is not a builtin module."),
        (
            on("mine", location="a:B", requiredInfrastructure=["grpc"]),
            "The module on location 'a:B' requires the 'grpc' infrastructure, but it is not available / enabled.",
        ),
        (
            on("again", location="@nmshd/connector:SyncModule") | on("sync"),
            f"The Module 'Sync Module' at location '@nmshd/connector:SyncModule' {SAME}",
        ),
        (on("mine", location="a:B") | on("again", location="a:B"), f"The Module 'B' at location 'a:B' {SAME}"),
    ],
)
def test_wrong_types_unknown_keys_and_locations(modules: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        settings_for(modules)
    assert problem in refused.value.problems


@pytest.mark.parametrize(
    ("modules", "key", "reason"),
    [
        (webhooks(), "modules.webhooks.webhooks[0].target", "Invalid configuration. target 'a' not found!"),
        (webhooks(a={}), "modules.webhooks.targets.a.url", "'' is not a valid URL."),
        (webhooks({"url": "x"}), "modules.webhooks.webhooks[0].target.url", "'x' is not a valid URL."),
        (target(authentication="x"), AUTHENTICATION, "'authentication' must be an object."),
        (target(authentication={"type": 7}), f"{AUTHENTICATION}.type", "'authentication.type' must be a string."),
        (
            target(authentication={"type": "Basic"}),
            f"{AUTHENTICATION}.type",
            "The authentication type 'Basic' is invalid. Valid types are 'OAuth2' and 'ApiKey'",
        ),
        (
            target(authentication={"type": "OAuth2", "accessTokenUrl": "x", "clientId": "i", "clientSecret": "s"}),
            f"{AUTHENTICATION}.accessTokenUrl",
            "'x' is not a valid URL.",
        ),
        (
            target(authentication={"type": "ApiKey"}),
            f"{AUTHENTICATION}.apiKey",
            "'ApiKey' authentication is missing the required property 'apiKey'.",
        ),
        (
            target(headers={"a b": "c"}),
            "modules.webhooks.targets.a.headers.a b",
            "The header 'a b' of target 'a' is not allowed in HTTP.",
        ),
        (
            target(secret="not a secret"),
            "modules.webhooks.targets.a.secret",
            "Invalid secret of target 'a': A webhook secret must start with 'whsec_'.",
        ),
        (on("webhooks", url="x"), "modules.webhooksV1.url", "'x' is not a valid URL."),
        (
            on("messageBrokerPublisher"),
            "modules.messageBrokerPublisher.brokers",
            "At least one broker must be configured",
        ),
        (
            broker("Kafka"),
            f"{BROKER}.type",
            "The broker type 'Kafka' is unknown. Valid types are 'AMQP', 'MQTT', 'PubSub', 'Redis'.",
        ),
        (broker("AMQP"), f"{BROKER}.configuration.url", "Cannot start the module, the ampq url is not defined."),
        (on("amqpPublisher"), f"{BROKER}.configuration.url", "Cannot start the module, the ampq url is not defined."),
        (
            broker("AMQP", url="amqp://h", timeout=-1),
            f"{BROKER}.configuration.timeout",
            "'timeout' of an AMQP broker must be a number of milliseconds.",
        ),
        (broker("MQTT", url=7), f"{BROKER}.configuration.url", "'url' of a broker of type 'MQTT' must be a text."),
        (
            broker("PubSub", projectId="p", topicName="t"),
            f"{BROKER}.configuration.keyFile",
            "Cannot start the module, the keyFile is not defined.",
        ),
        (
            on("sse", baseUrlOverride="http://a.example"),
            "modules.sse.baseUrlOverride",
            "baseUrlOverride is only allowed in debug mode",
        ),
        (
            on("coreHttpApi", docs={"enabled": True}),
            "modules.coreHttpApi.docs.enabled",
            "Documentation is not allowed in production mode.",
        ),
        (
            on(
                "decider",
                automationConfig=[
                    {"requestConfig": {}, "responseConfig": {"accept": False}},
                    {"requestConfig": {"content.item.@type": "X"}, "responseConfig": {"accept": True, "y": 1}},
                ],
            ),
            "modules.decider.automationConfig[1]",
            "The RequestConfig does not match the ResponseConfig.",
        ),
        (
            on("mine", location="@nmshd/connector:FooModule"),
            "modules.mine.location",
            "The internal module on location '@nmshd/connector:FooModule' could not be loaded because it is not "
            "registered as an internal module.",
        ),
        (
            on("mine", location="no.such.package:Module"),
            "modules.mine.location",
            "The module on location 'no.such.package:Module' could not be loaded: the location of the module does not "
            "exist.",
        ),
    ],
)
async def test_what_a_module_cannot_work_with(
    account: Services, modules: dict[str, Any], key: str, reason: str
) -> None:
    with pytest.raises(ConnectorError) as refused:
        assemble(settings_for(modules), account)
    name = key.split(".")[1]
    assert refused.value.message == f"Module '{name}' ({key}): {reason}"
    # And so says the command that checks a configuration without starting anything.
    assert module_mistakes(settings_for(modules), utc_now) == [f"instance.{key}: {reason}"]


def test_what_is_switched_off_need_not_be_complete(tmp_path: Path) -> None:
    off = {name: {**module, "enabled": False} for name, module in (webhooks() | broker("Kafka")).items()}
    assert not settings_for(off).modules["webhooks"].enabled


@pytest.mark.parametrize(
    ("location", "display_name"),
    [
        ("shop.connector_module:OrderModule", "Order Module"),
        ("a:HTTPThing", "HTTP Thing"),
        ("a:B", "B"),
    ],
)
def test_without_a_display_name_it_follows_from_the_class(location: str, display_name: str) -> None:
    assert settings_for(on("mine", location=location)).modules["mine"].display_name == display_name


def test_a_display_name_is_taken_as_it_is() -> None:
    assert settings_for(on("sync", displayName="Mine")).modules["sync"].display_name == "Mine"
