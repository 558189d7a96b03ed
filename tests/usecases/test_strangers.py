"""Peers that send what they must not: it costs that one event, is reported and logged once, and changes nothing."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest
import structlog
import trio
from structlog.testing import capture_logs

from tests.accounts import (
    ARBITRARY_CREATION,
    ARBITRARY_TEMPLATE,
    FAR_FUTURE,
    connected,
    synchronized,
    template_reference,
)
from tests.usecases.strangers import ForgedAcceptance, ForgedCreation, ForgedMessage, channel_to, secret_texts
from tests.usecases.test_files import upload
from tests.usecases.world import Told, World, a_world, told_from_now_on, two_accounts, two_partners
from trio_connector.crypto.channel import RequestSecrets
from trio_connector.crypto.ciphers import SecretKey
from trio_connector.crypto.encoding import from_base64url
from trio_connector.crypto.signatures import SignatureKeypair
from trio_connector.domain.message import MESSAGES
from trio_connector.domain.relationship import RELATIONSHIPS
from trio_connector.errors import BackboneRequestError
from trio_connector.usecases.external_events import MAX_STOPS
from trio_connector.usecases.messages import get_message, send_message
from trio_connector.usecases.relationships import create_relationship, get_relationship
from trio_connector.usecases.secrets import load_channel_secrets, load_relationship_secret
from trio_connector.usecases.services import Services
from trio_connector.usecases.templates import create_own_template, load_peer_template

UNKNOWN = "error.transport.unknown"
NOT_VALID = "error.transport.signatureNotValid"
MESSAGES_ = "error.transport.messages."
ANOTHER_ADDRESS = "did:e:localhost:dids:0123456789012345678901"
GOOD = {"@type": "ArbitraryMessageContent", "value": "good"}


def nested(depth: int) -> Any:
    """Lists in lists."""
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


def another_key() -> Any:
    """A signing key that nobody knows."""
    return SignatureKeypair.generate(os.urandom).private_key


def reference(file_id: str, key: SecretKey | None = None) -> dict[str, Any]:
    """A file reference as it stands inside messages."""
    return {"id": file_id, "key": (key or SecretKey.generate(os.urandom)).to_json(False)}


def set_(**members: Any) -> Callable[[ForgedMessage], None]:
    """Forge these members; functions are called."""

    def forge(message: ForgedMessage) -> None:
        for name, value in members.items():
            setattr(message, name, value() if callable(value) else value)

    return forge


FORGED_MESSAGES: dict[str, tuple[Callable[[ForgedMessage], None], str]] = {
    "signed by another key": (set_(signing_key=another_key), MESSAGES_ + "signatureNotValid"),
    "signed for somebody else": (set_(signed_for=ANOTHER_ADDRESS), MESSAGES_ + "signatureListMismatch"),
    "not written to us": (set_(recipients=[ANOTHER_ADDRESS]), MESSAGES_ + "plaintextMismatch"),
    "written to nobody": (set_(recipients=[]), MESSAGES_ + "plaintextMismatch"),
    "recipients are no list": (set_(recipients="x"), UNKNOWN),
    "under a key that is not the one sent": (set_(encrypted_key=lambda: SecretKey.generate(os.urandom)), UNKNOWN),
    "of an unknown type": (set_(content={"@type": "NoSuchType"}), UNKNOWN),
    "a type with wrong members": (set_(content={"@type": "Mail", "to": 1, "subject": [], "body": {}}), UNKNOWN),
    "no content": (set_(content=None), UNKNOWN),
    "a text as content": (set_(content="text"), UNKNOWN),
    "a date as content": (set_(content={"@type": "CoreDate", "date": FAR_FUTURE}), UNKNOWN),
    "nested too deeply": (set_(content=lambda: {"value": nested(300)}), UNKNOWN),
    "nested beyond measure": (set_(text=lambda: '{"content":' + '{"a":' * 100_000 + "1" + "}" * 100_001), UNKNOWN),
    "no JSON inside": (set_(text="{"), UNKNOWN),
    "no object inside": (set_(text="[]"), UNKNOWN),
    "written at no time": (set_(wrapper={"createdAt": "yesterday"}), UNKNOWN),
    "nothing that was encrypted": (set_(body=b"x" * 100), UNKNOWN),
    "no cipher": (set_(body=b'{"cph":"","alg":3,"nnc":""}'), UNKNOWN),
    "another algorithm": (set_(body=b'{"cph":"AAAA","alg":1,"nnc":"AAAA"}'), UNKNOWN),
    "a file that does not exist": (set_(attachments=lambda: [reference("FIL" + 17 * "x")]), UNKNOWN),
    "a file that is none": (set_(attachments=lambda: [reference("TOK" + 17 * "x")]), UNKNOWN),
    "a file behind a path": (set_(attachments=lambda: [reference("FIL/../../Tokens/xxx")]), UNKNOWN),
    "more files than anybody can attach": (
        set_(attachments=lambda: [reference(f"FIL{number:017}") for number in range(101)]),
        UNKNOWN,
    ),
    "attachments are no list": (set_(attachments={"0": 1}), UNKNOWN),
}


@asynccontextmanager
async def one_event_fails(
    world: World, victim: Services, peer: Services, code: str, *, type_: str = "MessageReceived"
) -> AsyncIterator[Told]:
    """What the block lets the Backbone tell ``victim`` fails with ``code``, once, and a message behind it arrives."""
    told = await told_from_now_on(victim)
    before = _records(victim)
    yield told
    good = await send_message(peer, recipients=[victim.address], content=GOOD)
    with capture_logs() as lines:
        assert await synchronized(victim) == [good.id]
    assert await world.reported(victim) == [(type_, code)]
    errors = [line for line in lines if line["log_level"] in ("error", "critical")]
    assert [line.get("type") for line in errors] == [type_]
    assert "exc_info" not in errors[0], "a stranger's mistake is no bug of ours"
    shown = repr(lines)
    assert not any(secret in shown for secret in secret_texts(victim, peer))
    assert await told.names() == ["messageReceived"]
    assert _records(victim, without=good.id) == before


def _records(services: Services, without: str = "") -> list[bytes]:
    collections: list[Any] = [MESSAGES, RELATIONSHIPS, services.collections.files, services.collections.templates]
    found: list[Any] = [record for collection in collections for record in services.store.select(collection)]
    return [msgspec.json.encode(record) for record in found if record.id != without]


@pytest.mark.parametrize("kind", FORGED_MESSAGES)
async def test_a_forged_message_is_refused(kind: str) -> None:
    forge, code = FORGED_MESSAGES[kind]
    async with two_partners() as (world, victim, peer):
        message = ForgedMessage(peer, victim)
        forge(message)
        async with one_event_fails(world, victim, peer, code):
            await message.send()


async def test_a_body_that_was_cut_is_refused() -> None:
    async with two_partners() as (world, victim, peer):
        message = ForgedMessage(peer, victim)
        sealed = message.sealed()
        message.body = from_base64url(sealed)[:-40]
        async with one_event_fails(world, victim, peer, UNKNOWN):
            await message.send()


async def test_a_file_under_another_key_is_refused() -> None:
    async with two_partners() as (world, victim, peer):
        file = await upload(peer)
        message = ForgedMessage(peer, victim)
        message.attachments = [reference(file.id)]
        async with one_event_fails(world, victim, peer, "error.transport.files.invalidMetadata"):
            await message.send()


async def test_somebody_elses_message_sent_again_is_refused() -> None:
    """A third identity took a message off the wire and sends it to us as its own."""
    async with two_partners() as (world, victim, peer), world.account() as thief:
        await connected(victim, thief)
        stolen = ForgedMessage(peer, victim)
        body, key = stolen.sealed(), stolen.sealed_key()
        async with one_event_fails(world, victim, peer, UNKNOWN):
            await thief.backbone.messages.send(body=body, recipients=[(victim.address, key)])


async def test_a_message_for_another_peer_sent_on_to_us_is_refused() -> None:
    """We and a third identity have the same partner; the third sends us what was meant for it."""
    async with two_partners() as (world, victim, peer), world.account() as third:
        await connected(third, peer)
        theirs = ForgedMessage(peer, third)
        forged = ForgedMessage(peer, victim)
        forged.key = forged.encrypted_key = theirs.key
        body = theirs.sealed()
        async with one_event_fails(world, victim, peer, MESSAGES_ + "signatureListMismatch"):
            await peer.backbone.messages.send(body=body, recipients=[(victim.address, forged.sealed_key())])


async def test_half_characters_become_whole_ones_and_the_message_arrives() -> None:
    """JavaScript cuts texts in the middle of a character; that is no reason to lose a message."""
    async with two_partners() as (world, victim, peer):
        message = ForgedMessage(peer, victim)
        message.content = {"@type": "ArbitraryMessageContent", "value": {"cut \ud83d": ["\ude00 off", "whole 😀"]}}
        message_id = await message.send()
        assert await synchronized(victim) == [message_id]
        assert await world.reported(victim) == []
        assert get_message(victim, message_id).content["value"] == {"cut \ufffd": ["\ufffd off", "whole 😀"]}


async def test_numbers_beyond_measure_arrive_as_javascript_reads_them() -> None:
    async with two_partners() as (_, victim, peer):
        message = ForgedMessage(peer, victim)
        message.text = (
            '{"content":{"@type":"ArbitraryMessageContent","value":[1e400,123456789012345678901234567890,-0.0]},'
            f'"createdAt":"2026-01-01T00:00:00Z","recipients":["{victim.address}"]}}'
        )
        message_id = await message.send()
        assert await synchronized(victim) == [message_id]
        assert get_message(victim, message_id).content["value"][1] == 123456789012345678901234567890.0


async def test_a_file_that_is_attached_twice_is_fetched_once() -> None:
    async with two_partners() as (world, victim, peer):
        file = await upload(peer)
        message = ForgedMessage(peer, victim)
        message.attachments = 2 * [reference(file.id, SecretKey.from_json(file.secret_key))]
        world.wire_of(victim).listen()
        message_id = await message.send()
        await synchronized(victim)
        assert get_message(victim, message_id).attachments == [file.id]
        assert sum("/Files/" in path for path in world.wire_of(victim).paths) == 1


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"id": None},
        {"id": 5},
        {"id": ""},
        {"id": "x" * 10_000},
        {"id": "MSG" + 17 * "x"},
        {"id": "../Relationships/x"},
        {"id": "\x00\n"},
    ],
    ids=str,
)
async def test_news_of_no_message_are_refused(payload: dict[str, Any]) -> None:
    async with two_partners() as (world, victim, peer), one_event_fails(world, victim, peer, UNKNOWN):
        await world.add_event(victim, "MessageReceived", payload)


async def test_news_of_somebody_elses_message_are_refused() -> None:
    async with two_partners() as (world, victim, peer), world.account() as one, world.account() as other:
        await connected(one, other)
        message = await send_message(one, recipients=[other.address], content=GOOD)
        async with one_event_fails(world, victim, peer, UNKNOWN):
            await world.add_event(victim, "MessageReceived", {"id": message.id})


async def test_the_own_message_is_not_received() -> None:
    async with two_partners() as (world, victim, peer):
        message = await send_message(victim, recipients=[peer.address], content=GOOD)
        await victim.store.transact(lambda unit: unit.delete(MESSAGES, message.id))
        async with one_event_fails(world, victim, peer, "error.transport.recordNotFound"):
            await world.add_event(victim, "MessageReceived", {"id": message.id})


async def test_an_envelope_that_does_not_name_us_is_refused() -> None:
    async with two_partners() as (world, victim, peer):
        message = ForgedMessage(peer, victim)

        async def readdress(_request: httpx.Request, through: Any) -> httpx.Response:
            response: httpx.Response = await through()
            text = (await response.aread()).replace(b'"recipients":[{"address":"did', b'"recipients":[{"address":"xid')
            return httpx.Response(response.status_code, content=text)

        bad = await message.send()
        world.wire_of(victim).always = readdress
        assert await synchronized(victim) == []
        assert await world.reported(victim) == [("MessageReceived", MESSAGES_ + "ownAddressNotInList")]
        assert victim.store.get(MESSAGES, bad) is None


async def test_an_event_that_fails_is_tried_three_times_and_then_left() -> None:
    async with two_partners() as (world, victim, peer):
        message = ForgedMessage(peer, victim)
        message.signing_key = another_key()
        await message.send()
        for _ in range(5):
            assert await synchronized(victim) == []
        assert await world.reported(victim) == 3 * [("MessageReceived", MESSAGES_ + "signatureNotValid")]


async def test_types_nobody_knows_are_acknowledged() -> None:
    async with two_partners() as (world, victim, _):
        for type_ in ("TokenLocked", "PeerFeatureFlagsChanged", "SomethingNew", "", "x" * 5000):
            await world.add_event(victim, type_, {"some": ["thing"]})
        assert await synchronized(victim) == []
        assert await world.reported(victim) == []


# --- relationships that strangers ask for --------------------------------------------------------------------------


def of_creation(**members: Any) -> Callable[[ForgedCreation], None]:
    def forge(creation: ForgedCreation) -> None:
        for name, value in members.items():
            setattr(creation, name, value(creation) if callable(value) else value)

    return forge


def _victims_address(creation: ForgedCreation) -> dict[str, Any]:
    return {**creation.identity, "address": creation.template.created_by}


def _victims_identity(creation: ForgedCreation) -> dict[str, Any]:
    return {"address": creation.template.created_by, "publicKey": creation.template.identity.public_key}


def _victims_key(creation: ForgedCreation) -> dict[str, Any]:
    return {**creation.identity, "publicKey": creation.template.identity.public_key}


FORGED_CREATIONS: dict[str, tuple[Callable[[ForgedCreation], None], str]] = {
    "signed by another key": (of_creation(signing_key=lambda _: another_key()), NOT_VALID),
    "in somebody else's name": (of_creation(identity=_victims_address), NOT_VALID),
    "as somebody else": (of_creation(identity=_victims_identity), NOT_VALID),
    "with somebody else's key": (of_creation(identity=_victims_key), NOT_VALID),
    "for another template": (of_creation(template_id="RLT" + 17 * "x"), NOT_VALID),
    "of an unknown type": (of_creation(content={"@type": "NoSuchType"}), UNKNOWN),
    "nested too deeply": (of_creation(content=lambda _: {"value": nested(300)}), UNKNOWN),
    "without identity": (of_creation(identity=None), UNKNOWN),
    "no content": (of_creation(content=None), UNKNOWN),
}


@asynccontextmanager
async def an_offer() -> AsyncIterator[tuple[World, Services, Services, Services, ForgedCreation]]:
    """A victim with a partner and a template, a stranger who loaded it, and what the stranger asks with."""
    async with two_partners() as (world, victim, peer), world.account() as stranger:
        template = await create_own_template(victim, content=ARBITRARY_TEMPLATE, expires_at=FAR_FUTURE)
        loaded = await load_peer_template(stranger, template_reference(victim, template.id))
        yield world, victim, peer, stranger, ForgedCreation(stranger, loaded)


@pytest.mark.parametrize("kind", FORGED_CREATIONS)
async def test_a_forged_request_for_a_relationship_is_refused(kind: str) -> None:
    forge, code = FORGED_CREATIONS[kind]
    async with an_offer() as (world, victim, peer, _, creation):
        forge(creation)
        async with one_event_fails(world, victim, peer, code, type_="RelationshipStatusChanged"):
            await creation.send()


@pytest.mark.parametrize("content", ["e30", "AAAA", "W10", "eyJjaXBoZXIiOjF9"])
async def test_nonsense_asks_for_no_relationship(content: str) -> None:
    async with (
        an_offer() as (world, victim, peer, _, creation),
        one_event_fails(world, victim, peer, UNKNOWN, type_="RelationshipStatusChanged"),
    ):
        await creation.send(content)


async def test_a_request_without_content_is_refused() -> None:
    async with (
        an_offer() as (world, victim, peer, stranger, creation),
        one_event_fails(world, victim, peer, UNKNOWN, type_="RelationshipStatusChanged"),
    ):
        await stranger.backbone.relationships.create(creation.template.id)


async def test_somebody_elses_request_sent_again_is_refused() -> None:
    async with an_offer() as (world, victim, peer, _, creation), world.account() as thief:
        await load_peer_template(thief, template_reference(victim, creation.template.id))
        async with one_event_fails(world, victim, peer, NOT_VALID, type_="RelationshipStatusChanged"):
            await thief.backbone.relationships.create(creation.template.id, creation.sealed())


async def test_a_request_with_a_template_we_forgot_is_refused() -> None:
    async with an_offer() as (world, victim, peer, _, creation):
        collection = victim.collections.templates
        await victim.store.transact(lambda unit: unit.delete(collection, creation.template.id))
        code = "error.transport.recordNotFound"
        async with one_event_fails(world, victim, peer, code, type_="RelationshipStatusChanged"):
            await creation.send()


async def test_a_right_request_made_by_hand_is_taken() -> None:
    """Else the refusals above would prove nothing."""
    async with an_offer() as (_, victim, _peer, stranger, creation):
        relationship_id = await creation.send()
        assert await synchronized(victim) == [relationship_id]
        assert get_relationship(victim, relationship_id).peer.address == stranger.address


# --- acceptances of strangers --------------------------------------------------------------------------------------


@asynccontextmanager
async def a_question() -> AsyncIterator[tuple[World, Services, Services, ForgedAcceptance]]:
    """A victim that asked a stranger for a relationship, and what the stranger accepts with."""
    async with two_accounts() as (world, stranger, victim):
        template = await create_own_template(stranger, content=ARBITRARY_TEMPLATE, expires_at=FAR_FUTURE)
        loaded = await load_peer_template(victim, template_reference(stranger, template.id))
        relationship = await create_relationship(victim, loaded.id, ARBITRARY_CREATION)
        await synchronized(stranger)
        name = get_relationship(stranger, relationship.id).relationship_secret_id
        secrets = load_channel_secrets(stranger.store, stranger.account, name)
        yield world, victim, stranger, ForgedAcceptance(stranger, relationship.id, secrets)


def _low_order(acceptance: ForgedAcceptance) -> dict[str, Any]:
    return {**acceptance.response, "exc": {"pub": "A" * 43, "alg": 3}}


def _another_signature_key(acceptance: ForgedAcceptance) -> dict[str, Any]:
    public_key = SignatureKeypair.generate(os.urandom).public_key
    return {**acceptance.response, "sig": public_key.to_json(False)}


FORGED_ACCEPTANCES: dict[str, tuple[dict[str, Any], str]] = {
    "signed by another key": ({"signing_key": lambda _: another_key()}, NOT_VALID),
    "with another key than it is signed by": ({"response": _another_signature_key}, NOT_VALID),
    "of another relationship": ({"named_id": "REL" + 17 * "x"}, NOT_VALID),
    "with a key that leads everybody to the same": ({"response": _low_order}, UNKNOWN),
    "without keys": ({"response": {}}, UNKNOWN),
}


@pytest.mark.parametrize("kind", FORGED_ACCEPTANCES)
async def test_a_forged_acceptance_is_refused(kind: str) -> None:
    members, code = FORGED_ACCEPTANCES[kind]
    async with a_question() as (world, victim, _, acceptance):
        for name, value in members.items():
            setattr(acceptance, name, value(acceptance) if callable(value) else value)
        await _refused(world, victim, acceptance, acceptance.sealed(), code)


@pytest.mark.parametrize("content", ["e30", "AAAA", "W10"])
async def test_nonsense_accepts_nothing(content: str) -> None:
    async with a_question() as (world, victim, _, acceptance):
        await _refused(world, victim, acceptance, content, UNKNOWN)


async def _refused(world: World, victim: Services, acceptance: ForgedAcceptance, content: str, code: str) -> None:
    before = get_relationship(victim, acceptance.relationship_id)
    told = await told_from_now_on(victim)
    await acceptance.send(content)
    assert await synchronized(victim) == []
    assert await world.reported(victim) == [("RelationshipStatusChanged", code)]
    assert get_relationship(victim, acceptance.relationship_id) == before
    secrets = load_relationship_secret(victim.store, victim.account, before.relationship_secret_id)
    assert isinstance(secrets, RequestSecrets)
    assert await told.names() == []


async def test_a_right_acceptance_made_by_hand_is_taken() -> None:
    async with a_question() as (_, victim, stranger, acceptance):
        await acceptance.send()
        assert await synchronized(victim) == [acceptance.relationship_id]
        assert get_relationship(victim, acceptance.relationship_id).status == "Active"
        assert channel_to(victim, stranger).peer_signature_key == acceptance.secrets.signature.public_key


# --- many events ---------------------------------------------------------------------------------------------------


async def test_ten_thousand_events_are_worked_through_in_one_run() -> None:
    async with two_partners() as (world, victim, peer):
        relationship_id = victim.store.select(RELATIONSHIPS)[0].id
        message = await send_message(peer, recipients=[victim.address], content=GOOD)
        await world.add_event(victim, "MessageReceived", {"id": message.id}, times=8000)
        await world.add_event(victim, "RelationshipStatusChanged", {"relationshipId": relationship_id}, times=500)
        await world.add_event(victim, "SomethingNew", {}, times=500)
        await world.add_event(victim, "MessageReceived", {"id": "MSG" + 17 * "x"}, times=500)
        await world.add_event(victim, "PeerDeletionCancelled", {"relationshipId": relationship_id}, times=500)
        told = await told_from_now_on(victim)
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
        try:
            with trio.fail_after(60):
                changed = await synchronized(victim)
        finally:
            structlog.reset_defaults()
        assert changed[0] == message.id
        assert set(changed) == {message.id, relationship_id}
        names = await told.names()
        assert names.count("messageReceived") == 1
        assert names.count("relationshipChanged") == 0
        assert await world.reported(victim) == 500 * [("MessageReceived", UNKNOWN)]
        assert victim.store.values("ProcessedExternalEvents") == {}


async def test_a_message_that_brings_the_backbone_down_does_not_stop_the_others_for_ever() -> None:
    async with two_partners() as (world, victim, peer):
        poison = await send_message(peer, recipients=[victim.address], content=GOOD)
        good = await send_message(peer, recipients=[victim.address], content=GOOD)

        async def no_answer(request: httpx.Request, through: Any) -> httpx.Response:
            if poison.id in str(request.url):
                raise httpx.ReadTimeout("too large for this line")
            answer: httpx.Response = await through()
            return answer

        world.wire_of(victim).always = no_answer
        for _ in range(MAX_STOPS - 1):
            with pytest.raises(BackboneRequestError) as away:
                await synchronized(victim)
            assert away.value.code == "error.transport.request.aborted"
        assert await synchronized(victim) == [good.id]
        assert set(await world.reported(victim)) == {("MessageReceived", UNKNOWN)}
        world.wire_of(victim).always = None
        assert await synchronized(victim) == [poison.id]


async def test_messages_too_large_to_come_together_come_one_by_one() -> None:
    async with two_partners() as (world, victim, peer):
        sent = [(await send_message(peer, recipients=[victim.address], content=GOOD)).id for _ in range(3)]

        async def too_large(request: httpx.Request, through: Any) -> httpx.Response:
            if request.url.path == "/api/v2/Messages":
                raise httpx.ReadTimeout("too large for this line")
            answer: httpx.Response = await through()
            return answer

        world.wire_of(victim).always = too_large
        assert await synchronized(victim) == sent
        assert await world.reported(victim) == []


async def test_an_account_without_friends_syncs_whatever_it_is_told() -> None:
    types = ["MessageReceived", "RelationshipStatusChanged", "RelationshipReactivationRequested"]
    types += ["RelationshipReactivationCompleted", "IdentityDeletionProcessStarted", "PeerToBeDeleted"]
    types += ["PeerDeletionCancelled", "PeerDeleted", "RelationshipTemplateAllocationsExhausted"]
    types += ["FileOwnershipLocked", "FileOwnershipClaimed", "IdentityDeletionProcessStatusChanged"]
    payloads: list[dict[str, Any]] = [{}, {"id": [], "relationshipId": {}, "fileId": 1, "deletionProcessId": None}]
    payloads.append(dict.fromkeys(["id", "relationshipId", "fileId", "deletionProcessId"], "nonsense"))
    payloads.append({"relationshipTemplateId": "x" * 200})
    async with a_world() as world, world.account() as services:
        for type_ in types:
            for payload in payloads:
                await world.add_event(services, type_, payload)
        with capture_logs() as lines:
            assert await synchronized(services) == []
        assert not any("exc_info" in line for line in lines)
        assert len(await world.reported(services)) > 2 * len(types)
