"""Announcements, Backbone notifications, the tags cache, sync info (transport 15, runtime 3)."""

from __future__ import annotations

import httpx
import pytest
import trio

from tests.accounts import synchronized
from tests.usecases.world import BASE_URL, a_world, two_accounts, two_partners
from trio_connector.crypto.dates import normalized
from trio_connector.errors import BackboneRequestError, CoreError
from trio_connector.usecases.announcements import get_announcements
from trio_connector.usecases.backbone_notifications import send_backbone_notification
from trio_connector.usecases.sync import sync_info
from trio_connector.usecases.tags import LIFETIME, get_tag_collection


async def test_announcements_come_in_the_language_asked_for() -> None:
    async with a_world(admin_api_key="admin") as world, world.account() as services:
        assert await get_announcements(services, "de") == []
        announcement = {
            "severity": "High",
            "isSilent": False,
            "texts": [
                {"language": "en", "title": "Hello", "body": "Text"},
                {"language": "de", "title": "Hallo", "body": "Text"},
            ],
            "actions": [],
            "recipients": [],
        }
        async with httpx.AsyncClient(transport=world.wire_of(services), base_url=BASE_URL) as admin:
            answer = await admin.post("/api/v1/Announcements", json=announcement, headers={"x-api-key": "admin"})
        assert answer.status_code == 201
        (found,) = await get_announcements(services, "de")
        assert (found.title, found.severity) == ("Hallo", "High")
        assert (await get_announcements(services, "fr"))[0].title == "Hello"


NOTIFICATIONS = "error.transport.backboneNotifications."


async def test_only_partners_are_notified_and_only_of_what_the_backbone_knows() -> None:
    async with two_partners() as (_, one, other):
        await send_backbone_notification(one, [other.address], "TestCode")
        for recipients, code, refusal in (
            ([], "TestCode", "atLeastOneRecipientRequired"),
            ([other.address], "", "codeMustNotBeEmpty"),
            ([one.address], "TestCode", "noActiveRelationshipFoundForRecipients"),
        ):
            with pytest.raises(CoreError) as refused:
                await send_backbone_notification(one, recipients, code)
            assert refused.value.code == NOTIFICATIONS + refusal
        with pytest.raises(BackboneRequestError) as unknown:
            await send_backbone_notification(one, [other.address], "NoSuchCode")
        assert unknown.value.code == "error.platform.validation.notification.codeDoesNotExist"


async def test_strangers_are_not_notified() -> None:
    async with two_accounts() as (world, one, other):
        world.wire_of(one).listen()
        with pytest.raises(CoreError):
            await send_backbone_notification(one, [other.address], "TestCode")
        assert world.wire_of(one).paths == []


TAGS = {"PhoneNumber": {"private": {"displayNames": {"en": "Private"}}}}


async def test_the_tags_are_fetched_once_and_again_when_they_may_have_changed() -> None:
    async with a_world(tags=TAGS) as world, world.account() as services:
        wire = world.wire_of(services)
        wire.listen()
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(get_tag_collection, services)
        collection = await get_tag_collection(services)
        assert "private" in collection.tags_for_attribute_value_types["PhoneNumber"]
        assert wire.paths == ["GET /api/v2/Tags"]
        world.time_passes(LIFETIME.total_seconds() + 1)
        assert await get_tag_collection(services) == collection
        assert await get_tag_collection(services) == collection
        assert wire.paths == 2 * ["GET /api/v2/Tags"]
        assert wire.requests[1].headers["if-none-match"]


async def test_a_failure_to_fetch_the_tags_is_everybodys_and_not_the_last_word() -> None:
    async with a_world(tags=TAGS) as world, world.account() as services:
        wire = world.wire_of(services)

        async def fail(_request: httpx.Request, _through: object) -> httpx.Response:
            await trio.lowlevel.checkpoint()
            return httpx.Response(503)

        wire.listen({1: fail})
        failures = 0

        async def ask() -> None:
            nonlocal failures
            try:
                await get_tag_collection(services)
            except BackboneRequestError:
                failures += 1

        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(ask)
        assert failures == 3
        assert len(wire.paths) == 1
        assert (await get_tag_collection(services)).tags_for_attribute_value_types


async def test_sync_info_knows_the_last_success() -> None:
    async with a_world() as world, world.account() as services:
        assert sync_info(services) == {}
        await synchronized(services)
        first = sync_info(services)["lastSyncRun"]
        assert isinstance(first, dict)
        assert normalized(first["completedAt"]) <= world.in_seconds(0)

        async def away(_request: httpx.Request, _through: object) -> httpx.Response:
            await trio.lowlevel.checkpoint()
            raise httpx.ConnectError("no route")

        world.wire_of(services).always = away
        with pytest.raises(BackboneRequestError):
            await synchronized(services)
        assert sync_info(services)["lastSyncRun"] == first
