"""Health, version, request counts and what support asks for (connector spec section 8). No envelope here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trio_connector.api.answer import Answer, json_answer
from trio_connector.api.call import Call
from trio_connector.api.counters import RequestCounter
from trio_connector.api.parts import ApiParts, Health
from trio_connector.api.routing import Accept, Kind, Route
from trio_connector.domain.identity import identity_dto


def monitoring_routes(counter: RequestCounter) -> list[Route]:
    """``/health`` and ``/Monitoring/*``."""

    async def requests(call: Call) -> Answer:
        return json_answer(counter.shown())

    return [
        Route(
            "GET",
            "/health",
            _health,
            "Whether the Connector, its database and its Backbone work.",
            Kind.JSON,
            accept=Accept.ANY,
            public=True,
            waits=True,
            names_methods=False,
            result="Health",
        ),
        _monitoring("Version", _version, "Which software this is.", "Version"),
        _monitoring("Requests", requests, "How many requests were answered since the start.", "RequestCount"),
        _monitoring("Support", _support, "Version, health, configuration without secrets, identity.", "Support"),
    ]


def _monitoring(name: str, answer: Any, summary: str, result: str) -> Route:
    return Route(
        "GET",
        f"/Monitoring/{name}",
        answer,
        summary,
        accept=Accept.ANY,
        roles=(f"monitoring:{name.lower()}",),
        waits=name == "Support",
        names_methods=False,
        result=result,
    )


async def _health(call: Call) -> Answer:
    health = await call.parts.health()
    return json_answer(_shown_health(health), 200 if health.is_healthy else 500)


async def _version(call: Call) -> Answer:
    return json_answer(_shown_version(call.parts))


async def _support(call: Call) -> Answer:
    return json_answer(
        {
            "version": _shown_version(call.parts),
            "health": _shown_health(await call.parts.health()),
            "configuration": call.parts.configuration,
            "identityInfo": identity_dto(call.services.account.identity),
        }
    )


def _shown_health(health: Health) -> Mapping[str, Any]:
    return {
        "isHealthy": health.is_healthy,
        "services": {
            "database": _word(health.database),
            "backboneConnection": _word(health.backbone_connection),
            "backboneAuthentication": _word(health.backbone_authentication),
        },
    }


def _word(is_healthy: bool) -> str:
    return "healthy" if is_healthy else "unhealthy"


def _shown_version(parts: ApiParts) -> Mapping[str, Any]:
    build = parts.build
    return {
        "version": build.version,
        "build": build.build,
        "date": build.date,
        "commit": build.commit,
        "runtimeVersion": parts.runtime_version,
        "modules": {},
    }
