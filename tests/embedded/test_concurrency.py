"""Many at once: every request is one transaction, and races have one winner."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.embedded.backbone import Backbone, Identity, refusal, result, running_backbone


@pytest.fixture(params=["in memory", "in a folder"])
async def backbone(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Backbone]:
    """Both ways of keeping data."""
    async with running_backbone(None if request.param == "in memory" else tmp_path / "backbone") as running:
        yield running


async def all_at_once(calls: list[Callable[[], Awaitable[Any]]]) -> list[Any]:
    """The answers of ``calls``, which all run at the same time."""
    answers: list[Any] = [None] * len(calls)

    async def run(position: int) -> None:
        answers[position] = await calls[position]()

    async with trio.open_nursery() as nursery:
        for position in range(len(calls)):
            nursery.start_soon(run, position)
    return answers


async def test_one_of_many_gets_the_last_allocation(backbone: Backbone) -> None:
    owner = await backbone.identity()
    readers = await all_at_once([backbone.identity] * 6)
    template_id = await owner.template(maxNumberOfAllocations=1)
    answers = await all_at_once([partial(reader.get, f"/RelationshipTemplates/{template_id}") for reader in readers])
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 5
    assert await owner.event_types() == ["RelationshipTemplateAllocationsExhausted"]


async def test_one_of_many_sync_runs_starts(backbone: Backbone) -> None:
    owner, requester = await backbone.identity(), await backbone.identity()
    await owner.make_datawallet()
    await requester.request_relationship(owner)
    devices = [owner, await owner.add_device()]
    answers = await all_at_once([device.start_sync for device in devices * 3])
    assert sorted(answer.status_code for answer in answers) == [201] + [400] * 5
    (winner,) = [position for position, answer in enumerate(answers) if answer.status_code == 201]
    run = result(answers[winner], 201)["syncRun"]
    events = result(await (devices * 3)[winner].get(f"/SyncRuns/{run['id']}/ExternalEvents"))
    assert [event["type"] for event in events] == ["RelationshipStatusChanged"]


async def test_one_of_two_pushes_fits(backbone: Backbone) -> None:
    identity = await backbone.identity()
    await identity.make_datawallet()
    item = {"objectIdentifier": "o", "collection": "c", "type": "Create", "datawalletVersion": 1}
    first = {"localIndex": None, "modifications": [item]}
    result(await identity.post("/Datawallet/Modifications", first), 201)
    body = {"localIndex": 0, "modifications": [item] * 3}
    answers = await all_at_once([lambda: identity.post("/Datawallet/Modifications", body)] * 4)
    assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400]
    listed = await identity.get("/Datawallet/Modifications", localIndex=-1)
    assert [modification["index"] for modification in result(listed)] == [3]


async def test_one_of_two_answers_to_a_request_counts(backbone: Backbone) -> None:
    owner, requester = await backbone.identity(), await backbone.identity()
    path = f"/Relationships/{await requester.request_relationship(owner)}"
    answers = await all_at_once(
        [
            lambda: owner.put(f"{path}/Accept", {}),
            lambda: owner.put(f"{path}/Reject", {}),
            lambda: requester.put(f"{path}/Revoke", {}),
        ]
    )
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400]
    assert len(result(await owner.get(path))["auditLog"]) == 2


async def test_one_of_many_identities_gets_the_key(backbone: Backbone) -> None:
    keys = (await backbone.identity()).keys
    answers = await all_at_once([lambda: backbone.create_identity(keys)] * 3)
    assert {refusal(answer)[1] for answer in answers} == {"error.platform.validation.device.addressAlreadyExists"}


async def test_one_claim_of_a_file_wins_and_the_next_locks_it(backbone: Backbone) -> None:
    owner = await backbone.identity()
    heirs = await all_at_once([backbone.identity] * 4)
    file = result(await owner.upload(), 201)
    body = {"ownershipToken": file["ownershipToken"]}
    answers = await all_at_once([partial(heir.patch, f"/Files/{file['id']}/ClaimOwnership", body) for heir in heirs])
    assert sorted(answer.status_code for answer in answers) == [200, 403, 403, 403]
    assert await owner.event_types() == ["FileOwnershipClaimed"]


async def test_no_message_and_no_event_is_lost_or_doubled_among_many_senders(backbone: Backbone) -> None:
    hub = await backbone.identity()
    template_id = await hub.template()

    async def new_peer() -> Identity:
        identity = await backbone.identity()
        body = {"relationshipTemplateId": template_id}
        relationship = result(await identity.post("/Relationships", body), 201)
        result(await hub.put(f"/Relationships/{relationship['id']}/Accept", {}))
        return identity

    peers = await all_at_once([new_peer] * 5)
    answers = await all_at_once([partial(peer.send, hub) for peer in peers for _ in range(8)])
    sent = {result(answer, 201)["id"] for answer in answers}
    assert len(sent) == 40
    events = await hub.events()
    assert [event["index"] for event in events] == list(range(45))
    received = [event["payload"]["id"] for event in events if event["type"] == "MessageReceived"]
    assert sorted(received) == sorted(sent)
    assert await hub.events() == []
