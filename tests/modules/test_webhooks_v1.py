"""The V1 webhook of 2022: pace, keeping what was refused, restarts, and the shapes of that time."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
from structlog.testing import capture_logs

from tests.events.receivers import running
from tests.senders.parts import make_event
from tests.senders.receiver import Receiver, Reply, Request, receiving
from trio_connector.errors import ConnectorError
from trio_connector.events.bus import EventBus
from trio_connector.events.delivery import SubscriberSpec
from trio_connector.events.model import NewEvent
from trio_connector.modules import webhooks_v1
from trio_connector.modules.webhooks_v1 import item_of
from trio_connector.settings import WebhooksV1Options
from trio_connector.store import Store, open_store

TEMPLATE = {
    "id": "RLT1",
    "isOwn": True,
    "createdBy": "did:e:me",
    "createdByDevice": "DVC1",
    "createdAt": "2026-01-01T00:00:00.000Z",
    "content": {"@type": "ArbitraryRelationshipTemplateContent", "value": {"a": 1}},
    "expiresAt": "2027-01-01T00:00:00.000Z",
    "reference": {"truncated": "UkxU", "url": "https://nmshd.example/r/RLT1"},
}
RELATIONSHIP = {
    "id": "REL00000000000000001",
    "templateId": "RLT1",
    "status": "Pending",
    "peer": "did:e:you",
    "peerIdentity": {"address": "did:e:you", "publicKey": "eyJ9"},
    "creationContent": {"@type": "ArbitraryRelationshipCreationContent", "value": {"b": 2}},
    "auditLog": [
        {
            "createdAt": "2026-01-02T00:00:00.000Z",
            "createdBy": "did:e:you",
            "createdByDevice": "DVC2",
            "reason": "Creation",
            "newStatus": "Pending",
        }
    ],
}
RECIPIENT = {
    "address": "did:e:me",
    "relationshipId": "REL00000000000000001",
    "receivedAt": "2026-01-03T00:00:00.000Z",
}
MESSAGE = {
    "id": "MSG1",
    "isOwn": False,
    "content": {"@type": "ArbitraryMessageContent", "value": {"c": 3}},
    "createdBy": "did:e:you",
    "createdByDevice": "DVC2",
    "recipients": [
        {"address": "did:e:me", "relationshipId": "REL00000000000000001", "receivedAt": "2026-01-03T00:00:00.000Z"}
    ],
    "createdAt": "2026-01-03T00:00:00.000Z",
    "attachments": ["FIL1"],
    "wasReadAt": "2026-01-04T00:00:00.000Z",
}


def clock() -> datetime:
    return datetime.now(UTC)


def template_of(id_: str) -> Mapping[str, Any] | None:
    return TEMPLATE if id_ == "RLT1" else None


def build(configuration: dict[str, Any]) -> SubscriberSpec:
    options = msgspec.convert(configuration, WebhooksV1Options)
    (specification,) = webhooks_v1.build(options, clock=clock, template_of=template_of)
    return specification


@asynccontextmanager
async def opened(folder: Path, url: str) -> AsyncIterator[Store]:
    """A running daemon, as far as this module goes."""
    async with open_store(folder, "x", [], clock=clock, entropy=secrets.token_bytes) as store:
        bus = EventBus(store.events, clock=clock, entropy=secrets.token_bytes)
        bus.subscribe(build({"url": url, "publishInterval": 0.05}))
        async with running(bus):
            yield store


async def happened(store: Store, namespace: str, data: Mapping[str, Any]) -> None:
    await store.transact(lambda unit: unit.append(NewEvent(namespace=namespace, data=data)))


class Recording(Receiver):
    """Refuses while ``away``; knows what it accepted."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.accepted: list[dict[str, Any]] = []
        self.news = trio.Event()
        self.answer = self._answer

    def _answer(self, request: Request) -> Reply:
        if not self.away:
            self.accepted.append(json.loads(request.body))
        self.news.set()
        self.news = trio.Event()
        return Reply(503 if self.away else 200)

    async def ids(self, *expected: str) -> None:
        """Wait until these messages were accepted, in this order."""
        while [message["id"] for body in self.accepted for message in body["messages"]] != list(expected):
            await self.news.wait()


async def test_what_was_refused_comes_again_together_with_what_is_new(tmp_path: Path) -> None:
    with trio.fail_after(30):
        async with receiving(Recording()) as receiver:
            assert isinstance(receiver, Recording)
            receiver.away = True
            async with opened(tmp_path, receiver.url) as store:
                await happened(store, "transport.messageReceived", {**MESSAGE, "id": "MSG1"})
                await happened(store, "transport.relationshipChanged", RELATIONSHIP)
                await receiver.news.wait()
                await happened(store, "transport.messageReceived", {**MESSAGE, "id": "MSG2"})
                await happened(store, "transport.messageSent", {**MESSAGE, "id": "MSG3"})
                await happened(store, "transport.relationshipChanged", {**RELATIONSHIP, "status": "Active"})
                await receiver.news.wait()
                receiver.away = False
                await receiver.ids("MSG1", "MSG2")
    (body,) = receiver.accepted
    assert [relationship["status"] for relationship in body["relationships"]] == ["Active"]


async def test_a_restart_loses_nothing_and_repeats_nothing_that_was_accepted(tmp_path: Path) -> None:
    with trio.fail_after(30):
        async with receiving(Recording()) as receiver:
            assert isinstance(receiver, Recording)
            async with opened(tmp_path, receiver.url) as store:
                await happened(store, "transport.messageReceived", {**MESSAGE, "id": "MSG1"})
                await receiver.ids("MSG1")
                receiver.away = True
                await happened(store, "transport.messageReceived", {**MESSAGE, "id": "MSG2"})
                await receiver.news.wait()
            receiver.away = False
            async with opened(tmp_path, receiver.url) as store:
                await receiver.ids("MSG1", "MSG2")
                await happened(store, "transport.messageReceived", {**MESSAGE, "id": "MSG3"})
                await receiver.ids("MSG1", "MSG2", "MSG3")


def test_a_message_has_the_shape_of_2022() -> None:
    item = item_of(make_event(1, MESSAGE, namespace="transport.messageReceived"), template_of=template_of)
    assert item is not None
    assert (item.kind, item.id) == ("messages", "MSG1")
    assert item.shown == {
        "id": "MSG1",
        "content": {"c": 3},
        "createdBy": "did:e:you",
        "createdByDevice": "DVC2",
        "recipients": [RECIPIENT],
        "relationshipIds": ["REL00000000000000001"],
        "createdAt": "2026-01-03T00:00:00.000Z",
        "attachments": ["FIL1"],
    }


def test_a_relationship_has_its_template_and_one_creation_change() -> None:
    item = item_of(make_event(1, RELATIONSHIP, namespace="transport.relationshipChanged"), template_of=template_of)
    assert item is not None
    assert item.shown == {
        "id": "REL00000000000000001",
        "template": {
            "id": "RLT1",
            "isOwn": True,
            "createdBy": "did:e:me",
            "createdByDevice": "DVC1",
            "createdAt": "2026-01-01T00:00:00.000Z",
            "content": {"a": 1},
            "expiresAt": "2027-01-01T00:00:00.000Z",
            "truncatedReference": "UkxU",
        },
        "status": "Pending",
        "peer": "did:e:you",
        "peerIdentity": {"address": "did:e:you", "publicKey": "eyJ9"},
        "changes": [
            {
                "id": "RCH00000000000000001",
                "type": "Creation",
                "status": "Pending",
                "request": {
                    "createdBy": "did:e:you",
                    "createdByDevice": "DVC2",
                    "createdAt": "2026-01-02T00:00:00.000Z",
                    "content": {"b": 2},
                },
            }
        ],
    }


@pytest.mark.parametrize(
    ("reason", "status"),
    [("AcceptanceOfCreation", "Accepted"), ("RejectionOfCreation", "Rejected"), ("RevocationOfCreation", "Revoked")],
)
def test_the_answer_to_a_creation_is_the_response_of_the_change(reason: str, status: str) -> None:
    answer = {"createdAt": "2026-01-05T00:00:00.000Z", "createdBy": "did:e:me", "reason": reason, "newStatus": "Active"}
    termination = {**answer, "reason": "Termination", "newStatus": "Terminated"}
    changed = {
        **RELATIONSHIP,
        "status": "DeletionProposed",
        "templateId": "RLT2",
        "auditLog": [*RELATIONSHIP["auditLog"], answer, termination],
    }
    item = item_of(make_event(1, changed, namespace="transport.relationshipChanged"), template_of=template_of)
    assert item is not None
    assert item.shown["status"] == "Terminated"
    assert item.shown["template"] == {"id": "RLT2"}
    (change,) = item.shown["changes"]
    assert change["status"] == status
    assert change["response"] == {"createdBy": "did:e:me", "createdAt": "2026-01-05T00:00:00.000Z"}


@pytest.mark.parametrize("namespace", ["transport.messageReceived", "transport.messageSent"])
def test_other_events_and_empty_ones_contribute_nothing(namespace: str) -> None:
    data = msgspec.UNSET if namespace == "transport.messageReceived" else MESSAGE
    assert item_of(make_event(1, data, namespace=namespace), template_of=template_of) is None


def test_the_start_says_that_the_module_is_deprecated() -> None:
    with capture_logs() as logs:
        specification = build({"url": "http://127.0.0.1/?t=topsecret", "publishInterval": 7})
    assert [entry["event"] for entry in logs] == [
        "The 'webhooks' module is deprecated. Please use the 'webhooksV2' module instead. "
        "Read more at https://enmeshed.eu/blog/webhooks-v2-connector-module/"
    ]
    assert specification.name == "webhooksV1"
    assert specification.pace_seconds == 7
    assert specification.patterns == ("transport.messageReceived", "transport.relationshipChanged")
    assert "topsecret" not in repr(specification)


@pytest.mark.parametrize(
    ("configuration", "code"),
    [
        ({"publishInterval": 5}, "invalidUrlFormat"),
        ({"url": "hook"}, "invalidUrlFormat"),
        ({"url": "http://127.0.0.1", "headers": {"a": "b\n"}}, "invalidHeader"),
        ({"url": "http://127.0.0.1", "secret": "x"}, "invalidSecret"),
    ],
)
def test_what_cannot_be_used_is_refused(configuration: dict[str, Any], code: str) -> None:
    with pytest.raises(ConnectorError) as caught:
        build(configuration)
    assert caught.value.code == "error.runtime.modules.webhooks." + code
