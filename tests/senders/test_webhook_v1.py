"""The sender of the V1 webhook against a receiver on a real socket."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from standardwebhooks import Webhook

from tests.senders.parts import SetClock, make_event, soon
from tests.senders.receiver import Receiver, Reply, receiving
from trio_connector.events.delivery import DEFAULT_DELIVERY
from trio_connector.events.model import Answer, Event
from trio_connector.events.senders.signing import parse_secrets
from trio_connector.events.senders.webhook_v1 import Item, WebhookV1Target, open_webhook_v1

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def item_of(event: Event) -> Item | None:
    """The data as they are; relationships are what has a status."""
    data = json.loads(bytes(event.data))
    if "ignored" in data:
        return None
    return Item("relationships" if "status" in data else "messages", data["id"], data)


async def send(target: WebhookV1Target, events: Sequence[Event]) -> Sequence[Answer]:
    with soon():
        async with open_webhook_v1(target, DEFAULT_DELIVERY, SetClock(), item_of) as sender:
            return await sender.send(events)


async def test_one_request_has_all_messages_and_the_last_state_of_each_relationship() -> None:
    events = [
        make_event(1, {"id": "REL1", "status": "Pending"}),
        make_event(2, {"id": "MSG1"}),
        make_event(3, {"id": "REL2", "status": "Pending"}),
        make_event(4, {"id": "MSG2"}),
        make_event(5, {"id": "REL1", "status": "Active"}),
    ]
    async with receiving(Receiver()) as receiver:
        answers = await send(WebhookV1Target(receiver.url + "/sync", (("x-token", "t"),)), events)
    assert answers == [Answer(accepted=True, status=204)] * 5
    (request,) = receiver.requests
    assert (request.method, request.target) == ("POST", "/sync")
    assert request.headers["x-token"] == "t"
    assert request.headers["content-type"] == "application/json"
    assert request.body == (
        b'{"relationships":[{"id":"REL2","status":"Pending"},{"id":"REL1","status":"Active"}],'
        b'"messages":[{"id":"MSG1"},{"id":"MSG2"}]}'
    )


async def test_without_anything_to_tell_there_is_no_request() -> None:
    async with receiving(Receiver()) as receiver:
        answers = await send(WebhookV1Target(receiver.url), [make_event(1, {"id": "x", "ignored": True})])
    assert answers == [Answer(accepted=True)]
    assert receiver.requests == []


@pytest.mark.parametrize("status", [302, 400, 410, 500])
async def test_a_refused_batch_is_never_refused_for_good(status: int) -> None:
    async with receiving(Receiver(Reply(status, {"location": "/"}))) as receiver:
        answers = await send(WebhookV1Target(receiver.url), [make_event(1, {"id": "MSG1"})])
    assert [(answer.accepted, answer.permanent) for answer in answers] == [(False, False)]
    assert len(receiver.requests) == 1


async def test_with_a_secret_the_batch_is_signed() -> None:
    async with receiving(Receiver()) as receiver:
        await send(WebhookV1Target(receiver.url, keys=parse_secrets(SECRET)), [make_event(7, {"id": "MSG1"})])
    (request,) = receiver.requests
    assert request.headers["webhook-id"] == "EVT00000000000000007"
    assert Webhook(SECRET).verify(request.body, request.headers)["messages"] == [{"id": "MSG1"}]
