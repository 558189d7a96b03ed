"""Health, version, counts, support (connector spec section 8)."""

from __future__ import annotations

import msgspec

from tests.api.served import CORE, ServedApi, served, settings_with
from trio_connector.api.parts import Health
from trio_connector.api.routes.account import shown_announcement
from trio_connector.backbone import AnnouncementAnswer


async def test_health_tells_each_service(api: ServedApi) -> None:
    assert (await api.stranger.get("/health")).json() == {
        "isHealthy": True,
        "services": {"database": "healthy", "backboneConnection": "healthy", "backboneAuthentication": "healthy"},
    }

    async def backbone_is_away() -> Health:
        return Health(database=True, backbone_connection=False, backbone_authentication=False)

    async with served(api.services, health=backbone_is_away) as other:
        response = await other.stranger.get("/health")
        assert response.status_code == 500
        assert response.json() == {
            "isHealthy": False,
            "services": {
                "database": "healthy",
                "backboneConnection": "unhealthy",
                "backboneAuthentication": "unhealthy",
            },
        }


async def test_requests_are_counted_without_the_one_that_asks(api: ServedApi) -> None:
    before = (await api.client.get("/Monitoring/Requests")).json()
    assert (before["requestCount"], before["requestCountByStatus"]) == (0, {})
    await api.client.get("/health")
    await api.client.get("/nowhere")
    after = (await api.client.get("/Monitoring/Requests")).json()
    assert after == {
        "since": before["since"],
        "requestCount": 3,
        "requestCountByStatus": {"200": 2, "404": 1},
    }


async def test_the_version_is_all_texts(api: ServedApi) -> None:
    version = (await api.client.get("/Monitoring/Version")).json()
    assert list(version) == ["version", "build", "date", "commit", "runtimeVersion", "modules"]
    assert all(isinstance(version[name], str) for name in version if name != "modules")


async def test_support_shows_no_secret(api: ServedApi) -> None:
    settings = settings_with()
    support = await api.client.get("/Monitoring/Support")
    shown = support.json()
    assert list(shown) == ["version", "health", "configuration", "identityInfo"]
    assert shown["identityInfo"]["address"] == api.services.address
    assert shown["configuration"]["infrastructure"]["httpServer"]["authentication"]["apiKey"] == "redacted (enabled)"
    secrets = [key.key for key in settings.infrastructure.http_server.authentication.api_key.keys.values()]
    for secret in (*secrets, settings.transport_library.platform_client_secret):
        assert secret not in support.text


async def test_without_the_api_module_only_health_and_monitoring_exist(api: ServedApi) -> None:
    async with served(api.services, core_api=False) as other:
        assert (await other.client.get("/health")).status_code == 200
        assert (await other.client.get("/Monitoring/Version")).status_code == 200
        assert (await other.client.get(f"{CORE}/Files")).status_code == 404


async def test_announcements_are_shown_as_the_official_connector_shows_them(api: ServedApi) -> None:
    announcement = AnnouncementAnswer(
        id="ANCaaaaaaaaaaaaaaaaa",
        created_at="2026-01-01T00:00:00.000Z",
        severity="Low",
        title="t",
        body="b",
        iql_query="GivenName",
    )
    shown = msgspec.json.decode(msgspec.json.encode(shown_announcement(announcement)))
    assert shown == {
        "id": "ANCaaaaaaaaaaaaaaaaa",
        "createdAt": "2026-01-01T00:00:00.000Z",
        "severity": "Low",
        "title": "t",
        "body": "b",
        "actions": [],
    }
    assert (await api.client.get(f"{CORE}/Announcements?language=en")).json() == {"result": []}
