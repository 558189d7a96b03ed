"""Where a configuration comes from, and which source wins (connector spec 2.1, 2.2)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_connector.settings import ConfigurationError, Loaded, load, sources
from trio_connector.settings.sources import merged, read_environment

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ENVIRONMENT = {
    "transportLibrary__baseUrl": "http://backbone.example",
    "PLATFORM_CLIENT_ID": "client",
    "PLATFORM_CLIENT_SECRET": "secret",
}


def loaded(folder: Path, config: Path | None = None, **environment: str) -> Loaded:
    return load(config, environ={**ENVIRONMENT, **environment}, now=NOW, folder=folder)


def test_the_environment_wins_over_the_file_and_the_file_over_the_baked_in_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundled = tmp_path / "bundled.config.json"
    bundled.write_text(
        json.dumps({"database": {"dbName": "bundled"}, "infrastructure": {"httpServer": {"port": 1, "host": "::1"}}})
    )
    monkeypatch.setattr(sources, "BUNDLED", bundled)
    monkeypatch.setattr("trio_connector.settings.loading.BUNDLED", bundled)
    (tmp_path / "config.yaml").write_text("database: {dbName: file}\ninfrastructure: {httpServer: {port: 2}}\n")
    settings = loaded(tmp_path, infrastructure__httpServer__port="3").settings
    assert settings.infrastructure.http_server.port == 3
    assert settings.database.db_name == "file"
    assert settings.infrastructure.http_server.host == "::1"


def test_lists_of_the_higher_source_replace_and_objects_merge(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(
        json.dumps({"modules": {"webhooks": {"targets": {"a": {"url": "http://a"}}, "webhooks": [{"target": "a"}]}}})
    )
    variables = {
        "modules:webhooks:targets:b:url": "http://b",
        "modules:webhooks:webhooks": '[{"triggers": ["**"], "target": "b"}]',
    }
    options = load(environ={**ENVIRONMENT, **variables}, now=NOW, folder=tmp_path).settings.modules["webhooks"].options
    assert options == {
        "targets": {"a": {"url": "http://a"}, "b": {"url": "http://b"}},
        "webhooks": [{"triggers": ["**"], "target": "b"}],
    }


def test_the_named_file_is_read_in_the_order_command_line_then_environment_then_folder(tmp_path: Path) -> None:
    for name in ("named", "custom"):
        (tmp_path / f"{name}.json").write_text(json.dumps({"database": {"dbName": name}}))
    (tmp_path / "config.json").write_text('{"database": {"dbName": "folder"}}')
    assert (
        loaded(tmp_path, Path("named.json"), CUSTOM_CONFIG_LOCATION="custom.json").settings.database.db_name == "named"
    )
    assert loaded(tmp_path, CUSTOM_CONFIG_LOCATION="custom.json").settings.database.db_name == "custom"
    assert loaded(tmp_path).settings.database.db_name == "folder"


def test_a_named_file_that_does_not_exist_is_ignored_with_a_warning(tmp_path: Path) -> None:
    answer = loaded(tmp_path, Path("absent.yaml"))
    assert answer.warnings == (f"The configuration file '{tmp_path / 'absent.yaml'}' does not exist and is ignored.",)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("bad.json", '{"a": '),
        ("bad.yaml", "a: [1"),
        ("list.yaml", "- 1"),
        ("twice.yaml", "debug: true\ndebug: false"),
        ("binary.json", "\udcff"),
    ],
)
def test_an_unreadable_file_is_named(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigurationError) as refused:
        loaded(tmp_path, Path(name))
    assert str(refused.value).startswith(f"Error parsing your configuration file: [{path}]: ")


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").mkdir()
    with pytest.raises(ConfigurationError, match="Error parsing your configuration file"):
        loaded(tmp_path)


def test_yaml_scalars_are_what_they_look_like(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        "logging: {level: OFF}\n"
        "infrastructure: {httpServer: {port: 0080, authentication: {apiKey: {keys: {no: {expiresAt: 2030-01-01, "
        "key: This_is_a_test_APIKEY_with_30_chars+}}}}}}\n"
    )
    settings = loaded(tmp_path).settings
    server = settings.infrastructure.http_server
    assert settings.logging.level == "OFF"
    assert server.port == 80
    assert server.authentication.api_key.keys["no"].expires == datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("true", True), ("1.5", 1.5), ("null", None), ('{"a":1}', {"a": 1}), ('["x"]', ["x"]), ('"7"', "7"),
     ("NaN", "NaN"), ("", ""), ("text", "text"), ("01", "01")],
)  # fmt: skip
def test_values_of_the_environment_are_json_or_else_text(value: str, expected: Any) -> None:
    assert read_environment({"modules:mine:key": value}, ["modules"])[0] == {"modules": {"mine": {"key": expected}}}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("DATABASE_NAME", "database.dbName"),
        ("DATABASE_CONNECTION_STRING", "database.connectionString"),
        ("SYNC_ENABLED", "modules.sync.enabled"),
        ("PLATFORM_CLIENT_ID", "transportLibrary.platformClientId"),
        ("PLATFORM_CLIENT_SECRET", "transportLibrary.platformClientSecret"),
        ("DEBUG", "debug"),
        ("infrastructure__httpServer:port", "infrastructure.httpServer.port"),
        ("ACCOUNT", "database.dbName"),
        ("API_KEY", "infrastructure.httpServer.apiKey"),
    ],
)
def test_variables_name_keys(name: str, path: str) -> None:
    expected: Any = "value"
    for key in reversed(path.split(".")):
        expected = {key: expected}
    known = ("database", "modules", "transportLibrary", "debug", "infrastructure")
    assert read_environment({name: "value"}, known)[0] == expected


def test_the_rest_of_the_environment_stays_out() -> None:
    strangers = {"HOME": "/root", "SECRET_TOKEN": "x", "Modules__sync": "1", "debugger": "1"}
    assert read_environment(strangers, ["modules", "debug"]) == ({}, [])


def test_the_later_of_two_variables_for_one_key_wins_and_today_wins_over_2022() -> None:
    known = ["database"]
    assert read_environment({"database__dbName": "a", "DATABASE_NAME": "b"}, known)[0] == {"database": {"dbName": "b"}}
    assert read_environment({"DATABASE_NAME": "a", "ACCOUNT": "b"}, known)[0] == {"database": {"dbName": "a"}}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=2), JSON, max_size=3)


@given(OBJECTS, OBJECTS, OBJECTS)
def test_merging_is_associative_and_changes_no_source(a: dict[str, Any], b: dict[str, Any], c: dict[str, Any]) -> None:
    before = json.dumps([a, b, c])
    assert merged(merged(a, b), c) == merged(a, merged(b, c)) or _an_object_was_replaced(a, b, c)
    assert merged({}, a) == a == merged(a, {}) == merged(a, a)
    assert json.dumps([a, b, c]) == before


def _an_object_was_replaced(a: Any, b: Any, c: Any) -> bool:
    """A single value between two objects hides the lower one, unless the two are merged first."""
    shared = a.keys() & b.keys() & c.keys()
    return any(
        isinstance(a[key], dict)
        and isinstance(c[key], dict)
        and (not isinstance(b[key], dict) or _an_object_was_replaced(a[key], b[key], c[key]))
        for key in shared
    )
