"""The documentation pages, and that the document tells the truth (connector spec 8.5)."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
import trio
import trio.lowlevel
import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.core.failures import FailureGroup

from tests.api.served import API_KEY, CORE, ServedApi, all_well, served, served_account, settings_with
from trio_connector.api.app import create_app
from trio_connector.api.parts import ApiParts


async def test_the_pages_come_from_the_package_alone_and_without_credentials() -> None:
    async with served_account(settings=settings_with(debug=True, docs=True)) as api:
        client = api.stranger
        for path, to in (
            ("/docs", "/docs/swagger"),
            ("/api-docs/x", "/docs/swagger"),
            ("/docs/swagger", "/docs/swagger/"),
        ):
            response = await client.get(path)
            assert (response.status_code, response.headers["location"]) == (301, to)
        swagger = await client.get("/docs/swagger/")
        assert swagger.headers["content-type"] == "text/html; charset=utf-8"
        assert '<div id="swagger-ui">' in swagger.text
        assert "<title>enmeshed Connector API</title>" in swagger.text
        assert swagger.headers["content-security-policy"].startswith("default-src;base-uri 'self'")
        for path in ("/docs/rapidoc", "/docs/rapidoc/"):
            rapidoc = (await client.get(path)).text
            assert "<rapi-doc" in rapidoc
            assert 'spec-url="/docs/json"' in rapidoc
            assert 'persist-auth="false"' in rapidoc
        for page in (swagger.text, rapidoc):
            assert "http" not in page
        for path, content_type in (
            ("/docs/swagger/swagger-ui.css", "text/css"),
            ("/docs/swagger/swagger-ui-bundle.js", "application/javascript"),
            ("/docs/swagger/start.js", "application/javascript"),
            ("/rapidoc/rapidoc-min.js", "application/javascript"),
            ("/favicon.ico", "image/vnd.microsoft.icon"),
        ):
            response = await client.get(path)
            assert response.status_code == 200
            assert response.headers["content-type"].startswith(content_type)
        document = (await client.get("/docs/json")).json()
        as_yaml = await client.get("/docs/yaml")
        assert as_yaml.headers["content-type"] == "text/vnd.yaml; charset=utf-8"
        assert yaml.safe_load(as_yaml.text) == document
        assert document["components"]["securitySchemes"]["apiKey"]["name"] == "X-API-KEY"
        assert not any("IdentityDeletionProcess" in path for path in document["paths"])
        for path in ("/docs/swagger/LICENSE", "/docs/swagger/..%2ffavicon.ico", "/rapidoc/README.md"):
            assert (await client.get(path)).status_code == 404


async def test_no_start_waits_for_the_yaml_form_and_it_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    dumped: list[Any] = []
    dump_all = yaml.dump_all

    def counted(documents: Any, *given: Any, **options: Any) -> Any:
        dumped.append(documents)
        return dump_all(documents, *given, **options)

    monkeypatch.setattr(yaml, "dump_all", counted)
    async with served_account(settings=settings_with(debug=True, docs=True)) as api:
        assert (await api.stranger.get("/docs/json")).status_code == 200
        assert dumped == []
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(api.stranger.get, "/docs/yaml")
        assert (await api.stranger.get("/docs/yaml")).status_code == 200
    assert len(dumped) == 1


async def test_without_the_switch_there_are_no_pages(api: ServedApi) -> None:
    for path in ("/docs", "/docs/json", "/favicon.ico"):
        assert (await api.client.get(path)).status_code == 404


async def test_production_mode_refuses_to_show_them(api: ServedApi) -> None:
    parts = ApiParts(
        settings=settings_with(docs=True),
        services=api.services,
        health=all_well,
        clock=api.services.clock,
        entropy=api.services.entropy,
        configuration={},
    )
    with pytest.raises(ValueError, match=r"^Documentation is not allowed in production mode\.$"):
        create_app(parts)


async def test_strangers_input_never_becomes_a_fault_and_every_answer_is_described(api: ServedApi) -> None:
    """schemathesis makes requests from the document, fitting and unfitting ones."""
    async with served(api.services, settings=settings_with(debug=True, docs=True)) as documented:
        document = (await documented.stranger.get("/docs/json")).json()
        await trio.to_thread.run_sync(_check_document, document, documented.url)


def _is_the_backbones_refusal(response: Any) -> bool:
    """What the Backbone's validation refuses has status 500 in this API."""
    return bool(response.status_code == 500 and response.json()["error"]["code"].startswith("error.platform."))


def _check_document(document: Any, url: str) -> None:
    schema: Any = schemathesis.openapi.from_dict(document)
    problems: list[str] = []
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path == f"{CORE}/Account/Sync":
            continue

        @seed(1)
        @settings(
            max_examples=12,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def check(case: Any) -> None:
            checks = [
                schemathesis.checks.status_code_conformance,
                schemathesis.checks.content_type_conformance,
                schemathesis.checks.response_schema_conformance,
            ]
            response = case.call(base_url=url, headers={"X-API-KEY": API_KEY}, timeout=30)
            try:
                if not _is_the_backbones_refusal(response):
                    checks.append(schemathesis.checks.not_a_server_error)
                case.validate_response(response, checks=checks)
            except FailureGroup as group:
                problems.extend(
                    f"{case.method} {case.path}: {failure}; {case.body!r}; {response.text}"
                    for failure in group.exceptions
                )

        check()
    assert not problems, "\n".join(problems[:20])
