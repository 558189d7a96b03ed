"""Relationships: every operation in every state, and who is told (Backbone spec section 9)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.embedded.backbone import (
    CONTENT,
    INVALID,
    NOT_FOUND,
    SOME_ADDRESS,
    Backbone,
    Identity,
    message_of,
    refusal,
    result,
)
from trio_connector.crypto.encoding import to_base64url

CODE = "error.platform.validation.relationship"
WRONG_STATUS = (400, f"{CODE}.relationshipIsNotInCorrectStatus")
DECOMPOSED = (400, f"{CODE}.relationshipAlreadyDecomposed")


class Pair:
    """The owner of a template and the one who asked for a relationship, which is Pending at first."""

    def __init__(self, owner: Identity, requester: Identity, relationship_id: str) -> None:
        self.owner, self.requester, self.id = owner, requester, relationship_id

    async def do(self, who: Identity, operation: str, body: Any = None) -> Any:
        return result(await who.put(f"/Relationships/{self.id}/{operation}", body or {}))

    async def refused(self, who: Identity, operation: str) -> tuple[int, str]:
        return refusal(await who.put(f"/Relationships/{self.id}/{operation}", {}))

    async def status(self, who: Identity) -> str:
        return str(result(await who.get(f"/Relationships/{self.id}"))["status"])

    async def forget_events(self) -> None:
        for who in (self.owner, self.requester):
            await who.events()


@pytest.fixture
async def pair(backbone: Backbone) -> Pair:
    owner, requester = await backbone.identity(), await backbone.identity()
    return Pair(owner, requester, await requester.request_relationship(owner))


OPERATIONS = [
    "Accept",
    "Reject",
    "Revoke",
    "Terminate",
    "Reactivate",
    "Reactivate/Accept",
    "Reactivate/Reject",
    "Reactivate/Revoke",
    "Decompose",
]


async def test_refusals_have_the_codes_and_texts_of_the_rules(pair: Pair) -> None:
    """Which operation is possible when: see test_relationship_rules."""
    response = await pair.requester.put(f"/Relationships/{pair.id}/Terminate", {})
    assert refusal(response) == WRONG_STATUS
    assert message_of(response) == "The relationship has to be in status 'Active' to perform this action."
    response = await pair.requester.put(f"/Relationships/{pair.id}/Decompose", {})
    assert message_of(response) == (
        "The relationship has to be in status 'Rejected or Revoked or Terminated or DeletionProposed' to perform "
        "this action."
    )
    assert await pair.status(pair.owner) == "Pending"


async def test_creation_and_acceptance_carry_content(backbone: Backbone, pair: Pair) -> None:
    pending = result(await pair.owner.get(f"/Relationships/{pair.id}"))
    assert (pending["creationContent"], pending["creationResponseContent"]) == (CONTENT, None)
    metadata = await pair.do(pair.owner, "Accept", {"creationResponseContent": to_base64url(b"welcome")})
    assert "creationContent" not in metadata
    active = result(await pair.requester.get(f"/Relationships/{pair.id}"))
    assert active["creationResponseContent"] == to_base64url(b"welcome")
    assert (active["from"], active["to"]) == (pair.requester.address, pair.owner.address)


async def test_an_acceptance_without_content_leaves_empty_content(pair: Pair) -> None:
    await pair.do(pair.owner, "Accept")
    assert result(await pair.owner.get(f"/Relationships/{pair.id}"))["creationResponseContent"] == ""


async def test_the_audit_log_tells_the_whole_story_in_order(backbone: Backbone, pair: Pair) -> None:
    await pair.do(pair.owner, "Accept")
    await pair.do(pair.requester, "Terminate")
    await pair.do(pair.requester, "Reactivate")
    relationship = await pair.do(pair.owner, "Reactivate/Accept")
    log = relationship["auditLog"]
    owner, requester = pair.owner.address, pair.requester.address
    assert [(entry["reason"], entry["createdBy"], entry["oldStatus"], entry["newStatus"]) for entry in log] == [
        ("Creation", requester, None, "Pending"),
        ("AcceptanceOfCreation", owner, "Pending", "Active"),
        ("Termination", requester, "Active", "Terminated"),
        ("ReactivationRequested", requester, "Terminated", "Terminated"),
        ("AcceptanceOfReactivation", owner, "Terminated", "Active"),
    ]
    assert log[0]["createdByDevice"] == pair.requester.device_id
    times = [entry["createdAt"] for entry in log]
    assert times == sorted(set(times)), "clients sort by this time"


async def test_the_peer_is_told_and_the_actor_is_not(pair: Pair) -> None:
    assert await pair.owner.event_types() == ["RelationshipStatusChanged"]
    for actor, peer, operation, event in (
        (pair.owner, pair.requester, "Accept", "RelationshipStatusChanged"),
        (pair.requester, pair.owner, "Terminate", "RelationshipStatusChanged"),
        (pair.requester, pair.owner, "Reactivate", "RelationshipReactivationRequested"),
        (pair.owner, pair.requester, "Reactivate/Reject", "RelationshipReactivationCompleted"),
        (pair.requester, pair.owner, "Reactivate", "RelationshipReactivationRequested"),
        (pair.requester, pair.owner, "Reactivate/Revoke", "RelationshipReactivationCompleted"),
        (pair.owner, pair.requester, "Reactivate", "RelationshipReactivationRequested"),
        (pair.requester, pair.owner, "Reactivate/Accept", "RelationshipReactivationCompleted"),
        (pair.requester, pair.owner, "Terminate", "RelationshipStatusChanged"),
        (pair.owner, pair.requester, "Decompose", "RelationshipStatusChanged"),
    ):
        await pair.do(actor, operation)
        (told,) = await peer.events()
        assert (told["type"], told["payload"]) == (event, {"relationshipId": pair.id}), operation
        assert await actor.events() == [], operation
    await pair.do(pair.requester, "Decompose")
    assert await pair.owner.events() == [], "who has left is not told that the other one left too"


async def test_who_decomposed_sees_nothing_and_the_peer_goes_on_seeing_all(pair: Pair) -> None:
    await pair.do(pair.owner, "Accept")
    await pair.do(pair.owner, "Terminate")
    await pair.do(pair.owner, "Decompose")
    response = await pair.owner.get(f"/Relationships/{pair.id}")
    assert refusal(response) == DECOMPOSED
    assert message_of(response) == "You already decomposed this Relationship."
    assert await pair.status(pair.requester) == "DeletionProposed"
    assert result(await pair.owner.get("/Relationships", ids=[pair.id])) == []


async def test_strangers_find_nothing(backbone: Backbone, pair: Pair) -> None:
    stranger = await backbone.identity()
    response = await stranger.get(f"/Relationships/{pair.id}")
    assert refusal(response) == NOT_FOUND
    assert message_of(response).startswith("Relationship not found.")
    for operation in OPERATIONS:
        assert await pair.refused(stranger, operation) == NOT_FOUND
    assert result(await stranger.get("/Relationships", ids=[pair.id])) == []


async def test_a_list_needs_ids(pair: Pair) -> None:
    listed = result(await pair.owner.get("/Relationships", ids=[pair.id]))
    assert listed == [result(await pair.owner.get(f"/Relationships/{pair.id}"))]
    assert refusal(await pair.owner.get("/Relationships")) == INVALID


async def can_create(who: Identity, peer: str) -> Any:
    return result(await who.get("/Relationships/CanCreate", peer=peer))


async def test_there_is_one_relationship_per_pair_until_both_have_left(backbone: Backbone, pair: Pair) -> None:
    exists = {"canCreate": False, "code": f"{CODE}.relationshipToTargetAlreadyExists"}
    template_id = await pair.requester.template()

    async def refused() -> bool:
        response = await pair.owner.post("/Relationships", {"relationshipTemplateId": template_id})
        return refusal(response) == (400, f"{CODE}.relationshipToTargetAlreadyExists")

    for actor, operation in (
        (pair.owner, "Accept"),
        (pair.owner, "Terminate"),
        (pair.requester, "Decompose"),
        (pair.owner, "Decompose"),
    ):
        assert await can_create(pair.owner, pair.requester.address) == exists
        assert await refused()
        await pair.do(actor, operation)
    assert await can_create(pair.owner, pair.requester.address) == {"canCreate": True, "code": None}
    result(await pair.owner.post("/Relationships", {"relationshipTemplateId": template_id}), 201)


@pytest.mark.parametrize("ending", [("owner", "Reject"), ("requester", "Revoke")])
async def test_a_rejected_or_revoked_one_does_not_stand_in_the_way(pair: Pair, ending: tuple[str, str]) -> None:
    await pair.do(getattr(pair, ending[0]), ending[1])
    assert (await can_create(pair.owner, pair.requester.address))["canCreate"] is True
    assert await pair.requester.request_relationship(pair.owner) != pair.id


async def test_nobody_relates_to_an_unknown_or_invalid_address(backbone: Backbone) -> None:
    identity = await backbone.identity()
    response = await identity.get("/Relationships/CanCreate", peer=SOME_ADDRESS)
    assert refusal(response) == NOT_FOUND
    assert message_of(response).startswith("Identity not found.")
    assert refusal(await identity.get("/Relationships/CanCreate", peer="nobody")) == INVALID
    assert refusal(await identity.get("/Relationships/CanCreate")) == INVALID


async def test_nobody_relates_to_itself(backbone: Backbone) -> None:
    identity = await backbone.identity()
    response = await identity.post("/Relationships", {"relationshipTemplateId": await identity.template()})
    assert refusal(response) == (400, f"{CODE}.cannotCreateRelationshipWithYourself")


async def test_a_relationship_needs_a_template_that_can_be_read(backbone: Backbone) -> None:
    owner, requester, other = [await backbone.identity() for _ in range(3)]
    personal = await owner.template(forIdentity=other.address)
    for template_id in ("RLTaaaaaaaaaaaaaaaaa", personal):
        response = await requester.post("/Relationships", {"relationshipTemplateId": template_id})
        assert refusal(response) == NOT_FOUND
    used_up = await owner.template(maxNumberOfAllocations=1)
    result(await other.get(f"/RelationshipTemplates/{used_up}"))
    response = await requester.post("/Relationships", {"relationshipTemplateId": used_up})
    assert refusal(response)[1].endswith("maxNumberOfAllocationsExhausted")


async def test_asking_for_a_relationship_takes_an_allocation(backbone: Backbone) -> None:
    owner, requester, other = [await backbone.identity() for _ in range(3)]
    template_id = await owner.template(maxNumberOfAllocations=1)
    result(await requester.post("/Relationships", {"relationshipTemplateId": template_id}), 201)
    assert refusal(await other.get(f"/RelationshipTemplates/{template_id}"))[0] == 400


async def test_who_leaves_is_not_offered_a_relationship(backbone: Backbone) -> None:
    owner, requester = await backbone.identity(), await backbone.identity()
    template_id = await owner.template()
    result(await owner.post("/Identities/Self/DeletionProcesses", {}), 201)
    to_be_deleted = f"{CODE}.peerIsToBeDeleted"
    assert await can_create(requester, owner.address) == {"canCreate": False, "code": to_be_deleted}
    response = await requester.post("/Relationships", {"relationshipTemplateId": template_id})
    assert refusal(response) == (400, to_be_deleted)
