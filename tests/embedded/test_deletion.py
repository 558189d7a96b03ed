"""Identities that leave: processes, the deletion job, and what remains for the others (Backbone spec section 6)."""

from __future__ import annotations

from typing import Any

from tests.embedded.backbone import (
    API,
    INVALID,
    NOT_FOUND,
    UNREADABLE,
    Backbone,
    Identity,
    message_of,
    refusal,
    result,
    running_backbone,
)
from trio_connector.crypto.addresses import backbone_pseudonym
from trio_connector.crypto.encoding import to_base64url

CODE = "error.platform.validation.device"
PROCESSES = "/Identities/Self/DeletionProcesses"
ANONYMOUS = backbone_pseudonym("localhost")


async def leaving(identity: Identity, days: float | None = 0) -> Any:
    body = {} if days is None else {"lengthOfGracePeriodInDays": days}
    return result(await identity.post(PROCESSES, body), 201)


async def is_deleted(backbone: Backbone, username: str) -> Any:
    return result(await backbone.client.get(f"{API}/Identities/IsDeleted", params={"username": username}))


async def test_a_process_is_active_at_once_and_lasts_two_weeks(backbone: Backbone) -> None:
    identity = await backbone.identity()
    process = await leaving(identity, None)
    assert process == {
        "id": process["id"],
        "status": "Active",
        "createdAt": process["createdAt"],
        "createdByDevice": identity.device_id,
        "approvedAt": process["createdAt"],
        "approvedByDevice": identity.device_id,
        "gracePeriodEndsAt": "2026-02-14T12:00:00.000Z",
        "gracePeriodReminder1SentAt": None,
        "gracePeriodReminder2SentAt": None,
        "gracePeriodReminder3SentAt": None,
    }
    assert result(await identity.get(f"{PROCESSES}/{process['id']}")) == process
    assert result(await identity.get(PROCESSES)) == [process]
    assert result(await identity.get("/Identities/Self"))["status"] == "ToBeDeleted"


async def test_the_grace_period_may_be_a_fraction_of_a_day(backbone: Backbone) -> None:
    identity = await backbone.identity()
    assert (await leaving(identity, 0.25))["gracePeriodEndsAt"] == "2026-01-31T18:00:00.000Z"


async def test_the_grace_period_is_checked(backbone: Backbone) -> None:
    identity = await backbone.identity()
    for days, refused in ((-1, INVALID), (10**9, INVALID), ("2", UNREADABLE)):
        assert refusal(await identity.post(PROCESSES, {"lengthOfGracePeriodInDays": days})) == refused


async def test_there_is_one_process_at_a_time(backbone: Backbone) -> None:
    identity = await backbone.identity()
    process = await leaving(identity, None)
    response = await identity.post(PROCESSES, {})
    assert refusal(response) == (400, f"{CODE}.onlyOneActiveDeletionProcessAllowed")
    result(await identity.put(f"{PROCESSES}/{process['id']}/Cancel"))
    await leaving(identity, None)
    assert [item["status"] for item in result(await identity.get(PROCESSES))] == ["Cancelled", "Active"]


async def test_a_process_can_be_cancelled_until_its_end(backbone: Backbone) -> None:
    identity, other = await backbone.identity(), await backbone.identity()
    process = await leaving(identity, None)
    path = f"{PROCESSES}/{process['id']}/Cancel"
    for who, id_ in ((other, process["id"]), (identity, "IDPaaaaaaaaaaaaaaaaa")):
        response = await who.put(f"{PROCESSES}/{id_}/Cancel")
        assert refusal(response) == NOT_FOUND
        assert message_of(response) == "IdentityDeletionProcess not found"
    cancelled = result(await identity.put(path))
    assert (cancelled["status"], cancelled["gracePeriodEndsAt"]) == ("Cancelled", None)
    assert refusal(await identity.put(path)) == (400, f"{CODE}.deletionProcessIsNotInRequiredStatus")
    late = await leaving(identity, 0)
    response = await identity.put(f"{PROCESSES}/{late['id']}/Cancel")
    assert refusal(response) == (400, f"{CODE}.gracePeriodHasAlreadyExpired")


async def test_peers_are_told_of_begin_and_cancellation(backbone: Backbone) -> None:
    leaver, peer, relationship_id = await backbone.pair()
    await peer.events()
    process = await leaving(leaver, None)
    (event,) = await peer.events()
    assert (event["type"], event["payload"]) == (
        "PeerToBeDeleted",
        {"relationshipId": relationship_id, "deletionDate": process["gracePeriodEndsAt"]},
    )
    result(await leaver.put(f"{PROCESSES}/{process['id']}/Cancel"))
    (event,) = await peer.events()
    assert (event["type"], event["payload"]) == ("PeerDeletionCancelled", {"relationshipId": relationship_id})


async def test_who_is_about_to_be_deleted_neither_syncs_nor_creates(backbone: Backbone) -> None:
    leaver, peer, _ = await backbone.pair()
    await leaver.make_datawallet()
    process = await leaving(leaver, None)
    response = await leaver.start_sync()
    assert refusal(response)[1].endswith("cannotStartSyncRunWhileIdentityIsToBeDeleted")
    for response in (
        await leaver.send(peer),
        await leaver.post("/RelationshipTemplates", {"content": ""}),
        await leaver.post("/Tokens", {"content": "", "expiresAt": backbone.clock.in_the_future()}),
        await leaver.upload(),
    ):
        assert refusal(response) == (429, "error.platform.quotaExhausted")
    assert (await peer.send(leaver)).status_code == 201
    result(await leaver.put(f"{PROCESSES}/{process['id']}/Cancel"))
    assert await leaver.event_types() == ["RelationshipStatusChanged", "MessageReceived"]


async def test_a_grace_period_of_no_days_is_over_with_the_next_request(backbone: Backbone) -> None:
    identity = await backbone.identity()
    username = identity.username
    assert await is_deleted(backbone, username) == {"isDeleted": False, "deletionDate": None}
    process = await leaving(identity, 0)
    assert await is_deleted(backbone, username) == {
        "isDeleted": True,
        "deletionDate": process["gracePeriodEndsAt"],
    }
    assert (await backbone.log_in(username)).json()["error"] == "invalid_grant"


async def test_an_identity_in_its_grace_period_is_not_deleted(backbone: Backbone) -> None:
    identity = await backbone.identity()
    await leaving(identity, 1)
    assert await is_deleted(backbone, identity.username) == {"isDeleted": False, "deletionDate": None}
    assert await backbone.run_deletion_job() == 0
    assert (await backbone.log_in(identity.username)).status_code == 200


async def test_an_unknown_user_is_not_deleted(backbone: Backbone) -> None:
    assert await is_deleted(backbone, "USRaaaaaaaaaaaaaaaaa") == {"isDeleted": False, "deletionDate": None}
    response = await backbone.client.get(f"{API}/Identities/IsDeleted", params={"username": "x"})
    assert refusal(response) == INVALID


async def test_the_job_deletes_the_identity(backbone: Backbone) -> None:
    identity, other = await backbone.identity(), await backbone.identity()
    second = await identity.add_device()
    template_id, token_id = await identity.template(), await identity.token()
    file = result(await identity.upload(), 201)
    challenge = result(await identity.post("/Challenges", {}), 201)
    await leaving(identity)
    assert await backbone.run_deletion_job() == 1
    assert await backbone.run_deletion_job() == 0
    for username in (identity.username, second.username):
        deleted = await is_deleted(backbone, username)
        assert deleted["isDeleted"] is True
        assert deleted["deletionDate"] is not None
        assert (await backbone.log_in(username)).json()["error"] == "invalid_grant"
    assert (await identity.get("/Devices/Self")).status_code == 401, "its access tokens are worth nothing"
    for path in (
        f"/RelationshipTemplates/{template_id}",
        f"/Tokens/{token_id}",
        f"/Files/{file['id']}",
        f"/Challenges/{challenge['id']}",
    ):
        assert refusal(await other.get(path)) == NOT_FOUND
    response = await other.get("/Relationships/CanCreate", peer=identity.address)
    assert refusal(response) == NOT_FOUND
    assert message_of(response).startswith("Identity not found.")


async def test_peers_keep_an_anonymous_memory(backbone: Backbone) -> None:
    leaver, peer, relationship_id = await backbone.pair()
    from_leaver = result(await leaver.send(peer), 201)["id"]
    to_leaver = result(await peer.send(leaver), 201)["id"]
    await leaving(leaver)
    await peer.events()
    await backbone.run_deletion_job()
    deleted, changed = await peer.events()
    assert (deleted["type"], deleted["payload"]["relationshipId"]) == ("PeerDeleted", relationship_id)
    assert deleted["payload"]["deletionDate"] == deleted["createdAt"]
    assert (changed["type"], changed["payload"]) == (
        "RelationshipStatusChanged",
        {"relationshipId": relationship_id},
    )
    relationship = result(await peer.get(f"/Relationships/{relationship_id}"))
    assert (relationship["status"], relationship["to"]) == ("DeletionProposed", ANONYMOUS)
    assert relationship["relationshipTemplateId"] is None
    last = relationship["auditLog"][-1]
    assert (last["reason"], last["createdBy"], last["createdByDevice"]) == (
        "DecompositionDueToIdentityDeletion",
        ANONYMOUS,
        None,
    )
    assert leaver.address not in str(relationship)
    assert result(await peer.get(f"/Messages/{from_leaver}"))["createdBy"] == ANONYMOUS
    (recipient,) = result(await peer.get(f"/Messages/{to_leaver}"))["recipients"]
    assert recipient["address"] == ANONYMOUS
    result(await peer.put(f"/Relationships/{relationship_id}/Decompose", {}))
    assert result(await peer.get("/Messages")) == []


async def test_a_peer_that_decomposed_first_hears_nothing_more(backbone: Backbone) -> None:
    leaver, peer, relationship_id = await backbone.pair()
    result(await leaver.send(peer), 201)
    for operation in ("Terminate", "Decompose"):
        result(await peer.put(f"/Relationships/{relationship_id}/{operation}", {}))
    await peer.events()
    await leaving(leaver)
    await backbone.run_deletion_job()
    assert await peer.events() == []
    assert result(await peer.get("/Messages")) == []


async def test_files_follow_their_owner_and_forget_their_creator(backbone: Backbone) -> None:
    creator, heir = await backbone.identity(), await backbone.identity()
    file = result(await creator.upload(), 201)
    body = {"ownershipToken": file["ownershipToken"]}
    result(await heir.patch(f"/Files/{file['id']}/ClaimOwnership", body))
    await leaving(creator)
    await backbone.run_deletion_job()
    metadata = result(await heir.get(f"/Files/{file['id']}/metadata"))
    assert (metadata["owner"], metadata["createdBy"], metadata["modifiedBy"]) == (
        heir.address,
        ANONYMOUS,
        ANONYMOUS,
    )


async def test_what_others_made_for_the_deleted_one_is_for_nobody(backbone: Backbone) -> None:
    leaver, other = await backbone.identity(), await backbone.identity()
    template_id = await other.template(forIdentity=leaver.address, maxNumberOfAllocations=1)
    token_id = await other.token(forIdentity=leaver.address, password=to_base64url(b"password"))
    result(await leaver.get(f"/RelationshipTemplates/{template_id}"))
    await leaving(leaver)
    await backbone.run_deletion_job()
    assert result(await other.get(f"/RelationshipTemplates/{template_id}"))["forIdentity"] == ANONYMOUS
    assert result(await other.get(f"/Tokens/{token_id}"))["forIdentity"] == ANONYMOUS


async def test_the_key_of_a_deleted_identity_may_be_used_again(backbone: Backbone) -> None:
    identity = await backbone.identity()
    await leaving(identity)
    await backbone.run_deletion_job()
    result(await backbone.create_identity(identity.keys), 201)


async def test_what_is_long_over_is_swept_out(backbone: Backbone) -> None:
    owner, requester, relationship_id = await backbone.pair()
    for who, operation in ((owner, "Terminate"), (owner, "Decompose"), (requester, "Decompose")):
        result(await who.put(f"/Relationships/{relationship_id}/{operation}", {}))
    token_id = await owner.token()
    result(await requester.get(f"/Tokens/{token_id}"))
    await requester.events()
    for days, status in ((20, 200), (12, 404)):
        backbone.clock.advance(days=days)
        await backbone.run_deletion_job()
        await requester.log_in()
        assert (await requester.get(f"/Tokens/{token_id}")).status_code == status
    assert refusal(await requester.get(f"/Relationships/{relationship_id}")) == NOT_FOUND
    await requester.events()


async def test_who_leaves_is_reminded_three_times(backbone: Backbone) -> None:
    identity = await backbone.identity()
    process = await leaving(identity, 14)
    sent: list[list[bool]] = []
    for days in (0, 3, 0, 2, 5, 3):
        backbone.clock.advance(days=days)
        await backbone.run_deletion_job()
        await identity.log_in()
        seen = result(await identity.get(f"{PROCESSES}/{process['id']}"))
        sent.append([seen[f"gracePeriodReminder{number}SentAt"] is not None for number in (1, 2, 3)])
    assert sent == [
        [False, False, False],
        [True, False, False],
        [True, False, False],
        [True, True, False],
        [True, True, True],
        [True, True, True],
    ]


async def test_the_job_needs_the_administrators_key(backbone: Backbone) -> None:
    for headers in ({}, {"x-api-key": "wrong"}):
        assert (await backbone.client.post("/api/v1/IdentityDeletionJob", headers=headers)).status_code == 401
    async with running_backbone(admin_api_key=None) as shut:
        response = await shut.client.post("/api/v1/IdentityDeletionJob", headers={"x-api-key": "None"})
        assert response.status_code == 404


async def test_the_job_also_runs_by_itself() -> None:
    async with running_backbone(deletion_job_interval=0.05) as backbone:
        identity = await backbone.identity()
        await leaving(identity)
        while (await identity.get("/Devices/Self")).status_code != 401:
            pass
