"""Devices and push registrations (Backbone spec section 5)."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from tests.embedded.backbone import (
    INVALID,
    NOT_FOUND,
    PASSWORD,
    Backbone,
    message_of,
    refusal,
    result,
    running_backbone,
)
from trio_connector.crypto.signatures import SignatureKeypair

DEVICE_ERROR = "error.platform.validation.device"


async def test_a_device_is_made_by_another_one_of_the_identity(backbone: Backbone) -> None:
    identity = await backbone.identity()
    made = result(await identity.post("/Devices", await identity.new_device()), 201)
    assert made["createdByDevice"] == identity.device_id
    assert made["isBackupDevice"] is False
    second = await identity.add_device()
    own = result(await second.get("/Devices/Self"))
    assert (own["id"], own["username"]) == (second.device_id, second.username)
    assert own["lastLogin"] is not None


async def test_a_device_needs_a_challenge_signed_by_the_identity(backbone: Backbone) -> None:
    identity = await backbone.identity()
    foreign = await backbone.signed_challenge(SignatureKeypair.generate(secrets.token_bytes))
    response = await identity.post("/Devices", await identity.new_device(signedChallenge=foreign))
    assert refusal(response) == (400, f"{DEVICE_ERROR}.invalidSignature")


async def test_there_is_one_backup_device_until_it_is_used(backbone: Backbone) -> None:
    identity = await backbone.identity()
    backup = result(await identity.post("/Devices", await identity.new_device(isBackupDevice=True)), 201)
    assert backup["isBackupDevice"] is True
    response = await identity.post("/Devices", await identity.new_device(isBackupDevice=True))
    assert refusal(response) == (400, f"{DEVICE_ERROR}.onlyOneBackupDeviceCanExist")
    assert (await backbone.log_in(backup["username"])).status_code == 200
    devices = result(await identity.get("/Devices"))
    assert [device["isBackupDevice"] for device in devices] == [False, False]
    result(await identity.post("/Devices", await identity.new_device(isBackupDevice=True)), 201)


async def test_a_password_is_changed_with_the_old_one(backbone: Backbone) -> None:
    identity = await backbone.identity()
    wrong = await identity.put("/Devices/Self/Password", {"oldPassword": "wrong", "newPassword": "new"})
    assert refusal(wrong) == (400, f"{DEVICE_ERROR}.changePasswordFailed")
    assert message_of(wrong) == "Incorrect password."
    changed = await identity.put("/Devices/Self/Password", {"oldPassword": PASSWORD, "newPassword": "new"})
    assert (changed.status_code, changed.content) == (204, b"")
    assert (await identity.get("/Devices/Self")).status_code == 200, "the access token stays valid"
    assert (await backbone.log_in(identity.username)).status_code == 400
    assert (await backbone.log_in(identity.username, "new")).status_code == 200


async def test_a_new_password_may_have_to_be_strong() -> None:
    async with running_backbone(strict_passwords=True) as backbone:
        identity = await backbone.identity()
        response = await identity.put("/Devices/Self/Password", {"oldPassword": PASSWORD, "newPassword": "new"})
        assert refusal(response) == (400, f"{DEVICE_ERROR}.changePasswordFailed")


@pytest.mark.parametrize("body", [{"oldPassword": "", "newPassword": "n"}, {"oldPassword": "o", "newPassword": ""}])
async def test_passwords_must_not_be_empty(backbone: Backbone, body: dict[str, str]) -> None:
    identity = await backbone.identity()
    assert refusal(await identity.put("/Devices/Self/Password", body)) == INVALID


async def test_the_language_is_one_of_iso_639_1(backbone: Backbone) -> None:
    identity = await backbone.identity()
    assert (await identity.put("/Devices/Self", {"communicationLanguage": "de"})).status_code == 204
    assert result(await identity.get("/Devices/Self"))["communicationLanguage"] == "de"
    response = await identity.put("/Devices/Self", {"communicationLanguage": "german"})
    assert refusal(response) == (400, "error.platform.validation.invalidDeviceCommunicationLanguage")
    assert message_of(response) == "This language is not a valid two letter ISO language name."


async def test_a_device_that_was_never_used_can_be_deleted(backbone: Backbone) -> None:
    identity = await backbone.identity()
    made = result(await identity.post("/Devices", await identity.new_device()), 201)
    assert (await identity.delete(f"/Devices/{made['id']}")).status_code == 204
    response = await identity.delete(f"/Devices/{made['id']}")
    assert refusal(response) == NOT_FOUND
    assert message_of(response).startswith("Device not found.")
    assert (await backbone.log_in(made["username"])).status_code == 400


async def test_an_onboarded_device_cannot_be_deleted(backbone: Backbone) -> None:
    identity = await backbone.identity()
    second = await identity.add_device()
    response = await identity.delete(f"/Devices/{second.device_id}")
    assert refusal(response) == (400, f"{DEVICE_ERROR}.deviceCannotBeDeleted")
    assert message_of(response) == "The device cannot be deleted because it is already onboarded."


async def test_a_foreign_device_cannot_be_deleted(backbone: Backbone) -> None:
    identity, other = await backbone.identity(), await backbone.identity()
    made = result(await identity.post("/Devices", await identity.new_device()), 201)
    response = await other.delete(f"/Devices/{made['id']}")
    assert refusal(response) == (400, f"{DEVICE_ERROR}.deviceCannotBeDeleted")
    assert "belongs to another identity" in message_of(response)


async def test_devices_are_listed_for_their_identity_only(backbone: Backbone) -> None:
    identity, other = await backbone.identity(), await backbone.identity()
    second = await identity.add_device()
    assert [device["id"] for device in result(await identity.get("/Devices"))] == [
        identity.device_id,
        second.device_id,
    ]
    asked = result(await identity.get("/Devices", ids=[second.device_id, other.device_id]))
    assert [device["id"] for device in asked] == [second.device_id]


REGISTRATION = {"platform": "dummy", "handle": "h" * 10, "appId": "app"}


async def test_a_push_registration_keeps_its_identifier(backbone: Backbone) -> None:
    identity = await backbone.identity()
    first = result(await identity.put("/Devices/Self/PushNotifications", REGISTRATION))["devicePushIdentifier"]
    assert first.startswith("DPI")
    assert (await identity.delete("/Devices/Self/PushNotifications")).status_code == 204
    assert (await identity.delete("/Devices/Self/PushNotifications")).status_code == 204
    again = result(
        await identity.put("/Devices/Self/PushNotifications", {**REGISTRATION, "environment": "Development"})
    )
    assert again["devicePushIdentifier"] == first


@pytest.mark.parametrize(
    "change", [{"platform": "pigeon"}, {"handle": ""}, {"handle": "short"}, {"appId": ""}, {"environment": "Moon"}]
)
async def test_a_push_registration_is_checked(backbone: Backbone, change: dict[str, Any]) -> None:
    identity = await backbone.identity()
    response = await identity.put("/Devices/Self/PushNotifications", {**REGISTRATION, **change})
    assert refusal(response) == INVALID
