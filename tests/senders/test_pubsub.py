"""The Pub/Sub sender against a stand-in for the REST API on the loopback interface."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from standardwebhooks import Webhook

from tests.senders.parts import SetClock, deliver_all, make_event, soon
from tests.senders.receiver import Receiver, Reply, Request, receiving
from trio_connector.events.delivery import DEFAULT_DELIVERY
from trio_connector.events.model import Answer
from trio_connector.events.senders.pubsub import (
    InvalidKeyFileError,
    PubSubSender,
    PubSubTarget,
    ServiceAccount,
    open_pubsub,
    read_key_file,
)
from trio_connector.events.senders.signing import parse_secrets

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
EMAIL = "publisher@my-project.iam.gserviceaccount.com"


@pytest.fixture(scope="session")
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="session")
def key_file(private_key: rsa.RSAPrivateKey, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pem = private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path_factory.mktemp("pubsub") / "key.json"
    members = {"type": "service_account", "client_email": EMAIL, "private_key": pem.decode(), "private_key_id": "k1"}
    path.write_text(json.dumps(members))
    return path


class Topic(Receiver):
    """Takes messages like the API, and refuses tokens that are not right."""

    def __init__(self, key: rsa.RSAPrivateKey, clock: SetClock) -> None:
        super().__init__()
        self._key = key.public_key()
        self._clock = clock
        self.refusals: list[Reply] = []
        self.messages: list[dict[str, Any]] = []
        self.answer = self._publish

    def _publish(self, request: Request) -> Reply:
        scheme, token = request.headers["authorization"].split(" ")
        claims = jwt.decode(
            token,
            self._key,
            algorithms=["RS256"],
            audience="https://pubsub.googleapis.com/",
            options={"verify_exp": False, "verify_iat": False},
        )
        now = self._clock().timestamp()
        if scheme != "Bearer" or not (claims["iat"] <= now < claims["exp"] <= claims["iat"] + 3600):
            return Reply(401)
        if claims["iss"] != EMAIL or claims["sub"] != EMAIL or jwt.get_unverified_header(token)["kid"] != "k1":
            return Reply(401)
        if request.target != "/v1/projects/my-project/topics/my-topic:publish":
            return Reply(404)
        if self.refusals:
            return self.refusals.pop(0)
        messages = json.loads(request.body)["messages"]
        self.messages += messages
        return Reply(200, body=json.dumps({"messageIds": [str(n) for n in range(len(messages))]}).encode())


@asynccontextmanager
async def publishing(
    private_key: rsa.RSAPrivateKey, key_file: Path, *, topic_name: str = "my-topic", keys: tuple[bytes, ...] = ()
) -> AsyncIterator[tuple[Topic, PubSubSender, SetClock]]:
    clock = SetClock()
    with soon():
        async with receiving(Topic(private_key, clock)) as topic:
            assert isinstance(topic, Topic)
            target = PubSubTarget("my-project", topic_name, read_key_file(key_file), topic.url, keys)
            async with open_pubsub(target, DEFAULT_DELIVERY, clock) as sender:
                yield topic, sender, clock


async def test_a_message_is_the_data_alone_with_the_namespace_as_attribute(
    private_key: rsa.RSAPrivateKey, key_file: Path
) -> None:
    async with publishing(private_key, key_file) as (topic, sender, _):
        answers = await sender.send([make_event(1, {"text": "ü"}), make_event(2, msgspec.UNSET, namespace="runtime.x")])
    assert answers == [Answer(accepted=True, status=200)] * 2
    first, second = topic.messages
    assert base64.b64decode(first["data"]) == '{"text":"ü"}'.encode()
    assert first["attributes"] == {"namespace": "transport.messageReceived"}
    assert base64.b64decode(second["data"]) == b"{}"
    assert second["attributes"] == {"namespace": "runtime.x"}


async def test_batches_arrive_in_order(private_key: rsa.RSAPrivateKey, key_file: Path) -> None:
    events = [make_event(number) for number in range(350)]
    async with publishing(private_key, key_file) as (topic, sender, _):
        assert await deliver_all(sender, events) == []
    numbers = [json.loads(base64.b64decode(message["data"]))["number"] for message in topic.messages]
    assert numbers == list(range(350))
    assert len(topic.requests) == 4


async def test_large_events_go_in_requests_of_their_own_and_none_overtakes_a_refused_one(
    private_key: rsa.RSAPrivateKey, key_file: Path
) -> None:
    events = [make_event(number, {"number": number, "text": "x" * 4_000_000}) for number in range(3)]
    async with publishing(private_key, key_file) as (topic, sender, _):
        topic.refusals = [Reply(503, {"retry-after": "7"})]
        answers = await sender.send(events)
        assert [answer.accepted for answer in answers] == [False, False, False]
        assert answers[0].retry_after_seconds == 7
        assert len(topic.requests) == 1
        await deliver_all(sender, events)
    numbers = [json.loads(base64.b64decode(message["data"]))["number"] for message in topic.messages]
    assert numbers == [0, 1, 2]
    assert len(topic.requests) == 4


async def test_a_token_is_signed_anew_before_it_ends(private_key: rsa.RSAPrivateKey, key_file: Path) -> None:
    async with publishing(private_key, key_file) as (topic, sender, clock):
        for seconds in (0, 3000, 400, 10_000):
            clock.advance(seconds)
            assert (await sender.send([make_event()]))[0].accepted
    tokens = [request.headers["authorization"] for request in topic.requests]
    assert tokens[0] == tokens[1]
    assert len(set(tokens)) == 3


async def test_a_missing_topic_is_told(private_key: rsa.RSAPrivateKey, key_file: Path) -> None:
    async with publishing(private_key, key_file, topic_name="other") as (_, sender, __):
        (answer,) = await sender.send([make_event()])
    assert answer == Answer(
        accepted=False, status=404, reason="Topic 'other' does not exist in the project 'my-project'."
    )


async def test_with_a_secret_messages_carry_a_signature(private_key: rsa.RSAPrivateKey, key_file: Path) -> None:
    async with publishing(private_key, key_file, keys=parse_secrets(SECRET)) as (topic, sender, _):
        await sender.send([make_event(1)])
    (message,) = topic.messages
    assert Webhook(SECRET).verify(base64.b64decode(message["data"]), message["attributes"]) == {"number": 1}


async def test_an_api_that_is_away_is_a_refusal(key_file: Path) -> None:
    async with receiving(Receiver()) as gone:
        url = gone.url
    target = PubSubTarget("p", "t", read_key_file(key_file), url)
    with soon():
        async with open_pubsub(target, DEFAULT_DELIVERY, SetClock(datetime.now(UTC))) as sender:
            (answer,) = await sender.send([make_event()])
    assert answer.reason.startswith("Could not publish to projects/p/topics/t (ConnectError")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "cannot be read"),
        ("nonsense topsecret", "is not the key of a service account"),
        ('{"type": "authorized_user"}', "is not the key of a service account"),
        ('{"client_email": "a", "private_key_id": "k", "private_key": "topsecret"}', "holds no usable private key"),
    ],
)
def test_a_key_file_that_cannot_be_used_is_refused_without_being_shown(
    tmp_path: Path, content: str | None, text: str
) -> None:
    path = tmp_path / "key.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InvalidKeyFileError, match=text) as caught:
        read_key_file(path)
    assert "topsecret" not in str(caught.value)


def test_a_service_account_does_not_show_its_key() -> None:
    account = ServiceAccount("a@b", "topsecret", "k")
    assert "topsecret" not in repr(account) + repr(PubSubTarget("p", "t", account))
