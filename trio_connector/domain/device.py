"""Devices of the own identity (transport spec section 7)."""

from __future__ import annotations

from trio_connector.domain.collection import Collection, Record
from trio_connector.domain.identity import Json


class Device(Record, frozen=True, kw_only=True):
    """A device; ``type`` is 0 Unknown, 1 Phone, 2 Tablet, 3 Desktop, 4 Connector."""

    public_key: Json | None = None
    name: str | None = None
    description: str | None = None
    operating_system: str | None = None
    type: int
    created_at: str
    created_by_device: str
    last_login_at: str | None = None
    username: str
    initial_password: str | None = None
    is_admin: bool | None = None
    is_offboarded: bool | None = None
    is_backup_device: bool = False
    datawallet_version: int | None = None


DEVICES: Collection[Device] = Collection(name="Devices", record=Device, kind="Device")
