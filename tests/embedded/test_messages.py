"""Messages: who sees what, and when they arrive (Backbone spec section 10)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.embedded.backbone import (
    CONTENT,
    INVALID,
    KEY,
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

CODE = "error.platform.validation.message"
FILE_ID = "FILaaaaaaaaaaaaaaaaa"


async def sent(sender: Identity, *recipients: Identity, **changes: Any) -> str:
    return str(result(await sender.send(*recipients, **changes), 201)["id"])


async def read(reader: Identity, message_id: str) -> Any:
    return result(await reader.get(f"/Messages/{message_id}"))


async def leave(relationship_id: str, *who: Identity) -> None:
    """Terminate the relationship and let all of ``who`` decompose it."""
    await who[0].put(f"/Relationships/{relationship_id}/Terminate", {})
    for identity in who:
        result(await identity.put(f"/Relationships/{relationship_id}/Decompose", {}))


async def test_a_message_arrives_with_its_event(backbone: Backbone) -> None:
    sender, recipient, _ = await backbone.pair()
    await recipient.events()
    message_id = await sent(sender, recipient, attachments=[{"id": FILE_ID}])
    (event,) = await recipient.events()
    assert (event["type"], event["payload"]) == ("MessageReceived", {"id": message_id})
    message = await read(recipient, message_id)
    assert message == {
        "id": message_id,
        "createdAt": message["createdAt"],
        "createdBy": sender.address,
        "createdByDevice": sender.device_id,
        "body": CONTENT,
        "attachments": [{"id": FILE_ID}],
        "recipients": [
            {
                "address": recipient.address,
                "encryptedKey": KEY,
                "receivedAt": message["recipients"][0]["receivedAt"],
                "receivedByDevice": recipient.device_id,
            }
        ],
    }


async def test_fetching_is_receiving_and_counts_once(backbone: Backbone) -> None:
    sender, recipient, _ = await backbone.pair()
    message_id = await sent(sender, recipient)
    assert (await read(sender, message_id))["recipients"][0]["receivedAt"] is None
    first = (await read(recipient, message_id))["recipients"][0]["receivedAt"]
    assert first is not None
    backbone.clock.advance(seconds=5)
    assert (await read(recipient, message_id))["recipients"][0]["receivedAt"] == first
    assert (await read(sender, message_id))["recipients"][0]["receivedAt"] == first


async def test_a_recipient_sees_only_itself_and_the_sender_all(backbone: Backbone) -> None:
    sender, first, _ = await backbone.pair()
    second = await backbone.identity()
    relationship_id = await second.request_relationship(sender)
    result(await sender.put(f"/Relationships/{relationship_id}/Accept", {}))
    message_id = await sent(sender, first, second)
    for recipient in (first, second):
        addresses = [entry["address"] for entry in (await read(recipient, message_id))["recipients"]]
        assert addresses == [recipient.address]
    addresses = [entry["address"] for entry in (await read(sender, message_id))["recipients"]]
    assert addresses == [first.address, second.address]


async def test_strangers_find_nothing(backbone: Backbone) -> None:
    sender, recipient, _ = await backbone.pair()
    stranger = await backbone.identity()
    message_id = await sent(sender, recipient)
    response = await stranger.get(f"/Messages/{message_id}")
    assert refusal(response) == NOT_FOUND
    assert message_of(response).startswith("Message not found.")
    assert result(await stranger.get("/Messages", ids=[message_id])) == []


async def test_a_list_receives_what_it_lists(backbone: Backbone) -> None:
    sender, recipient, _ = await backbone.pair()
    ids = [await sent(sender, recipient) for _ in range(3)]
    some = result(await recipient.get("/Messages", ids=ids[:2]))
    assert [message["id"] for message in some] == ids[:2]
    assert all(message["recipients"][0]["receivedAt"] for message in some)
    everything = result(await sender.get("/Messages"))
    assert [message["id"] for message in everything] == ids
    assert [bool(message["recipients"][0]["receivedAt"]) for message in everything] == [True, True, False]


async def test_only_peers_get_messages(backbone: Backbone) -> None:
    sender, recipient, relationship_id = await backbone.pair()
    stranger = await backbone.identity()
    response = await sender.send(stranger)
    assert refusal(response) == (400, f"{CODE}.noRelationshipToRecipientExists")
    assert message_of(response) == (
        f"Cannot send message to {stranger.address} because there is no relationship to it."
    )
    await leave(relationship_id, recipient)
    assert refusal(await sender.send(recipient)) == (400, f"{CODE}.relationshipToRecipientNotActive")


async def test_the_youngest_relationship_counts(backbone: Backbone) -> None:
    sender, recipient, relationship_id = await backbone.pair()
    await leave(relationship_id, sender, recipient)
    renewed = await recipient.request_relationship(sender)
    result(await sender.put(f"/Relationships/{renewed}/Accept", {}))
    await sent(sender, recipient)


async def test_a_sender_cannot_flood_a_recipient_that_does_not_fetch() -> None:
    async with running_backbone(max_unreceived_messages=2) as backbone:
        sender, recipient, _ = await backbone.pair()
        first = await sent(sender, recipient)
        await sent(sender, recipient)
        response = await sender.send(recipient)
        assert refusal(response) == (400, f"{CODE}.maxNumberOfUnreceivedMessagesReached")
        await read(recipient, first)
        await sent(sender, recipient)


async def test_a_message_before_the_acceptance_waits_for_it(backbone: Backbone) -> None:
    owner, requester = await backbone.identity(), await backbone.identity()
    relationship_id = await requester.request_relationship(owner)
    await owner.events()
    await sent(requester, owner)
    assert await owner.event_types() == []
    result(await owner.put(f"/Relationships/{relationship_id}/Accept", {}))
    assert await owner.event_types() == ["MessageReceived"]


@pytest.mark.parametrize(("who", "operation"), [("owner", "Reject"), ("requester", "Revoke")])
async def test_a_message_before_a_refusal_never_arrives(backbone: Backbone, who: str, operation: str) -> None:
    identities = {"owner": await backbone.identity(), "requester": await backbone.identity()}
    relationship_id = await identities["requester"].request_relationship(identities["owner"])
    await identities["owner"].events()
    await sent(identities["requester"], identities["owner"])
    result(await identities[who].put(f"/Relationships/{relationship_id}/{operation}", {}))
    assert "MessageReceived" not in await identities["owner"].event_types()


async def test_a_message_during_termination_waits_for_the_reactivation(backbone: Backbone) -> None:
    sender, recipient, relationship_id = await backbone.pair()
    result(await sender.put(f"/Relationships/{relationship_id}/Terminate", {}))
    await recipient.events()
    await sent(sender, recipient)
    assert await recipient.event_types() == []
    result(await sender.put(f"/Relationships/{relationship_id}/Reactivate", {}))
    result(await recipient.put(f"/Relationships/{relationship_id}/Reactivate/Accept", {}))
    assert await recipient.event_types() == ["MessageReceived", "RelationshipReactivationRequested"]


async def test_who_decomposes_no_longer_hears_of_messages(backbone: Backbone) -> None:
    sender, recipient, relationship_id = await backbone.pair()
    await recipient.events()
    await sent(sender, recipient)
    await leave(relationship_id, recipient)
    assert await recipient.event_types() == []


async def test_after_decomposition_each_side_sees_what_it_may(backbone: Backbone) -> None:
    sender, recipient, relationship_id = await backbone.pair()
    anonymous = backbone_pseudonym("localhost")
    to_recipient, to_sender = await sent(sender, recipient), await sent(recipient, sender)
    await leave(relationship_id, recipient)
    assert refusal(await recipient.get(f"/Messages/{to_recipient}")) == NOT_FOUND
    assert refusal(await recipient.get(f"/Messages/{to_sender}")) == NOT_FOUND, "its only recipient was left"
    assert (await read(sender, to_recipient))["recipients"][0]["address"] == recipient.address
    assert (await read(sender, to_sender))["createdBy"] == recipient.address
    assert anonymous not in str(result(await sender.get("/Messages")))


async def test_who_decomposes_one_of_several_recipients_sees_it_anonymized(backbone: Backbone) -> None:
    sender, first, relationship_id = await backbone.pair()
    second = await backbone.identity()
    other_id = await second.request_relationship(sender)
    result(await sender.put(f"/Relationships/{other_id}/Accept", {}))
    message_id = await sent(sender, first, second)
    await leave(relationship_id, sender)
    addresses = [entry["address"] for entry in (await read(sender, message_id))["recipients"]]
    assert addresses == [backbone_pseudonym("localhost"), second.address]
    assert (await read(first, message_id))["createdBy"] == sender.address
    await leave(other_id, sender)
    assert refusal(await sender.get(f"/Messages/{message_id}")) == NOT_FOUND
    result(await first.put(f"/Relationships/{relationship_id}/Decompose", {}))
    assert refusal(await first.get(f"/Messages/{message_id}")) == NOT_FOUND
    assert (await read(second, message_id))["body"] == CONTENT


async def test_a_message_both_sides_left_is_gone(backbone: Backbone) -> None:
    sender, recipient, relationship_id = await backbone.pair()
    await sent(sender, recipient)
    await leave(relationship_id, sender, recipient)
    for who in (sender, recipient):
        assert result(await who.get("/Messages")) == []


def recipient_of(**changes: Any) -> dict[str, Any]:
    return {"recipients": [{"address": "?", "encryptedKey": KEY, **changes}]}


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"recipients": []}, INVALID),
        ({"recipients": None}, UNREADABLE),
        ({"recipients": ["text"]}, UNREADABLE),
        ({"recipients": "text"}, UNREADABLE),
        (recipient_of(address="nobody"), INVALID),
        (recipient_of(encryptedKey=None), UNREADABLE),
        ({"body": ""}, INVALID),
        ({"body": None}, UNREADABLE),
        ({"attachments": [{"id": "x"}]}, (400, "PredicateValidator")),
        ({"attachments": [{}]}, UNREADABLE),
        ({"attachments": [{"id": FILE_ID}] * 21}, INVALID),
    ],
)
async def test_wrong_properties_are_refused(
    backbone: Backbone, change: dict[str, Any], refused: tuple[int, str]
) -> None:
    sender, recipient, _ = await backbone.pair()
    for entry in change.get("recipients") or []:
        if isinstance(entry, dict) and entry["address"] == "?":
            entry["address"] = recipient.address
    assert refusal(await sender.send(recipient, **change)) == refused


@pytest.mark.parametrize("size", [29, 301])
async def test_an_encrypted_key_has_a_size(backbone: Backbone, size: int) -> None:
    sender, recipient, _ = await backbone.pair()
    entry = {"address": recipient.address, "encryptedKey": to_base64url(b"k" * size)}
    response = await sender.send(recipient, recipients=[entry])
    assert refusal(response) == INVALID
    assert message_of(response) == (f"'encryptedKey' must be between 30 and 300 bytes long. You entered {size} bytes.")


async def test_recipients_are_different_and_not_too_many(backbone: Backbone) -> None:
    sender, recipient, _ = await backbone.pair()
    response = await sender.send(recipient, recipient)
    assert refusal(response) == INVALID
    assert message_of(response) == "The same item cannot be added more than once."
    async with running_backbone(max_message_recipients=1) as other:
        sender, recipient, _ = await other.pair()
        assert refusal(await sender.send(recipient, sender)) == INVALID
