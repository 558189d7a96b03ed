"""Our routes against the description of the official API, where somebody has it: paths, methods, parameters, statuses.

The file is not part of this project; ``TRIO_CONNECTOR_REFERENCE_OPENAPI`` says where it is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.accounts import utc_now
from trio_connector.api.counters import RequestCounter
from trio_connector.api.monitoring import monitoring_routes
from trio_connector.api.openapi import openapi_document
from trio_connector.api.routes import CORE_PREFIX, CORE_RESOURCES
from trio_connector.api.routing import RouteTable

REFERENCE = "TRIO_CONNECTOR_REFERENCE_OPENAPI"

# Where the official description is wrong about the official behaviour.
STATUS_IS_REALLY_200 = {
    ("post", "/Attributes/ExecuteIdentityAttributeQuery"),
    ("post", "/Attributes/ExecuteRelationshipAttributeQuery"),
    ("post", "/Attributes/ExecuteThirdPartyRelationshipAttributeQuery"),
}
REFUSED_PARAMETERS = {
    ("get", "/Attributes/Own/Identity"): {"deletionInfo", "deletionInfo.deletionStatus", "deletionInfo.deletionDate"}
}


@pytest.fixture(scope="module")
def reference() -> Any:
    """The official description."""
    path = os.environ.get(REFERENCE)
    if not path or not Path(path).exists():
        pytest.skip(f"{REFERENCE} names no file: THE ROUTES WERE NOT COMPARED WITH THE OFFICIAL ONES")
    return yaml.safe_load(Path(path).read_text("utf-8"))


@pytest.fixture(scope="module")
def ours() -> Any:
    """Our own description."""
    table = RouteTable()
    table.add("", monitoring_routes(RequestCounter(utc_now())))
    for resource in CORE_RESOURCES:
        table.add(f"{CORE_PREFIX}/{resource.name}", resource.routes)
    return openapi_document(table.routes, version="1", api_key_header="X-API-KEY")


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    """Method, path without the names of its parameters, operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in ("get", "put", "post", "delete", "patch"):
                yield method, re.sub(r"\{\w+\}", "{}", path), operation


def by_path(document: Any) -> dict[tuple[str, str], Any]:
    return {(method, path): operation for method, path, operation in operations(document)}


def short(path: str) -> str:
    return path.removeprefix(CORE_PREFIX)


def test_we_serve_exactly_the_official_operations(reference: Any, ours: Any) -> None:
    assert set(by_path(ours)) == set(by_path(reference))
    assert len(by_path(ours)) == 86


def test_every_official_query_parameter_is_known(reference: Any, ours: Any) -> None:
    mine = by_path(ours)
    for key, operation in by_path(reference).items():
        wanted = {one["name"]: one for one in operation.get("parameters", []) if one.get("in") == "query"}
        known = {one["name"]: one for one in mine[key].get("parameters", []) if one["in"] == "query"}
        missing = set(wanted) - set(known) - REFUSED_PARAMETERS.get((key[0], short(key[1])), set())
        assert not missing, key
        for name in set(wanted) & set(known):
            assert bool(wanted[name].get("required")) == known[name]["required"], (key, name)


def test_success_has_the_official_status(reference: Any, ours: Any) -> None:
    mine = by_path(ours)
    for key, operation in by_path(reference).items():
        official = {status for status in operation["responses"] if str(status).startswith("2")}
        own = {status for status in mine[key]["responses"] if str(status).startswith("2")}
        if (key[0], short(key[1])) in STATUS_IS_REALLY_200:
            official = {"200"}
        assert {str(status) for status in own} == {str(status) for status in official}, key


def test_every_official_error_status_is_described(reference: Any, ours: Any) -> None:
    mine = by_path(ours)
    for key, operation in by_path(reference).items():
        official = {str(status) for status in operation["responses"] if not str(status).startswith("2")}
        if key == ("get", "/health"):
            official.discard("403")  # nobody is asked for a role there
        assert official <= set(mine[key]["responses"]), key


def test_what_must_be_sent_is_what_the_official_api_asks_for(reference: Any, ours: Any) -> None:
    mine = by_path(ours)
    for key, operation in by_path(reference).items():
        official = _members(operation, reference)
        own = _members(mine[key], ours)
        if official is not None and own is not None:
            assert official[0] <= own[0], key
            assert own[1] <= official[0], key


def _members(operation: Any, document: Any) -> tuple[set[str], set[str]] | None:
    """The members of a body, and the required ones; None where it is described in another way."""
    content: dict[str, Any] = operation.get("requestBody", {}).get("content", {})
    described: dict[str, Any] = next(iter(content.values()), {})
    schema: dict[str, Any] = described.get("schema", {})
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "properties" not in schema:
        return None
    return set(schema["properties"]), set(schema.get("required", []))
