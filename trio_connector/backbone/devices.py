"""Devices of the own identity (backbone spec 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trio_connector.backbone.answers import Answer, Date, Id
from trio_connector.backbone.connection import Connection, path_to


class NewDevice(Answer, frozen=True, kw_only=True):
    """A device that can now be onboarded."""

    id: Id
    username: Id
    created_at: Date
    created_by_device: Id
    is_backup_device: bool = False


class LastLogin(Answer, frozen=True, kw_only=True):
    """When a device last logged in."""

    time: Date | None = None


class DeviceAnswer(Answer, frozen=True, kw_only=True):
    """A device as the Backbone knows it."""

    id: Id
    username: Id
    created_at: Date
    created_by_device: Id
    last_login: LastLogin | None = None
    communication_language: str | None = None
    is_backup_device: bool = False


class PushRegistration(Answer, frozen=True, kw_only=True):
    """Under what name the Backbone pushes to this device."""

    device_push_identifier: Id


class Devices:
    """Raises BackboneRequestError throughout."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def create(
        self, *, device_password: str, signed_challenge: Mapping[str, Any], is_backup_device: bool | None = None
    ) -> NewDevice:
        """Create a device; the challenge is signed with the identity key."""
        body = {
            "devicePassword": device_password,
            "signedChallenge": signed_challenge,
            "isBackupDevice": is_backup_device,
        }
        return await self._connection.send("POST", path_to("Devices"), NewDevice, body=body)

    async def own(self) -> DeviceAnswer:
        """This device."""
        return await self._connection.get(path_to("Devices", "Self"), DeviceAnswer)

    async def delete(self, device_id: str) -> None:
        """Delete a device that never logged in."""
        await self._connection.send_without_answer("DELETE", path_to("Devices", device_id))

    async def change_password(self, *, old_password: str, new_password: str) -> None:
        """Change this device's password.

        A cancellation or a lost response leaves open which one counts: keep both until a login has shown it.
        """
        body = {"oldPassword": old_password, "newPassword": new_password}
        await self._connection.send_without_answer("PUT", path_to("Devices", "Self", "Password"), body=body)

    async def set_communication_language(self, language: str) -> None:
        """Set the language (ISO 639-1) of push texts."""
        body = {"communicationLanguage": language}
        await self._connection.send_without_answer("PUT", path_to("Devices", "Self"), body=body)

    async def register_push(
        self, *, platform: str, handle: str, app_id: str, environment: str | None = None
    ) -> PushRegistration:
        """Register for push notifications."""
        body = {"platform": platform, "handle": handle, "appId": app_id, "environment": environment}
        path = path_to("Devices", "Self", "PushNotifications")
        return await self._connection.send("PUT", path, PushRegistration, body=body)

    async def unregister_push(self) -> None:
        """Undo `register_push`."""
        await self._connection.send_without_answer("DELETE", path_to("Devices", "Self", "PushNotifications"))
