"""Every mistake is listed, in the words operators know (connector spec 2.4, 2.6, 4.3)."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from trio_connector.settings import ConfigurationError, Loaded, Settings, parse

NOW = datetime(2026, 11, 23, tzinfo=UTC)
TRANSPORT = {"baseUrl": "http://backbone.example", "platformClientId": "id", "platformClientSecret": "secret"}
STRONG = "This_is_a_test_APIKEY_with_30_chars+"


def check(**written: Any) -> Loaded:
    return parse({"transportLibrary": TRANSPORT, **written}, now=NOW)


def settings(**written: Any) -> Settings:
    return check(**written).settings


def problems(**written: Any) -> list[str]:
    with pytest.raises(ConfigurationError) as refused:
        check(**written)
    return list(refused.value.problems)


def keys(**entries: Any) -> dict[str, Any]:
    return {"httpServer": {"authentication": {"apiKey": {"keys": entries}}}}


def test_every_mistake_is_listed_with_its_path() -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse(
            {
                "debug": "yes",
                "transportLibrary": {"platformClientId": "id", "platformClientSecret": "secret", "foo": 1},
                "infrastructure": keys(a={"key": STRONG, "scopes": ["core:files", 1]}),
                "modules": {"sync": {"enabled": ""}, "sse": {"enabled": True, "baseUrlOverride": 3}},
            },
            now=NOW,
        )
    assert str(refused.value) == (
        "The configuration is not valid:"
        "\r\n  - instance.debug is not of a type(s) boolean"
        '\r\n  - instance.transportLibrary requires property "baseUrl"'
        '\r\n  - instance.transportLibrary is not allowed to have the additional property "foo"'
        "\r\n  - instance.infrastructure.httpServer.authentication.apiKey.keys.a.scopes[1] is not of a type(s) string"
        "\r\n  - instance.modules.sync.enabled is not of a type(s) boolean"
        "\r\n  - instance.modules.sse.baseUrlOverride is not of a type(s) string"
    )


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"database": {"dbName": 7}}, "instance.database is not any of [subschema 0],[subschema 1]"),
        ({"database": {"dbName": 7}}, "instance.database.dbName is not of a type(s) string"),
        (
            {"database": {"dbName": "../etc"}},
            'instance.database.dbName does not match pattern "^(?!\\\\.)[^/\\\\\\\\\\\\x00]{1,200}$"',
        ),
        ({"database": []}, "instance.database is not of a type(s) object"),
        ({"modules": {"sync": None}}, "instance.modules.sync is not of a type(s) object"),
        ({"modules": {"mine": {}}}, 'instance.modules.mine requires property "enabled"'),
        ({"modules": {"mine": {}}}, 'instance.modules.mine requires property "location"'),
        (
            {"infrastructure": {"httpServer": {"port": "abc"}}},
            "instance.infrastructure.httpServer.port is not of a type(s) integer",
        ),
        (
            {"infrastructure": {"httpServer": {"port": 65536}}},
            "instance.infrastructure.httpServer.port must be less than or equal to 65535",
        ),
        (
            {"modules": {"sync": {"enabled": True, "interval": 0}}},
            "instance.modules.sync.interval must be strictly greater than 0",
        ),
        (
            {"logging": {"level": "LOUD"}},
            "instance.logging.level is not one of enum values: ALL,DEBUG,ERROR,FATAL,INFO,MARK,OFF,TRACE,WARN",
        ),
        (
            {"transportLibrary": {**TRANSPORT, "baseUrl": "ftp://x"}},
            "The 'transportLibrary.baseUrl' must either start with 'http://' or 'https://'.",
        ),
        (
            {"transportLibrary": {**TRANSPORT, "baseUrl": "http://a|b"}},
            "The 'transportLibrary.baseUrl' must not contain '|'.",
        ),
        (
            {"pinnedTLSCertificateSHA256Fingerprints": {"https://a.example": []}},
            "Invalid host 'https://a.example' in pinnedTLSCertificateSHA256Fingerprints. The host "
            "must not contain a protocol, path or query.",
        ),
        (
            {"modules": {"mine": {"enabled": True, "location": "@nmshd/runtime:Foo"}}},
            "Module @nmshd/runtime:Foo is not a builtin module.",
        ),
        (
            {"infrastructure": {"httpServer": {"enabled": False}}},
            "The module on location '@nmshd/connector:CoreHttpApiModule' requires the 'httpServer' "
            "infrastructure, but it is not available / enabled.",
        ),
        (
            {"modules": {"again": {"enabled": True, "location": "@nmshd/connector:CoreHttpApiModule"}}},
            "The Module 'Core Http Api Module' at location '@nmshd/connector:CoreHttpApiModule' is "
            "not allowed to be used multiple times, but it has 2 instances.",
        ),
        (
            {"logging": {"categories": {"default": {"appenders": ["x"], "level": "INFO"}}}},
            "instance.logging.categories.default.appenders names the appender 'x', which does not exist",
        ),
        (
            {"logging": {"appenders": {"x": {"type": "smtp"}}}},
            "instance.logging.appenders.x.type 'smtp' is not supported; use one of console, "
            "dateFile, file, logLevelFilter, stderr, stdout",
        ),
        (
            {
                "infrastructure": {
                    "httpServer": {"authentication": {"jwtBearer": {"issuerBaseURL": "https://idp.example"}}}
                }
            },
            "An 'audience' is required to validate the 'aud' claim",
        ),
        (
            {"infrastructure": {"httpServer": {"authentication": {"apiKey": {"enabled": False}}}}},
            "No API key and OAuth config set in configuration. At least one is required in production mode.",
        ),
    ],
)
def test_a_mistake_is_named(written: dict[str, Any], expected: str) -> None:
    assert expected in problems(**written)


def test_mongodb_is_refused_with_what_to_do() -> None:
    (text,) = problems(database={"driver": "mongodb", "connectionString": "mongodb://db"})
    assert "'mongodb' is not supported" in text
    assert "set 'database.folder'" in text


def test_lokijs_is_taken_as_sqlite_with_a_warning() -> None:
    loaded = check(database={"driver": "lokijs", "folder": "here"})
    assert (loaded.settings.database.driver, loaded.settings.database.folder) == ("sqlite", "here")
    assert any("lokijs" in warning for warning in loaded.warnings)


def test_a_connection_string_alone_is_accepted_with_a_warning() -> None:
    loaded = check(database={"connectionString": "mongodb://user:hidden@db"})
    assert any("'database.connectionString' is not used" in warning for warning in loaded.warnings)
    assert not any("hidden" in warning for warning in loaded.warnings)


def test_a_weak_key_is_refused_by_its_id() -> None:
    (text,) = problems(infrastructure=keys(shop={"key": "weak"}, crm={"key": "weak too"}, ok={"key": STRONG}))
    assert text.startswith("The API keys with the following key(s) does not meet the requirements: shop, crm. ")
    assert "weak" not in text.replace("shop, crm", "")


@pytest.mark.parametrize(
    "entries",
    [
        {"a": {"key": STRONG, "enabled": False}},
        {"a": {"key": STRONG, "expiresAt": "2026-11-22"}},
        {"a": {"key": STRONG, "expiresAt": "2026-11-23T00:00:00.000Z"}},
    ],
)
def test_without_a_usable_key_there_is_no_start(entries: dict[str, Any]) -> None:
    assert problems(infrastructure=keys(**entries)) == [
        "No valid API keys found in configuration. At least one is required."
    ]


def test_two_equal_keys_are_refused_even_when_one_is_switched_off() -> None:
    assert problems(infrastructure=keys(a={"key": STRONG}, b={"key": STRONG, "enabled": False})) == [
        "Duplicate API keys found in configuration. Each API key must be unique."
    ]


def test_a_key_without_scopes_has_all_roles_and_one_with_empty_scopes_none() -> None:
    entries = {"a": {"key": STRONG}, "b": {"key": STRONG + "b", "scopes": []}}
    api_key = settings(infrastructure=keys(**entries)).infrastructure.http_server.authentication.api_key
    assert (api_key.keys["a"].roles, api_key.keys["b"].roles) == (("**",), ())


@pytest.mark.parametrize(
    ("authentication", "host"),
    [({}, "127.0.0.1"), ({"apiKey": {"keys": {"a": {"key": STRONG}}}}, "0.0.0.0"), ({"jwtBearer": {}}, "127.0.0.1")],
)
def test_the_server_listens_everywhere_only_with_authentication(authentication: dict[str, Any], host: str) -> None:
    loaded = settings(infrastructure={"httpServer": {"authentication": authentication}})
    assert loaded.infrastructure.http_server.host == host
    assert loaded.needs_generated_api_key is (host == "127.0.0.1")


def test_debug_mode_without_authentication_is_open_and_makes_no_key() -> None:
    loaded = settings(debug=True)
    assert loaded.api_is_open
    assert not loaded.needs_generated_api_key


def test_sync_gives_way_to_sse() -> None:
    loaded = check(modules={"sync": {"enabled": True}, "sse": {"enabled": True}})
    assert loaded.warnings == (
        "The SSE and Sync modules cannot be enabled at the same time, the Sync module will be disabled.",
    )
    assert loaded.settings.module("sse") is not None
    assert loaded.settings.module("sync") is None


def test_request_and_decider_run_whatever_was_written() -> None:
    loaded = settings(modules={"request": {"enabled": False}, "decider": {"enabled": False}})
    assert loaded.modules["request"].enabled
    assert loaded.modules["decider"].enabled


def test_modules_keep_the_order_of_start_and_the_users_come_last() -> None:
    loaded = settings(modules={"mine": {"enabled": True, "location": "shop.hooks:MyHTTPModule", "color": "red"}})
    assert list(loaded.modules) == [
        "notification",
        "decider",
        "request",
        "autoAcceptPendingRelationships",
        "autoDecomposeDeletionProposedRelationships",
        "coreHttpApi",
        "webhooks",
        "messageBrokerPublisher",
        "sync",
        "sse",
        "mine",
    ]
    mine = loaded.modules["mine"]
    assert (mine.kind, mine.display_name, mine.options) == (None, "My HTTP Module", {"color": "red"})


def test_what_is_switched_off_need_not_be_complete() -> None:
    webhooks = {"enabled": False, "webhooks": "later", "targets": {"test": {}}}
    assert not settings(modules={"webhooks": webhooks}).modules["webhooks"].enabled


def test_an_unknown_key_of_a_module_is_a_warning() -> None:
    (warning,) = check(modules={"sync": {"enabled": True, "intervall": 3}}).warnings
    assert "intervall" in warning


def test_unknown_keys_at_the_top_are_ignored() -> None:
    assert settings(**{"$schema": "x"}).debug is False


def test_the_embedded_backbone_says_where_it_is() -> None:
    loaded = parse({"infrastructure": {"embeddedBackbone": {"enabled": True, "port": 9000}}}, now=NOW).settings
    transport = loaded.transport_library
    assert (transport.base_url, transport.platform_client_id) == ("http://127.0.0.1:9000", "test")
    assert transport.address_generation_hostname_override == "localhost"
    assert loaded.embedded_backbone_folder == loaded.database.folder_path / "backbone"


def test_another_backbone_is_not_used_beside_the_embedded_one() -> None:
    loaded = check(infrastructure={"embeddedBackbone": {"enabled": True}})
    assert loaded.settings.transport_library.base_url == "http://127.0.0.1:8090"
    assert any("'transportLibrary.baseUrl' is ignored" in warning for warning in loaded.warnings)


def test_a_command_runs_silently_and_without_http() -> None:
    command = settings().for_commands()
    assert command.logging.level == "OFF"
    assert not command.infrastructure.http_server.enabled
    assert command.module("coreHttpApi") is None


COMPLETE: dict[str, Any] = {
    "debug": False,
    "transportLibrary": {**TRANSPORT, "platformAdditionalHeaders": {"a": "b"}},
    "database": {"folder": "x"},
    "logging": {"appenders": {"x": {"type": "stdout", "layout": {"type": "json"}}}},
    "infrastructure": {
        "httpServer": {"port": 1, "authentication": {"apiKey": {"keys": {"a": {"key": STRONG, "scopes": ["**"]}}}}},
        "embeddedBackbone": {"enabled": True, "host": "::", "port": 1, "folder": "x", "clientId": "y"},
    },
    "modules": {
        "sync": {"enabled": True, "interval": 1},
        "webhooks": {"enabled": True, "url": "http://x", "targets": {"a": {}}, "webhooks": [{"triggers": ["a"]}]},
        "webhooksV2": {"enabled": True, "targets": {"a": {}}},
        "amqpPublisher": {"enabled": True, "url": "amqp://x"},
        "messageBrokerPublisher": {"enabled": True, "brokers": [{"type": "AMQP", "configuration": {}}]},
        "autoAcceptRelationshipCreationChanges": {"enabled": True},
        "decider": {"automationConfig": [{"requestConfig": {}, "responseConfig": {}}]},
        "mine": {"enabled": True, "location": "a.b"},
    },
    "events": {},
    "pinnedTLSCertificateSHA256Fingerprints": {"a.example": ["ab" * 32]},
}


def _paths(value: Any) -> list[tuple[Any, ...]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(), *((key, *path) for key, member in members for path in _paths(member))]


@settings_of_hypothesis(max_examples=500)
@given(
    st.sampled_from(_paths(COMPLETE)[1:]), st.sampled_from([None, True, 0, -1.5, "x", "", [], [None], {}, {"x": None}])
)
def test_whatever_stands_anywhere_it_is_accepted_or_named(path: tuple[Any, ...], value: Any) -> None:
    written = deepcopy(COMPLETE)
    place: Any = written
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    try:
        loaded = parse(written, now=NOW)
    except ConfigurationError as error:
        named = error.problems
    else:
        named = tuple(loaded.settings.modules)
    assert named
