"""A configuration is shown without its secrets, and described from its structs."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from trio_connector.settings import Settings, ensure_api_key, is_strong, load, parse, redacted, secrets_of
from trio_connector.settings.reference import PAGE, json_schema, reference_page

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
S = "Zx9Qs3cr3tValue"


def full_of_secrets() -> Settings:
    """Every secret contains ``S``."""
    strong = f"This_is_a_test_APIKEY_with_{S}+"
    return parse(
        {
            "transportLibrary": {
                "baseUrl": f"https://user:{S}@backbone.example",
                "platformClientId": "client",
                "platformClientSecret": S,
                "platformAdditionalHeaders": {"x-gateway": S},
            },
            "database": {"connectionString": f"mongodb://u:{S}@h"},
            "infrastructure": {
                "httpServer": {
                    "apiKey": f"old{S}",
                    "authentication": {
                        "apiKey": {"keys": {"a": {"key": strong}}},
                        "jwtBearer": {"audience": "a", "secret": S, "tokenSigningAlg": "HS256"},
                        "oidc": {"clientSecret": S, "secret": S, "enabled": False},
                    },
                },
                "embeddedBackbone": {"clientSecret": S},
            },
            "modules": {
                "webhooks": {
                    "enabled": True,
                    "targets": {
                        "a": {
                            "url": f"https://u:{S}@h/p?sig={S}",
                            "headers": {"plain": S},
                            "secret": [S, f"whsec_{S}"],
                        },
                        "b": {
                            "url": "https://h",
                            "authentication": {
                                "type": "OAuth2",
                                "accessTokenUrl": f"https://idp?x={S}",
                                "clientId": "me",
                                "clientSecret": S,
                                "futureSecretThing": S,
                            },
                        },
                        "c": {"url": "https://h", "authentication": {"type": "ApiKey", "apiKey": S}},
                    },
                    "webhooks": [{"triggers": ["**"], "target": {"url": "https://h", "headers": {"A": S}}}],
                },
                "amqpPublisher": {"enabled": True, "url": f"amqp://u:{S}@rabbit/vhost", "secret": S},
                "mine": {"enabled": True, "location": "a.b", "password": S, "deep": [{"access_token": S}]},
            },
        },
        now=NOW,
    ).settings


def test_no_secret_is_shown() -> None:
    assert S not in json.dumps(redacted(full_of_secrets()))


def test_no_secret_is_in_a_repr() -> None:
    settings = full_of_secrets()
    assert S not in repr(settings) + repr(settings.modules) + f"{settings.infrastructure!r}{settings.transport_library}"


def test_what_is_no_secret_is_shown() -> None:
    shown = redacted(full_of_secrets())
    assert shown["transportLibrary"]["platformClientId"] == "client"
    assert shown["transportLibrary"]["platformClientSecret"] == "***"
    assert shown["infrastructure"]["httpServer"]["authentication"] == {
        "apiKey": "redacted (enabled)",
        "jwtBearer": "redacted (enabled)",
        "oidc": "redacted (disabled)",
    }
    webhooks = shown["modules"]["webhooks"]
    assert webhooks["targets"]["a"]["url"] == "https://***@h/p?sig=***"
    assert webhooks["targets"]["b"]["authentication"]["clientId"] == "me"
    assert webhooks["webhooks"][0]["triggers"] == ["**"]
    assert shown["modules"]["messageBrokerPublisher"]["brokers"][0]["configuration"]["url"] == "amqp://***@rabbit/vhost"


def test_every_secret_is_known_to_the_filter_of_the_log() -> None:
    known = secrets_of(full_of_secrets())
    assert {S, f"old{S}", f"whsec_{S}", f"This_is_a_test_APIKEY_with_{S}+"} <= known
    assert not {"client", "me", "HS256", "a.b", "https://h"} & known


def test_the_generated_key_is_strong_kept_and_private(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    first = ensure_api_key(folder, os.urandom)
    again = ensure_api_key(folder, os.urandom)
    assert first.created
    assert not again.created
    assert first.key == again.key
    assert is_strong(first.key)
    assert first.path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in folder.iterdir()] == ["api-key"]
    assert first.key not in repr(first)


def test_a_key_file_that_was_left_open_to_others_is_closed(tmp_path: Path) -> None:
    path = ensure_api_key(tmp_path, os.urandom).path
    path.chmod(0o644)
    ensure_api_key(tmp_path, os.urandom)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_spoilt_key_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "api-key").write_text("weak")
    with pytest.raises(ValueError, match="does not hold a strong API key"):
        ensure_api_key(tmp_path, os.urandom)


def test_a_generated_key_protects_the_api() -> None:
    transport = {"baseUrl": "http://b", "platformClientId": "i", "platformClientSecret": "s"}
    settings = parse({"transportLibrary": transport}, now=NOW).settings
    assert settings.needs_generated_api_key
    settings = settings.with_api_key("K" * 40)
    assert not settings.needs_generated_api_key
    assert settings.infrastructure.http_server.authentication.api_key.on


def test_the_reference_page_is_up_to_date() -> None:
    assert (ROOT / PAGE).read_text("utf-8") == reference_page(), "run: trio-connector config reference > " + PAGE


def test_the_example_is_valid_and_shows_no_unknown_key() -> None:
    loaded = load(ROOT / "config.example.yaml", environ={}, now=NOW)
    assert loaded.warnings == ()
    server = loaded.settings.infrastructure.http_server
    assert (server.host, server.port) == ("127.0.0.1", 8080)


def schema_errors(written: Any) -> list[str]:
    validator = jsonschema.Draft202012Validator(json_schema())
    return [error.message for error in validator.iter_errors(written)]


def test_the_schema_is_a_schema_and_accepts_the_example() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    assert schema_errors(yaml.safe_load((ROOT / "config.example.yaml").read_text("utf-8"))) == []


@pytest.mark.parametrize(
    "written",
    [
        {"debug": "yes"},
        {"database": {"foo": 1}},
        {"modules": {"sync": {"interval": "often"}}},
        {"modules": {"mine": {"enabled": 1}}},
        {"infrastructure": {"httpServer": {"port": 70_000}}},
    ],
)
def test_the_schema_finds_mistakes(written: dict[str, Any]) -> None:
    assert schema_errors(written)


def test_every_key_has_a_description() -> None:
    rows = [line.split(" | ") for line in reference_page().splitlines() if line.startswith("| `")]
    assert len(rows) > 100
    assert [row[0] for row in rows if len(row) == 4 and not row[3].strip(" |")] == []
