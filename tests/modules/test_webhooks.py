"""The ``webhooks`` module: what is refused at start, and which subscribers a configuration means."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
import trio

from tests.events.receivers import append, running
from tests.senders.receiver import Receiver, Reply, Request, receiving
from trio_connector.errors import ConnectorError
from trio_connector.events.bus import EventBus
from trio_connector.events.delivery import DEFAULT_DELIVERY, SubscriberSpec
from trio_connector.modules import webhooks
from trio_connector.settings import WebhooksOptions
from trio_connector.store import open_store

URL = "http://127.0.0.1/hook"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def clock() -> datetime:
    return datetime.now(UTC)


def build(configuration: dict[str, Any]) -> list[SubscriberSpec]:
    return webhooks.build(msgspec.convert(configuration, WebhooksOptions), clock=clock)


def names(specifications: Sequence[SubscriberSpec]) -> set[str]:
    return {specification.name for specification in specifications}


def refused(configuration: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(ConnectorError) as caught:
        build(configuration)
    return caught.value.code.removeprefix("error.runtime.modules.webhooks."), caught.value.message


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hook",
        "/hook",
        "ftp://127.0.0.1/",
        "http://",
        "https://:80/",
        "http://127.0.0.1:99999/",
        "http://[::1/",
        None,
    ],
)
def test_a_url_must_be_absolute_and_http(url: str | None) -> None:
    # What cannot even be taken apart may hide a password anywhere.
    shown = "***" if url == "http://[::1/" else url or ""
    expected = ("invalidUrlFormat", f"'{shown}' is not a valid URL.")
    assert refused({"targets": {"unused": {"url": url}}}) == expected
    assert refused({"webhooks": [{"triggers": [], "target": {"url": url}}]}) == expected


@pytest.mark.parametrize("url", [URL, URL + "/{{trigger}}", "https://a.example/?q={{trigger}}", "HTTPS://A.example"])
def test_http_and_https_urls_are_taken_with_or_without_placeholder(url: str) -> None:
    assert len(build({"webhooks": [{"triggers": ["a"], "target": {"url": url}}]})) == 1


@pytest.mark.parametrize("target", ["nowhere", ""])
def test_a_target_must_exist(target: str) -> None:
    configuration = {"targets": {"crm": {"url": URL}}, "webhooks": [{"triggers": ["a"], "target": target}]}
    assert refused(configuration) == (
        "invalidTargetReference",
        f"Invalid configuration. target '{target}' not found!",
    )


_TYPES = "Valid types are 'OAuth2' and 'ApiKey'"
_OAUTH2 = (
    "'BearerToken' authentication is missing required properties. The object must contain at least "
    "'accessTokenUrl', 'clientId' and 'clientSecret'."
)
_API_KEY = "'ApiKey' authentication is missing the required property 'apiKey'."


@pytest.mark.parametrize(
    ("authentication", "text"),
    [
        ("key", "'authentication' must be an object."),
        (7, "'authentication' must be an object."),
        ({"apiKey": "k"}, "'authentication.type' must be a string."),
        ({"type": 1}, "'authentication.type' must be a string."),
        ({"type": "Basic"}, f"The authentication type 'Basic' is invalid. {_TYPES}"),
        ({"type": "apikey"}, f"The authentication type 'apikey' is invalid. {_TYPES}"),
        ({"type": "OAuth2"}, _OAUTH2),
        ({"type": "OAuth2", "accessTokenUrl": URL, "clientId": "i", "clientSecret": ""}, _OAUTH2),
        ({"type": "ApiKey"}, _API_KEY),
        ({"type": "ApiKey", "apiKey": ""}, _API_KEY),
    ],
)
def test_an_authentication_must_be_complete(authentication: object, text: str) -> None:
    configuration = {"targets": {"crm": {"url": URL, "authentication": authentication}}}
    assert refused(configuration) == ("invalidAuthenticationConfig", text)


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"secret": "topsecret"}, "invalidSecret"),
        ({"secret": [SECRET, "whsec_topsecret*"]}, "invalidSecret"),
        ({"headers": {"x": "topsecret\r\nx: y"}}, "invalidHeader"),
        ({"headers": {"x y": "topsecret"}}, "invalidHeader"),
        ({"headers": {"": "topsecret"}}, "invalidHeader"),
        ({"authentication": {"type": "ApiKey", "apiKey": "topsecret\n"}}, "invalidHeader"),
        ({"authentication": {"type": "ApiKey", "apiKey": "topsecret", "headerName": "a:b"}}, "invalidHeader"),
    ],
)
def test_what_cannot_be_sent_is_refused_without_being_shown(members: dict[str, Any], code: str) -> None:
    refused_code, message = refused({"targets": {"crm": {"url": URL, **members}}})
    assert refused_code == code
    assert "topsecret" not in message


def test_each_webhook_and_trigger_is_a_subscriber_of_its_own() -> None:
    specifications = build(
        {
            "targets": {"crm": {"url": "https://user:topsecret@crm.example/in?token=topsecret"}},
            "webhooks": [
                {"triggers": ["transport.messageReceived", "**"], "target": "crm"},
                {"triggers": ["consumption.*"], "target": {"url": "https://erp.example:8443/topsecret"}},
            ],
        }
    )
    first, second, third = specifications
    assert (first.name, first.patterns) == ("webhook:crm:transport.messageReceived", ("transport.messageReceived",))
    assert (second.name, second.patterns) == ("webhook:crm:**", ("**",))
    assert third.name.startswith("webhook:erp.example-")
    assert third.name.endswith(":consumption.*")
    assert {specification.kind for specification in specifications} == {"webhook"}
    assert first.receiver == "https://crm.example/in?..."
    assert "topsecret" not in repr([(specification, specification.name) for specification in (first, second)])
    assert "topsecret" not in third.name


def test_names_stay_when_the_configuration_is_reordered_or_grows() -> None:
    one = {"triggers": ["a.*", "b.*"], "target": "crm"}
    two = {"triggers": ["a.*"], "target": {"url": "https://a.example/1"}}
    three = {"triggers": ["a.*"], "target": {"url": "https://a.example/2"}}
    targets = {"crm": {"url": URL}}
    before = names(build({"targets": targets, "webhooks": [one, two]}))
    reordered = {"triggers": ["b.*", "c", "a.*"], "target": "crm"}
    after = names(build({"targets": {"x": {"url": URL}, **targets}, "webhooks": [three, two, reordered]}))
    assert before < after
    assert len(after) == 5


def test_names_stay_when_a_named_target_moves() -> None:
    webhook = {"triggers": ["a"], "target": "crm"}
    before = build({"targets": {"crm": {"url": URL}}, "webhooks": [webhook]})
    after = build({"targets": {"crm": {"url": "https://new.example"}}, "webhooks": [webhook]})
    assert names(before) == names(after)


def test_the_same_webhook_twice_is_two_subscribers() -> None:
    webhook = {"triggers": ["a", "a"], "target": {"url": URL}}
    assert len(names(build({"webhooks": [webhook, webhook]}))) == 4


def test_names_need_no_escaping_in_a_url() -> None:
    webhook = {"triggers": ["a b/c", "**"], "target": "Mein Ziel / ö"}
    for name in names(build({"targets": {"Mein Ziel / ö": {"url": URL}}, "webhooks": [webhook]})):
        assert all(character.isascii() and (character.isalnum() or character in ":_.*~-") for character in name)


def test_delivery_is_the_targets_own_or_the_default() -> None:
    own = {"timeoutSeconds": 3, "lanes": 4, "retryScheduleSeconds": [1, 2]}
    first, second = build(
        {
            "webhooks": [
                {"triggers": ["a"], "target": {"url": URL, "delivery": own}},
                {"triggers": ["b"], "target": {"url": URL}},
            ]
        }
    )
    assert (first.delivery.timeout_seconds, first.delivery.lanes) == (3, 4)
    assert list(first.delivery.retry_schedule_seconds) == [1, 2]
    assert second.delivery == DEFAULT_DELIVERY


@pytest.mark.parametrize(
    ("trigger", "pattern"),
    [
        ("consumption.attributeSucceded", "consumption.attributeSucceeded"),
        ("consumption.outgoingRquestCreated", "consumption.outgoingRequestCreated"),
        ("transport.MessageReceived", "transport.messageReceived"),
        ("transport.MessageSent", "transport.messageSent"),
        (
            "consumption.outgoingRequestFromRelationshipCreationChangeCreatedAndCompleted",
            "consumption.outgoingRequestFromRelationshipCreationCreatedAndCompleted",
        ),
    ],
)
def test_names_of_2022_are_understood(trigger: str, pattern: str) -> None:
    (specification,) = build({"webhooks": [{"triggers": [trigger], "target": {"url": URL}}]})
    assert specification.patterns == (pattern,)
    assert specification.name.endswith(":" + trigger)


async def test_an_event_is_sent_once_for_each_matching_trigger_of_each_webhook() -> None:
    with trio.fail_after(30):
        async with (
            receiving(Receiver()) as receiver,
            open_store(None, "x", [], clock=clock, entropy=secrets.token_bytes) as store,
        ):
            bus = EventBus(store.events, clock=clock, entropy=secrets.token_bytes)
            all_there = trio.Event()

            def answer(_: Request) -> Reply:
                if len(receiver.requests) == 4:
                    all_there.set()
                return Reply()

            receiver.answer = answer
            configuration = {
                "targets": {"crm": {"url": receiver.url + "/crm/{{trigger}}"}},
                "webhooks": [
                    {"triggers": ["transport.*", "**"], "target": "crm"},
                    {"triggers": ["consumption.*"], "target": "crm"},
                    {"triggers": ["transport.MessageSent"], "target": {"url": receiver.url + "/sent/{{trigger}}"}},
                    {
                        "triggers": ["consumption.attributeSucceded"],
                        "target": {"url": receiver.url + "/old/{{trigger}}"},
                    },
                ],
            }
            for specification in build(configuration):
                bus.subscribe(specification)
            async with running(bus):
                await append(store, "transport.messageSent", "runtime.x")
                await all_there.wait()
    assert sorted(request.target for request in receiver.requests) == [
        "/crm/runtime.x",
        "/crm/transport.messageSent",
        "/crm/transport.messageSent",
        "/sent/transport.messageSent",
    ]


async def test_a_receiver_that_hangs_delays_no_other() -> None:
    with trio.fail_after(30):
        async with (
            receiving(Receiver(Reply(200, forever=True))) as hanging,
            receiving(Receiver()) as receiver,
            open_store(None, "x", [], clock=clock, entropy=secrets.token_bytes) as store,
        ):
            hanging.answer = lambda _: Reply(raw=b"HTTP/1.1 ", hang=True)
            bus = EventBus(store.events, clock=clock, entropy=secrets.token_bytes)
            all_there = trio.Event()

            def answer(_: Request) -> Reply:
                if len(receiver.requests) == 200:
                    all_there.set()
                return Reply()

            receiver.answer = answer
            targets = {"bad": {"url": hanging.url, "delivery": {"timeoutSeconds": 1}}, "good": {"url": receiver.url}}
            configuration = {
                "targets": targets,
                "webhooks": [{"triggers": ["**"], "target": name} for name in ("bad", "good")],
            }
            for specification in build(configuration):
                bus.subscribe(specification)
            async with running(bus):
                for _ in range(20):
                    await append(store, *["transport.messageSent"] * 10)
                await all_there.wait()
    positions = [request.headers["webhook-id"] for request in receiver.requests]
    assert len(set(positions)) == 200
    assert len(hanging.requests) < 200
