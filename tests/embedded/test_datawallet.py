"""The datawallet: versions, and modifications without gaps (Backbone spec 12.5)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.embedded.backbone import INVALID, NOT_FOUND, UNREADABLE, Backbone, Identity, refusal, result
from trio_connector.crypto.encoding import to_base64url

CODE = "error.platform.validation.datawallet"
PAYLOAD = to_base64url(b"encrypted")


def modification(object_identifier: str = "object", **changes: Any) -> dict[str, Any]:
    return {
        "objectIdentifier": object_identifier,
        "payloadCategory": "Content",
        "collection": "Attributes",
        "type": "Update",
        "encryptedPayload": PAYLOAD,
        "datawalletVersion": 1,
        **changes,
    }


async def push(identity: Identity, local_index: int | None, *modifications: dict[str, Any]) -> Any:
    body = {"localIndex": local_index, "modifications": list(modifications)}
    return await identity.post("/Datawallet/Modifications", body)


@pytest.fixture
async def identity(backbone: Backbone) -> Identity:
    identity = await backbone.identity()
    await identity.make_datawallet()
    return identity


async def indices(identity: Identity, **query: Any) -> list[int]:
    return [item["index"] for item in result(await identity.get("/Datawallet/Modifications", **query))]


async def test_the_first_upgrade_makes_the_datawallet(backbone: Backbone) -> None:
    identity = await backbone.identity()
    assert refusal(await identity.get("/Datawallet")) == NOT_FOUND
    assert result(await identity.get("/Datawallet/Modifications")) == []
    assert refusal(await push(identity, None, modification())) == NOT_FOUND
    await identity.make_datawallet()
    assert result(await identity.get("/Datawallet")) == {"version": 1}


async def test_an_upgrade_brings_its_modifications_and_never_goes_back(identity: Identity) -> None:
    run = result(await identity.start_sync(type="DatawalletVersionUpgrade"), 201)["syncRun"]
    body = {
        "newDatawalletVersion": 2,
        "datawalletModifications": [modification(datawalletVersion=2), modification("other")],
    }
    path = f"/SyncRuns/{run['id']}/FinalizeDatawalletVersionUpgrade"
    answer = result(await identity.put(path, body))
    assert answer["newDatawalletModificationIndex"] == 1
    assert [item["index"] for item in answer["datawalletModifications"]] == [0, 1]
    assert "newUnsyncedExternalEventsExist" not in answer
    identity.headers["x-supported-datawallet-version"] = "2"
    run = result(await identity.start_sync(type="DatawalletVersionUpgrade"), 201)["syncRun"]
    path = f"/SyncRuns/{run['id']}/FinalizeDatawalletVersionUpgrade"
    back = {"newDatawalletVersion": 1, "datawalletModifications": []}
    assert refusal(await identity.put(path, back)) == (400, "error.platform.datawallet.cannotDowngrade")
    assert refusal(await identity.put(path, {**back, "newDatawalletVersion": 0})) == INVALID


async def test_pushed_modifications_get_the_next_indices(identity: Identity) -> None:
    first = result(await push(identity, None, modification("a"), modification("b")), 201)
    assert (first["newIndex"], [item["index"] for item in first["modifications"]]) == (1, [0, 1])
    second = result(await push(identity, 1, modification("c", payloadCategory=None, encryptedPayload=None)), 201)
    assert second["newIndex"] == 2
    listed = result(await identity.get("/Datawallet/Modifications", localIndex=0))
    assert [item["objectIdentifier"] for item in listed] == ["b", "c"]
    assert listed[0]["encryptedPayload"] == PAYLOAD
    assert listed[0]["createdByDevice"] == identity.device_id
    assert (listed[1]["payloadCategory"], listed[1]["encryptedPayload"]) == (None, None)


async def test_of_several_versions_of_a_part_only_the_newest_is_listed(identity: Identity) -> None:
    await push(
        identity,
        None,
        modification("a"),
        modification("a", payloadCategory="Metadata"),
        modification("a", payloadCategory=None),
        modification("a", type="Create"),
        modification("a"),
        modification("a", payloadCategory=None),
    )
    assert await indices(identity) == [1, 3, 4, 5]
    assert await indices(identity, localIndex=4) == [5]


@pytest.mark.parametrize("local_index", [None, 0, 2, -1])
async def test_who_pushes_has_to_be_up_to_date(identity: Identity, local_index: int | None) -> None:
    result(await push(identity, None, modification("a"), modification("b")), 201)
    response = await push(identity, local_index, modification("c"))
    assert refusal(response) == (400, f"{CODE}.datawalletNotUpToDate")
    assert await indices(identity) == [0, 1]


async def test_nothing_is_pushed_during_a_sync_run_not_even_an_expired_one(
    backbone: Backbone, identity: Identity
) -> None:
    result(await identity.start_sync(type="DatawalletVersionUpgrade"), 201)
    during = (400, f"{CODE}.cannotPushDatawalletModificationsDuringActiveSyncRun")
    assert refusal(await push(identity, None, modification())) == during
    backbone.clock.advance(minutes=1)
    assert refusal(await push(identity, None, modification())) == during


async def test_a_modification_is_not_newer_than_the_datawallet(identity: Identity) -> None:
    response = await push(identity, None, modification(), modification(datawalletVersion=2))
    assert refusal(response) == (400, "error.platform.datawallet.datawalletVersionOfModificationTooHigh")
    assert await indices(identity) == []


async def test_an_old_client_neither_reads_nor_pushes(backbone: Backbone) -> None:
    identity = await backbone.identity()
    await identity.make_datawallet(version=2)
    insufficient = (400, f"{CODE}.insufficientSupportedDatawalletVersion")
    assert refusal(await identity.get("/Datawallet/Modifications")) == insufficient
    assert refusal(await push(identity, None, modification())) == insufficient


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"objectIdentifier": ""}, INVALID),
        ({"objectIdentifier": "x" * 101}, INVALID),
        ({"collection": "x" * 51}, INVALID),
        ({"payloadCategory": "x" * 51}, INVALID),
        ({"type": "Other"}, UNREADABLE),
        ({"datawalletVersion": -1}, UNREADABLE),
        ({"datawalletVersion": None}, UNREADABLE),
        ({"encryptedPayload": "###"}, UNREADABLE),
    ],
)
async def test_modifications_are_checked(identity: Identity, change: dict[str, Any], refused: tuple[int, str]) -> None:
    assert refusal(await push(identity, None, modification(**change))) == refused


async def test_a_push_needs_a_local_index_and_modifications(identity: Identity) -> None:
    body = {"modifications": [modification()]}
    assert refusal(await identity.post("/Datawallet/Modifications", body)) == UNREADABLE
    assert refusal(await push(identity, None)) == INVALID


async def test_modifications_come_in_pages(identity: Identity) -> None:
    result(await push(identity, None, *(modification(str(number)) for number in range(120))), 201)
    first = (await identity.get("/Datawallet/Modifications")).json()
    assert first["pagination"] == {"pageNumber": 1, "pageSize": 50, "totalPages": 3, "totalRecords": 120}
    everything = [item["index"] for item in first["result"]]
    for number in (2, 3):
        everything += await indices(identity, pageNumber=number)
    assert everything == list(range(120))


async def test_each_identity_has_its_own_datawallet(backbone: Backbone, identity: Identity) -> None:
    result(await push(identity, None, modification()), 201)
    other = await backbone.identity()
    await other.make_datawallet()
    assert await indices(other) == []
    assert result(await push(other, None, modification()), 201)["newIndex"] == 0


async def test_devices_of_an_identity_share_it(identity: Identity) -> None:
    second = await identity.add_device()
    result(await push(identity, None, modification("a")), 201)
    (item,) = result(await second.get("/Datawallet/Modifications"))
    assert item["createdByDevice"] == identity.device_id
    result(await push(second, 0, modification("b")), 201)
    assert await indices(identity) == [0, 1]
