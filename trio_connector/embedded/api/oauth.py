"""Access tokens, version and health (Backbone spec section 3)."""

from __future__ import annotations

import hmac
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from trio_connector.embedded.api.call import Call, Caller, Reply, Request, Routes, raw_json, result
from trio_connector.embedded.domain.deletion import grace_is_over
from trio_connector.embedded.domain.errors import PlatformError
from trio_connector.embedded.domain.moments import SECOND
from trio_connector.embedded.settings import BackboneSettings
from trio_connector.embedded.store import devices
from trio_connector.embedded.store.database import Transaction

if TYPE_CHECKING:
    from trio_connector.embedded.api.app import BackboneApp

PRODUCT_MAJOR_VERSION = "7"
_MAX_FAILED_LOGINS = 3
_MAX_FORM_FIELDS = 20

ROUTES = Routes()
ROOT_ROUTES = Routes("")


@ROUTES.add("GET", "/Version", anonymous=True, reads=True)
def get_version(_call: Call) -> Reply:
    """The product's major version, as text."""
    return result({"majorVersion": PRODUCT_MAJOR_VERSION})


@ROOT_ROUTES.add("GET", "/health", anonymous=True, reads=True)
def get_health(call: Call) -> Reply:
    """Whether requests are answered and the database can be read."""
    call.tx.one("SELECT 1 FROM identities LIMIT 1")
    return Reply(200, b"Healthy", "text/plain")


@ROOT_ROUTES.free("POST", "/connect/token", anonymous=True)
async def issue_token(app: BackboneApp, request: Request) -> Reply:
    """The OAuth password grant. The password is checked outside of any transaction, because that takes its time."""
    form = _form(request.body)
    if form.get("grant_type") != "password":
        return _refused("unsupported_grant_type", "The specified 'grant_type' is not supported.")
    if not client_is_known(app.settings, form.get("client_id"), form.get("client_secret")):
        return _refused("invalid_client", "The specified client credentials are invalid.", 401)
    username, password = form.get("username", "").strip(), form.get("password", "")
    if not username or not password:
        raise PlatformError(
            "error.platform.validation.authentication.invalidOAuthRequest", "missing username or password"
        )

    def look_up(tx: Transaction) -> tuple[devices.Device, bytes] | None:
        device = devices.device_of_user(tx, username)
        if device is None or grace_is_over(devices.grace_end_of_user(tx, username)[1], tx.now):
            return None
        return device, devices.stored_password(tx, device.id)

    found = await app.database.read(look_up)
    if found is None:
        return _wrong_credentials()
    device, stored = found
    if device.locked_until is not None and device.locked_until > app.database.now():
        return _refused("access_denied", "The user is temporarily locked out, please try again in a few minutes.")
    is_right = await app.password_matches(password, stored)
    record = partial(_record, device_id=device.id, is_right=is_right, lockout=app.settings.lockout_duration)
    if not await app.database.write(record):
        return _wrong_credentials()
    caller = Caller(device.address, device.id, device.username, form["client_id"])
    token = app.access_tokens.issue(caller, app.database.now())
    return raw_json({"access_token": token, "token_type": "Bearer", "expires_in": app.access_tokens.lifetime_seconds})


def client_is_known(settings: BackboneSettings, client_id: str | None, client_secret: str | None) -> bool:
    """Whether these are the credentials of our only client."""
    given = f"{client_id}\n{client_secret}".encode("utf-8", "surrogatepass")
    return hmac.compare_digest(given, f"{settings.client_id}\n{settings.client_secret}".encode())


def _record(tx: Transaction, device_id: str, is_right: bool, lockout: int) -> bool:
    """Count the login or the failure; whether the login stands (the device may have been deleted meanwhile)."""
    device = devices.device(tx, device_id)
    if device is None:
        return False
    if is_right:
        if device.is_backup:
            tx.signal(device.address, "BackupDeviceUsed")
        devices.record_login(tx, device_id)
        return True
    failed = device.failed_logins + 1
    is_locked = failed >= _MAX_FAILED_LOGINS
    devices.record_failed_login(
        tx, device_id, 0 if is_locked else failed, tx.now + lockout * SECOND if is_locked else device.locked_until
    )
    return False


def _form(body: bytes) -> dict[str, str]:
    try:
        return dict(
            parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FORM_FIELDS)
        )
    except ValueError:
        return {}


def _wrong_credentials() -> Reply:
    return _refused("invalid_grant", "The username/password couple is invalid.")


def _refused(error: str, description: str, status: int = 400) -> Reply:
    return raw_json({"error": error, "error_description": description}, status)
