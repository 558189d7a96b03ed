"""The OpenAPI document of the API, made from the route table and the classes of the answers (connector spec 8.5)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from trio_connector.api.routes.subscribers import SubscriberDTO
from trio_connector.api.routing import Accept, Kind, Route
from trio_connector.domain.attributes.record import ForwardingDetailsDTO, LocalAttributeDTO
from trio_connector.domain.attributes.tags import TagCollection
from trio_connector.domain.challenge import ChallengeDTO, ChallengeValidationResultDTO
from trio_connector.domain.file import FileDTO
from trio_connector.domain.identity import IdentityDTO
from trio_connector.domain.identity_deletion import IdentityDeletionProcessDTO
from trio_connector.domain.identity_metadata import IdentityMetadataDTO
from trio_connector.domain.message import MessageDTO
from trio_connector.domain.relationship import RelationshipDTO
from trio_connector.domain.requests.record import LocalRequestDTO
from trio_connector.domain.template import RelationshipTemplateDTO
from trio_connector.domain.token import TokenDTO
from trio_connector.domain.validation_result import ValidationResult
from trio_connector.usecases.attributes.changing import CanCreateDTO, DeletionResult, SuccessionResult
from trio_connector.usecases.validation.schema import Schema, Shape

Json = dict[str, Any]

TITLE: Final = "enmeshed Connector API"
ERROR_STATUSES: Final = {
    400: "The input is refused, or a rule does not allow it.",
    401: "No credentials, or wrong ones.",
    403: "A role is missing.",
    404: "There is nothing under this id.",
    406: "Nothing that could be answered is acceptable.",
    408: "The payload did not arrive in time.",
    413: "The payload is too large.",
    415: "The payload is compressed in an unknown way.",
    500: "The Backbone cannot be reached or is at fault, or the Connector is.",
    503: "The Connector stops, or the operation took too long.",
}

_CLASSES: Final[dict[str, Any]] = {
    "AttributeDeletion": DeletionResult,
    "AttributeTagCollection": TagCollection,
    "CanCreate": CanCreateDTO,
    "Challenge": ChallengeDTO,
    "ChallengeValidationResult": ChallengeValidationResultDTO,
    "File": FileDTO,
    "IdentityDeletionProcess": IdentityDeletionProcessDTO,
    "IdentityInfo": IdentityDTO,
    "IdentityMetadata": IdentityMetadataDTO,
    "LocalAttribute": LocalAttributeDTO,
    "LocalAttributeForwardingDetails": ForwardingDetailsDTO,
    "LocalRequest": LocalRequestDTO,
    "Message": MessageDTO,
    "Relationship": RelationshipDTO,
    "RelationshipTemplate": RelationshipTemplateDTO,
    "RequestValidationResult": ValidationResult,
    "Subscriber": SubscriberDTO,
    "Succession": SuccessionResult,
    "Token": TokenDTO,
}
_TEXT: Final[Json] = {"type": "string"}
_DATE: Final[Json] = {"type": "string", "format": "date-time"}
_OBJECT: Final[Json] = {"type": "object"}


def _shape(**members: Any) -> Json:
    """An object; a trailing underscore marks an optional member."""
    return {
        "type": "object",
        "properties": {name.removesuffix("_"): schema for name, schema in members.items()},
        "required": [name for name in members if not name.endswith("_")],
    }


_WRITTEN: Final[dict[str, Json]] = {
    "Error": _shape(
        error=_shape(
            code=_TEXT,
            message=_TEXT,
            id=_TEXT,
            time=_DATE,
            docs=_TEXT,
            stacktrace_={"type": "array", "items": _TEXT},
            details_=_TEXT,
        )
    ),
    "Announcement": _shape(
        id=_TEXT,
        createdAt=_DATE,
        expiresAt_=_DATE,
        severity={"type": "string", "enum": ["Low", "Medium", "High"]},
        title=_TEXT,
        body=_TEXT,
        actions={"type": "array", "items": _shape(displayName=_TEXT, link=_TEXT)},
    ),
    "SyncInfo": _shape(lastSyncRun_=_shape(completedAt=_DATE)),
    "IQLValidation": _shape(isValid={"type": "boolean"}),
    "Health": _shape(
        isHealthy={"type": "boolean"},
        services=_shape(
            **{
                name: {"type": "string", "enum": ["healthy", "unhealthy"]}
                for name in ("database", "backboneConnection", "backboneAuthentication")
            }
        ),
    ),
    "Version": _shape(version=_TEXT, build=_TEXT, date=_TEXT, commit=_TEXT, runtimeVersion=_TEXT, modules=_OBJECT),
    "RequestCount": _shape(
        since=_DATE,
        requestCount={"type": "integer"},
        requestCountByStatus={"type": "object", "additionalProperties": {"type": "integer"}},
    ),
    "Support": _shape(version=_OBJECT, health=_OBJECT, configuration=_OBJECT, identityInfo=_OBJECT),
    "GivenUpEvent": _shape(
        position={"type": "integer"},
        eventId=_TEXT,
        givenUpAt=_DATE,
        attempts={"type": "integer"},
        reason=_TEXT,
        history={"type": "array", "items": _OBJECT},
        event_={"$ref": "#/components/schemas/Event"},
    ),
    "Event": _shape(
        position={"type": "integer"},
        id=_TEXT,
        namespace=_TEXT,
        occurredAt=_DATE,
        correlationId_=_TEXT,
        data_={},
    ),
}
_WITHOUT_ENVELOPE: Final = frozenset({"Health", "Version", "RequestCount", "Support"})


def openapi_document(routes: Iterable[tuple[str, Route]], *, version: str, api_key_header: str) -> Json:
    """The document for ``routes`` (path and route)."""
    schemas = _schemas()
    paths: dict[str, Json] = {}
    for path, route in routes:
        paths.setdefault(path, {})[route.method.lower()] = _operation(path, route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": TITLE,
            "version": version,
            "description": "The HTTP interface of an always-on enmeshed identity: its relationships, messages, files "
            "and attributes.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"apiKey": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"apiKey": {"type": "apiKey", "in": "header", "name": api_key_header}},
            "schemas": dict(sorted(schemas.items())),
        },
    }


def _schemas() -> dict[str, Json]:
    _, components = msgspec.json.schema_components(list(_CLASSES.values()), ref_template="#/components/schemas/{name}")
    schemas: dict[str, Json] = {**_WRITTEN, **components}
    # The DTOs leave out what is absent; msgspec describes that as null.
    for schema in schemas.values():
        _without_null(schema)
    with_files = dict(schemas["MessageDTO"])
    with_files["properties"] = {
        **with_files["properties"],
        "attachments": {"type": "array", "items": {"$ref": "#/components/schemas/FileDTO"}},
    }
    schemas["MessageWithAttachments"] = with_files
    return schemas


def _without_null(schema: Json) -> None:
    for name, member in schema.get("properties", {}).items():
        if member.get("default", ...) is None and "anyOf" in member:
            kept = [branch for branch in member["anyOf"] if branch != {"type": "null"}]
            schema["properties"][name] = kept[0] if len(kept) == 1 else {"anyOf": kept}


def _operation(path: str, route: Route, schemas: dict[str, Json]) -> Json:
    operation: Json = {
        "tags": [_tag(path)],
        "summary": route.summary,
        "operationId": _operation_id(path, route),
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": _TEXT} for name in re.findall(r"\{(\w+)\}", path)
    ]
    parameters += [
        {"name": name, "in": "query", "required": name in route.required_query, **_query_schema(schema, schemas)}
        for name, schema in route.query.items()
    ]
    if parameters:
        operation["parameters"] = parameters
    if body := _body(route, schemas):
        operation["requestBody"] = body
    if route.public:
        operation["security"] = []
    operation["responses"] = _responses(route)
    return operation


def _tag(path: str) -> str:
    parts = path.split("/")
    if path.startswith("/api/core/v1/"):
        return "/".join(parts[4:6]) if parts[4] == "Requests" else parts[4]
    return parts[1].capitalize()


def _operation_id(path: str, route: Route) -> str:
    parts = [part for part in re.split(r"[/{}]", path.removeprefix("/api/core/v1")) if part]
    return route.method.lower() + "".join(part[0].upper() + part[1:] for part in parts)


def _query_schema(schema: Schema, schemas: dict[str, Json]) -> Json:
    described = schema.json_schema(schemas)
    if "anyOf" in described:  # one text, or the parameter repeated
        return {"schema": {"type": "array", "items": _TEXT}, "style": "form", "explode": True}
    return {"schema": described}


def _body(route: Route, schemas: dict[str, Json]) -> Json | None:
    if route.multipart is not None:
        form = route.multipart.json_schema(schemas)
        return {"required": True, "content": {"multipart/form-data": {"schema": form}}}
    if route.body is None:
        return None
    described = route.body.json_schema(schemas)
    if route.optional_members and "required" in described:
        described["required"] = [name for name in described["required"] if name not in route.optional_members]
    required = not isinstance(route.body, Shape) or bool(described.get("required"))
    return {"required": required, "content": {"application/json": {"schema": described}}}


def _responses(route: Route) -> Json:
    responses: Json = {str(route.status): _success(route)}
    for status, meaning in ERROR_STATUSES.items():
        if (route.public and status in (401, 403)) or (status == 406 and route.accept is Accept.ANY):
            continue
        responses[str(status)] = {"description": meaning, "content": _content({"$ref": "#/components/schemas/Error"})}
    if route.waits or route.changes:
        # The Backbone's own refusals pass through with its status.
        responses["default"] = {
            "description": "The Backbone refuses.",
            "content": _content({"$ref": "#/components/schemas/Error"}),
        }
    if route.result == "Health":
        responses["500"] = {"description": "Something does not work.", "content": _content(_reference("Health"))}
    return responses


def _success(route: Route) -> Json:
    if route.kind is Kind.NOTHING:
        return {"description": "Done."}
    if route.kind is Kind.TEXT:
        return {"description": "Done.", "content": {"text/plain": {"schema": _TEXT}}}
    if route.kind is Kind.BYTES:
        return {
            "description": "The content.",
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    schema = _reference(route.result or "")
    if route.kind is Kind.LIST:
        schema = {"type": "array", "items": schema}
    if route.result not in _WITHOUT_ENVELOPE:
        schema = _shape(result=schema)
    content = _content(schema)
    if route.kind is Kind.QR:
        content["image/png"] = {"schema": {"type": "string", "format": "binary"}}
    success: Json = {"description": "Done.", "content": content}
    if route.status == 201:
        success["headers"] = {"Location": {"schema": {"type": "string", "const": "_"}}}
    return success


def _content(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def _reference(name: str) -> Json:
    cls = _CLASSES.get(name)
    return {"$ref": f"#/components/schemas/{cls.__name__ if cls is not None else name}"}


__all__ = ["TITLE", "openapi_document"]
