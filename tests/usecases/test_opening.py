"""Opening an account: found, created, refused, with a Backbone that is there or not (transport 3, 4)."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.accounts import synchronized
from tests.usecases.breaks import Through, before
from tests.usecases.world import BASE_URL, Wire, WiredOutgoing, World, a_world
from trio_connector.errors import BackboneRequestError, ConnectorError, CoreError, UnexpectedCondition
from trio_connector.usecases.opening import AccountOptions, open_services

GENERAL = "error.transport.general."
AWAY = before(httpx.ConnectError("no route"))


async def opened(world: World, wire: Wire, **options: Any) -> str:
    """Open an account and close it again; its address."""
    given = AccountOptions(
        **{"folder": None, "base_url": BASE_URL, "client_id": "test", "client_secret": "test", **options}
    )
    async with open_services(given, outgoing=WiredOutgoing(wire), clock=world.now, entropy=os.urandom) as services:
        return services.address


async def test_an_account_is_found_again(tmp_path: Path) -> None:
    async with a_world() as world:
        wire = Wire(world.app)
        first = await opened(world, wire, folder=tmp_path)
        assert [path for path in wire.paths if not path.endswith("/Version")] == [
            "POST /api/v2/Challenges",
            "POST /api/v2/Identities",
            "POST /connect/token",
            "POST /api/v2/SyncRuns",
            next(path for path in wire.paths if path.endswith("FinalizeDatawalletVersionUpgrade")),
        ]
        assert await opened(world, wire, folder=tmp_path) == first
        assert await opened(world, wire, folder=tmp_path, name="another") != first
        wire.always = AWAY
        assert await opened(world, wire, folder=tmp_path) == first


async def test_a_new_account_needs_the_backbone() -> None:
    async with a_world() as world:
        wire = Wire(world.app)
        wire.always = AWAY
        with pytest.raises(BackboneRequestError) as away:
            await opened(world, wire)
        assert away.value.code == "error.transport.request.unknown"
        assert wire.paths == ["POST /api/v2/Challenges"]


async def test_no_account_is_made_against_the_operators_will() -> None:
    async with a_world() as world:
        wire = Wire(world.app)
        with pytest.raises(CoreError) as refused:
            await opened(world, wire, allow_identity_creation=False)
        assert refused.value.code == GENERAL + "noIdentityFound"
        assert wire.paths == []


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"client_id": ""}, "platformClientIdNotSet"),
        ({"client_secret": ""}, "platformClientSecretNotSet"),
        ({"base_url": ""}, "baseUrlNotSet"),
        ({"base_url": "http://localhost|"}, "invalidBaseUrl"),
        ({"client_secret": "wrong"}, "platformClientInvalid"),
    ],
)
async def test_options_that_cannot_be_are_refused(options: dict[str, Any], code: str) -> None:
    async with a_world() as world:
        with pytest.raises(CoreError) as refused:
            await opened(world, Wire(world.app), **options)
        assert refused.value.code == GENERAL + code


async def test_a_backbone_for_another_domain_is_refused() -> None:
    async with a_world() as world:
        with pytest.raises(UnexpectedCondition) as refused:
            await opened(world, Wire(world.app), hostname_override="example.com")
        assert "does not match the local address" in refused.value.message


async def test_a_device_that_the_backbone_does_not_know_is_refused(tmp_path: Path) -> None:
    async with a_world() as world:
        wire = Wire(world.app)
        await opened(world, wire, folder=tmp_path)
        await world.change("DELETE FROM devices")
        with pytest.raises(CoreError) as refused:
            await opened(world, wire, folder=tmp_path)
        assert refused.value.code == GENERAL + "platformClientInvalid"


async def test_a_backbone_of_another_time_is_refused() -> None:
    async with a_world() as world:
        wire = Wire(world.app)

        async def old(request: httpx.Request, through: Through) -> httpx.Response:
            if request.url.path.endswith("/Version"):
                return httpx.Response(200, json={"result": {"majorVersion": "3"}})
            return await through()

        wire.always = old
        with pytest.raises(ConnectorError) as refused:
            await opened(world, wire)
        assert refused.value.code == "error.connector.incompatibleBackbone"


async def test_an_account_whose_upgrade_failed_is_there_and_completed_later() -> None:
    async with a_world() as world:
        wire = Wire(world.app)

        async def no_runs(request: httpx.Request, through: Through) -> httpx.Response:
            if "SyncRuns" in request.url.path:
                return httpx.Response(503)
            return await through()

        wire.always = no_runs
        async with world.account(wire=wire) as services:
            with pytest.raises(BackboneRequestError):
                await synchronized(services)
            wire.always = None
            await synchronized(services)


def test_secrets_do_not_show() -> None:
    options = AccountOptions(folder=None, base_url=BASE_URL, client_id="test", client_secret="very secret")
    shown = repr(dataclasses.replace(options, additional_headers={"x-key": "hidden"}))
    assert "very secret" not in shown
    assert "hidden" not in shown


async def test_an_account_does_not_show_its_keys() -> None:
    async with a_world() as world, world.account() as services:
        account = services.account
        shown = repr(account) + repr(services)
        for key in (account.identity_key, account.device_key, account.shared_base_key, account.synchronization_key):
            members = key.to_json(False)
            assert str(members.get("prv") or members.get("key")) not in shown
