"""Devices and push registrations (Backbone spec section 5)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from trio_connector.embedded.api.call import Call, Reply, Request, Routes, created, no_content, paged, result
from trio_connector.embedded.api.identities import check_challenge, check_password, language_of, signed_challenge
from trio_connector.embedded.domain import errors, passwords, rules
from trio_connector.embedded.domain.challenges import SignedChallenge
from trio_connector.embedded.domain.moments import written
from trio_connector.embedded.store import devices as store
from trio_connector.embedded.store.database import Transaction
from trio_connector.embedded.store.devices import Device
from trio_connector.embedded.store.identities import public_key

if TYPE_CHECKING:
    from trio_connector.embedded.api.app import BackboneApp
    from trio_connector.embedded.api.call import Caller

_PLATFORMS = ("fcm", "apns", "dummy", "sse")
_ENVIRONMENTS = ("Development", "Production")

ROUTES = Routes()


@ROUTES.free("POST", "/Devices")
async def create_device(app: BackboneApp, request: Request) -> Reply:
    """One more device for the caller's identity. The password is hashed before the transaction."""
    fields = request.fields
    password = fields.text("devicePassword")
    rules.not_empty("devicePassword", password)
    signed = signed_challenge(fields)
    is_backup = fields.flag("isBackupDevice")
    language = language_of(fields, "communicationLanguage")
    check_password(app.settings, password)
    hashed = await app.hashed(password)
    create = partial(
        _create_device,
        caller=request.caller,
        signed=signed,
        password=hashed,
        is_backup=is_backup,
        language=language,
    )
    return await app.database.write(create)


def _create_device(
    tx: Transaction,
    *,
    caller: Caller | None,
    signed: SignedChallenge,
    password: bytes,
    is_backup: bool,
    language: str,
) -> Reply:
    if caller is None or not store.device_exists(tx, caller.device_id):
        return Reply(401)
    check_challenge(tx, signed, public_key(tx, caller.address))
    if is_backup and store.has_backup_device(tx, caller.address):
        raise errors.backup_device_already_exists()
    id_, username = tx.new_id("DVC"), tx.new_id("USR")
    store.insert_device(
        tx,
        id_=id_,
        address=caller.address,
        username=username,
        password=password,
        created_by_device=caller.device_id,
        language=language,
        is_backup=is_backup,
    )
    return created(
        {
            "id": id_,
            "username": username,
            "createdAt": written(tx.now),
            "createdByDevice": caller.device_id,
            "isBackupDevice": is_backup,
        }
    )


@ROUTES.free("PUT", "/Devices/Self/Password")
async def change_password(app: BackboneApp, request: Request) -> Reply:
    """A new password for the caller's device. Access tokens stay valid."""
    fields = request.fields
    old, new = fields.text("oldPassword"), fields.text("newPassword")
    rules.not_empty("oldPassword", old)
    rules.not_empty("newPassword", new)
    weakness = passwords.weakness(new) if app.settings.strict_passwords else None
    if weakness is not None:
        raise errors.change_password_failed(weakness)
    caller = request.caller
    if caller is None:
        return Reply(401)

    def look_up(tx: Transaction) -> bytes | None:
        return store.stored_password(tx, caller.device_id) if store.device_exists(tx, caller.device_id) else None

    stored = await app.database.read(look_up)
    if stored is None:
        return Reply(401)
    if not await app.password_matches(old, stored):
        raise errors.change_password_failed()
    hashed = await app.hashed(new)
    if not await app.database.write(lambda tx: store.set_password(tx, caller.device_id, stored, hashed)):
        raise errors.change_password_failed()  # somebody else was faster: the old password is not right any more
    return no_content()


@ROUTES.add("PUT", "/Devices/Self")
def update_device(call: Call) -> Reply:
    """The language of push notifications."""
    language = call.fields.text("communicationLanguage")
    if language not in rules.LANGUAGES:
        raise errors.invalid_device_communication_language(rules.NOT_A_LANGUAGE)
    store.set_language(call.tx, call.caller.device_id, language)
    return no_content()


@ROUTES.add("GET", "/Devices/Self", reads=True)
def get_own_device(call: Call) -> Reply:
    """The caller's device."""
    device = store.device(call.tx, call.caller.device_id)
    if device is None:
        raise errors.not_found("Device")
    return result(_dto(device))


@ROUTES.add("GET", "/Devices", reads=True)
def list_devices(call: Call) -> Reply:
    """The devices of the caller's identity, all or those with the given ids."""
    ids = call.query.texts("ids")
    for id_ in ids:
        rules.valid_id("ids", id_, "DVC")
    found = [device for device in store.devices_of(call.tx, call.me) if not ids or device.id in ids]
    page = call.page
    items = [_dto(device) for device in found[page.offset : page.offset + page.size]]
    return paged(items, len(found), page)


@ROUTES.add("DELETE", "/Devices/{}")
def delete_device(call: Call) -> Reply:
    """A device that was never onboarded."""
    device = store.device(call.tx, call.id_("DVC", name="deviceId"))
    if device is None:
        raise errors.not_found("Device")
    if device.last_login is not None:
        raise errors.device_cannot_be_deleted("The device cannot be deleted because it is already onboarded.")
    if device.address != call.me:
        raise errors.device_cannot_be_deleted(
            "You are not allowed to delete this device as it belongs to another identity."
        )
    store.delete_device(call.tx, device.id)
    return no_content()


@ROUTES.add("PUT", "/Devices/Self/PushNotifications")
def register_for_push(call: Call) -> Reply:
    """Kept, but nobody is called: clients of an embedded Backbone listen to its event streams."""
    fields = call.fields
    platform, handle, app_id = fields.text("platform"), fields.text("handle"), fields.text("appId")
    environment = fields.optional_text("environment")
    rules.one_of("platform", platform, _PLATFORMS)
    if environment is not None:
        rules.one_of("environment", environment, _ENVIRONMENTS)
    rules.not_empty("handle", handle)
    rules.number_between("handle", len(handle), 10, 500)
    rules.not_empty("appId", app_id)
    identifier = store.push_identifier(call.tx, call.caller.device_id) or call.tx.new_id("DPI")
    registration = msgspec.json.encode(
        {"platform": platform, "handle": handle, "appId": app_id, "environment": environment or "Production"}
    )
    store.set_push_registration(call.tx, call.caller.device_id, identifier, registration.decode())
    return result({"devicePushIdentifier": identifier})


@ROUTES.add("DELETE", "/Devices/Self/PushNotifications")
def unregister_from_push(call: Call) -> Reply:
    """Also when there was no registration."""
    identifier = store.push_identifier(call.tx, call.caller.device_id)
    store.set_push_registration(call.tx, call.caller.device_id, identifier, None)
    return no_content()


@ROUTES.add("POST", "/Devices/Self/PushNotifications/SendTestNotification")
def send_test_notification(call: Call) -> Reply:
    """The event ``Test`` on the event streams of the caller's identity."""
    call.tx.signal(call.me, "Test")
    return no_content()


def _dto(device: Device) -> dict[str, Any]:
    return {
        "id": device.id,
        "username": device.username,
        "createdAt": written(device.created_at),
        "createdByDevice": device.created_by_device,
        "lastLogin": None if device.last_login is None else {"time": written(device.last_login)},
        "communicationLanguage": device.communication_language,
        "isBackupDevice": device.is_backup,
    }
