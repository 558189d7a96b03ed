"""The client against the embedded Backbone over real sockets, with the real crypto: two identities meet and talk."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx
import pytest
import trio

from tests.backbone.doubles import backbone_of
from trio_connector.backbone import (
    Backbone,
    Credentials,
    ExternalEvent,
    ExternalEventResult,
    NewDatawalletModification,
)
from trio_connector.crypto import channel, files, messages, references, relationships, templates, tokens
from trio_connector.crypto.addresses import create_address
from trio_connector.crypto.challenges import Challenge, sign_challenge
from trio_connector.crypto.ciphers import SecretKey
from trio_connector.crypto.datawallet import open_payload, seal_payload
from trio_connector.crypto.dates import iso
from trio_connector.crypto.exchange import ExchangeKeypair
from trio_connector.crypto.identity import Identity
from trio_connector.crypto.password_protection import create_protection, hash_for_loading
from trio_connector.crypto.passwords import device_password
from trio_connector.crypto.signatures import SignatureKeypair
from trio_connector.embedded import BackboneSettings, serve_backbone
from trio_connector.errors import BackboneRequestError

ENTROPY = secrets.token_bytes


def now() -> datetime:
    return datetime.now(UTC)


def in_days(days: float) -> str:
    return iso(now() + timedelta(days=days))


class Account:
    """An identity with one device, and its client."""

    def __init__(self, client: httpx.AsyncClient, base_url: str) -> None:
        self.credentials: Credentials | None = None
        self.backbone: Backbone = backbone_of(
            client, base_url, client_secret="test", credentials=lambda: self.credentials
        )
        self.keys = SignatureKeypair.generate(ENTROPY)
        self.device = SignatureKeypair.generate(ENTROPY)
        self.address = create_address(self.keys.public_key.key, "localhost")
        self.identity = Identity(self.address, self.keys.public_key)
        self.device_id = ""

    async def create(self) -> None:
        password = device_password(ENTROPY)
        issued = await self.backbone.challenges.create_anonymously()
        challenge = Challenge(issued.id, issued.expires_at, "Identity")
        created = await self.backbone.identities.create(
            device_password=password,
            identity_public_key=self.keys.public_key.to_base64(),
            signed_challenge=sign_challenge(challenge, self.keys.private_key).to_json(False),
            identity_version=1,
        )
        assert created.address == self.address
        self.device_id = created.device.id
        self.credentials = Credentials(created.device.username, password)
        started = await self.backbone.sync_runs.start_datawallet_version_upgrade()
        assert started.sync_run is not None
        ended = await self.backbone.sync_runs.finalize_datawallet_version_upgrade(started.sync_run.id, 1)
        assert ended.new_datawallet_modification_index is None

    async def sync(self) -> list[ExternalEvent]:
        """All new events, acknowledged."""
        started = await self.backbone.sync_runs.start_external_event_sync()
        if started.sync_run is None:
            return []
        events = await self.backbone.sync_runs.external_events(started.sync_run.id)
        assert started.sync_run.event_count == len(events)
        results = [ExternalEventResult(external_event_id=event.id) for event in events]
        ended = await self.backbone.sync_runs.finalize_external_event_sync(started.sync_run.id, results)
        assert not ended.new_unsynced_external_events_exist
        return events


@asynccontextmanager
async def backbone_with(*accounts: str) -> AsyncIterator[list[Account]]:
    """A fresh embedded Backbone and that many identities."""
    shutdown = trio.Event()
    async with trio.open_nursery() as nursery, AsyncExitStack() as stack:
        url = await nursery.start(
            partial(
                serve_backbone,
                BackboneSettings(port=0, graceful_timeout=1),
                clock=now,
                entropy=ENTROPY,
                shutdown=shutdown,
            )
        )
        try:
            with trio.fail_after(60):
                made = []
                for _ in accounts:
                    client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
                    account = Account(client, url)
                    await account.create()
                    made.append(account)
                yield made
        finally:
            shutdown.set()


class Pair:
    """Bob asks Alice, Alice accepts: both with their secrets."""

    def __init__(self, alice: Account, bob: Account) -> None:
        self.alice, self.bob = alice, bob
        self.relationship_id = ""

    async def meet(self) -> None:
        alice, bob = self.alice, self.bob
        template_id, key, template_keypair = await publish_template(alice)
        answer = await bob.backbone.relationship_templates.get(template_id)
        template = templates.open_template(answer.content, key, answer.created_by)
        assert (await bob.backbone.relationships.can_create(alice.address)).can_create

        request = channel.create_request(template.template_key, template.identity.public_key, ENTROPY)
        creation = relationships.CreationContent({"hello": "Alice"}, bob.identity, template_id)
        created = await bob.backbone.relationships.create(
            template_id, relationships.seal_creation(creation, request, bob.device.private_key, ENTROPY)
        )
        assert (created.status, created.from_, created.to) == ("Pending", bob.address, alice.address)
        self.relationship_id = created.id

        (event,) = await alice.sync()
        assert (event.type, event.payload) == ("RelationshipStatusChanged", {"relationshipId": created.id})
        incoming = await alice.backbone.relationships.get(created.id)
        assert incoming.creation_content is not None
        assert incoming.relationship_template_id == template_id
        parsed = relationships.parse_creation(incoming.creation_content)
        self.alice_secrets = channel.answer_request(template_keypair, parsed.request, ENTROPY)
        opened = relationships.open_creation(
            parsed, self.alice_secrets, created_by=incoming.from_, template_id=template_id
        )
        assert opened == creation
        sealed = relationships.seal_acceptance(created.id, self.alice_secrets, alice.device.private_key, 1)
        accepted = await alice.backbone.relationships.accept(created.id, sealed)
        assert accepted.status == "Active"
        assert [entry.reason for entry in accepted.audit_log] == ["Creation", "AcceptanceOfCreation"]

        (event,) = await bob.sync()
        seen = await bob.backbone.relationships.get(created.id)
        assert seen.creation_response_content is not None
        self.bob_secrets = relationships.open_acceptance(
            relationships.parse_acceptance(seen.creation_response_content), request, relationship_id=created.id
        )


async def publish_template(account: Account) -> tuple[str, SecretKey, ExchangeKeypair]:
    key = SecretKey.generate(ENTROPY)
    template_key, keypair = templates.new_template_key(ENTROPY)
    content = templates.TemplateContent({"welcome": True}, account.identity, template_key)
    created = await account.backbone.relationship_templates.create(
        content=templates.seal_template(content, account.keys.private_key, key, ENTROPY),
        expires_at=in_days(1),
        max_number_of_allocations=3,
    )
    return created.id, key, keypair


async def test_version_and_health() -> None:
    async with backbone_with("alice") as (alice,):
        assert (await alice.backbone.version.check_compatibility()).is_compatible
        healthy = await alice.backbone.health.check()
        assert (healthy.connection, healthy.authentication) == (True, True)
        alice.credentials = Credentials("USRabcdefghijklmnopq", "wrong")
        with pytest.raises(BackboneRequestError) as raised:
            await alice.backbone.connection.tokens.fetch()
        assert (raised.value.code, raised.value.status) == ("error.transport.request.noAuthGrant", 400)


async def test_two_identities_meet_and_write_to_each_other() -> None:
    async with backbone_with("alice", "bob") as (alice, bob):
        pair = Pair(alice, bob)
        await pair.meet()
        sealed = messages.seal_message(
            {"subject": "hi"}, [], iso(now()), [messages.Recipient(alice.address, pair.bob_secrets, 7)], ENTROPY
        )
        sent = await bob.backbone.messages.send(
            body=sealed.body, recipients=[(alice.address, sealed.encrypted_keys[0].to_base64())]
        )
        (event,) = await alice.sync()
        assert (event.type, event.payload) == ("MessageReceived", {"id": sent.id})
        (received,) = await alice.backbone.messages.list([sent.id])
        opened = messages.open_message(
            received.body, received.recipients[0].encrypted_key, pair.alice_secrets, alice.address, 1
        )
        assert opened.content.content == {"subject": "hi"}
        own = await bob.backbone.messages.get(sent.id)
        assert own.recipients[0].received_at is not None
        assert messages.open_own_message(own.body, sealed.key) == opened.content
        assert [answer.id async for answer in bob.backbone.messages.newest_first()] == [sent.id]


async def test_a_relationship_ends_begins_again_and_is_given_up() -> None:
    async with backbone_with("alice", "bob") as (alice, bob):
        pair = Pair(alice, bob)
        await pair.meet()
        of_alice, of_bob = alice.backbone.relationships, bob.backbone.relationships
        assert (await of_bob.terminate(pair.relationship_id)).status == "Terminated"
        await of_bob.reactivate(pair.relationship_id)
        await of_bob.revoke_reactivation(pair.relationship_id)
        await of_bob.reactivate(pair.relationship_id)
        await of_alice.reject_reactivation(pair.relationship_id)
        await of_alice.reactivate(pair.relationship_id)
        assert (await of_bob.accept_reactivation(pair.relationship_id)).status == "Active"
        await of_alice.terminate(pair.relationship_id)
        assert (await of_alice.decompose(pair.relationship_id)).status == "DeletionProposed"
        with pytest.raises(BackboneRequestError) as raised:
            await of_alice.get(pair.relationship_id)
        assert raised.value.code == "error.platform.validation.relationship.relationshipAlreadyDecomposed"
        (listed,) = await of_bob.list([pair.relationship_id])
        assert listed.audit_log[-1].reason == "Decomposition"


async def test_requests_that_are_rejected_or_revoked() -> None:
    async with backbone_with("alice", "bob") as (alice, bob):
        template_id, _, _ = await publish_template(alice)
        first = await bob.backbone.relationships.create(template_id)
        assert (await alice.backbone.relationships.reject(first.id)).status == "Rejected"
        await bob.backbone.relationships.decompose(first.id)
        await alice.backbone.relationships.decompose(first.id)
        second = await bob.backbone.relationships.create(template_id)
        assert (await bob.backbone.relationships.revoke(second.id)).status == "Revoked"
        third = await bob.backbone.relationships.create(template_id)
        answer = await bob.backbone.relationships.can_create(alice.address)
        assert not answer.can_create
        assert answer.code == "error.platform.validation.relationship.relationshipToTargetAlreadyExists"
        assert third.relationship_template_id == template_id
        nobody = create_address(bytes(32), "localhost")
        with pytest.raises(BackboneRequestError, match="Identity not found") as raised:
            await bob.backbone.relationships.can_create(nobody)
        assert raised.value.code == "error.platform.recordNotFound"


async def test_files_change_hands() -> None:
    async with backbone_with("alice", "bob") as (alice, bob):
        plaintext = b"content" * 100_000
        sealed = files.seal_file(plaintext, alice.device.private_key, ENTROPY, filename="a.txt", mimetype="text/plain")
        uploaded = await alice.backbone.files.upload(
            content=sealed.content,
            cipher_hash=sealed.cipher_hash,
            owner=alice.address,
            owner_signature=sealed.owner_signature,
            expires_at=in_days(1),
            encrypted_properties=sealed.encrypted_properties,
        )
        assert uploaded.cipher_hash == sealed.cipher_hash
        found = await bob.backbone.files.metadata(uploaded.id)
        metadata = files.open_metadata(found.encrypted_properties, sealed.metadata_key)
        content = await bob.backbone.files.download(uploaded.id)
        assert plaintext == files.open_content(
            content,
            metadata.secret_key,
            cipher_hash=found.cipher_hash,
            plaintext_hash=metadata.plaintext_hash,
        )
        renewed = await alice.backbone.files.regenerate_ownership_token(uploaded.id)
        validity = await bob.backbone.files.validate_ownership_token(uploaded.id, renewed.new_ownership_token)
        assert validity.is_valid
        await bob.backbone.files.claim_ownership(uploaded.id, renewed.new_ownership_token)
        assert (await alice.backbone.files.metadata(uploaded.id)).owner == bob.address
        (event,) = await alice.sync()
        assert event.type == "FileOwnershipClaimed"
        with pytest.raises(BackboneRequestError) as raised:
            await bob.backbone.files.delete(uploaded.id)
        assert raised.value.code == "error.platform.forbidden"
        assert [file.id for file in await alice.backbone.files.list([uploaded.id])] == [uploaded.id]
        await alice.backbone.files.delete(uploaded.id)
        with pytest.raises(BackboneRequestError) as raised:
            await alice.backbone.files.download(uploaded.id)
        assert raised.value.code == "error.platform.recordNotFound"
        assert raised.value.method == "GET-Download"


async def test_protected_tokens_and_templates_need_their_password() -> None:
    async with backbone_with("alice", "bob") as (alice, bob):
        key = SecretKey.generate(ENTROPY)
        protection = create_protection("1234", True, None, ENTROPY)
        created = await alice.backbone.tokens.create(
            content=tokens.seal_token({"a": 1}, key, ENTROPY), expires_at=in_days(1), password=protection.hash()
        )
        reference = references.TokenReference.of_text(
            references.TokenReference(
                created.id, key, "http://localhost", password_protection=protection.shared()
            ).url()
        )
        with pytest.raises(BackboneRequestError) as raised:
            await bob.backbone.tokens.get(created.id)
        assert raised.value.code == "error.platform.recordNotFound"
        found = await bob.backbone.tokens.get(
            created.id, password=hash_for_loading(reference.password_protection, "1234")
        )
        assert found.content is not None
        assert tokens.open_token(found.content, reference.key) == {"a": 1}
        anonymous = await bob.backbone.tokens.get(created.id, password=protection.hash(), anonymous=True)
        assert anonymous.created_by == alice.address
        await alice.backbone.tokens.delete(created.id)

        empty = await alice.backbone.tokens.create(expires_at=in_days(1 / 1440), anonymous=True)
        assert (await bob.backbone.tokens.get(empty.id)).content is None
        await bob.backbone.tokens.update_content(empty.id, new_content=tokens.seal_token({"b": 2}, key, ENTROPY))
        filled = await alice.backbone.tokens.get(empty.id)
        assert filled.created_by == bob.address
        assert filled.content is not None
        assert tokens.open_token(filled.content, key) == {"b": 2}

        template_id, _, _ = await publish_template(alice)
        await alice.backbone.relationship_templates.delete(template_id)
        with pytest.raises(BackboneRequestError) as raised:
            await bob.backbone.relationship_templates.get(template_id)
        assert raised.value.code == "error.platform.recordNotFound"


async def test_a_second_device_and_the_datawallet() -> None:
    async with backbone_with("alice") as (alice,):
        password = device_password(ENTROPY)
        issued = await alice.backbone.challenges.create()
        assert (issued.created_by, issued.created_by_device) == (alice.address, alice.device_id)
        assert await alice.backbone.challenges.get(issued.id) == issued
        challenge = Challenge(issued.id, issued.expires_at, "Identity", alice.address, alice.device_id)
        device = await alice.backbone.devices.create(
            device_password=password,
            signed_challenge=sign_challenge(challenge, alice.keys.private_key).to_json(),
        )
        spare = await alice.backbone.devices.create(
            device_password=password,
            signed_challenge=sign_challenge(challenge, alice.keys.private_key).to_json(),
        )
        await alice.backbone.devices.delete(spare.id)
        own = await alice.backbone.devices.own()
        assert (own.id, own.last_login is not None) == (alice.device_id, True)
        await alice.backbone.devices.set_communication_language("de")
        registration = await alice.backbone.devices.register_push(
            platform="dummy", handle="a handle of some length", app_id="app", environment="Development"
        )
        assert registration.device_push_identifier.startswith("DPI")
        await alice.backbone.devices.unregister_push()

        other = Account(alice.backbone.connection.client, alice.backbone.connection.base_url)
        other.credentials = Credentials(device.username, password)
        new_password = device_password(ENTROPY)
        await other.backbone.devices.change_password(old_password=password, new_password=new_password)
        other.credentials = Credentials(device.username, new_password)
        await other.backbone.connection.tokens.fetch()

        master = SecretKey.generate(ENTROPY)
        assert (await alice.backbone.datawallet.get()).version == 1
        assert await alice.backbone.datawallet.modifications() == []
        modification = NewDatawalletModification(
            object_identifier="TOKabcdefghijklmnopq",
            collection="Tokens",
            type="Create",
            datawallet_version=1,
            payload_category="TechnicalData",
            encrypted_payload=seal_payload({"a": 1}, master, 0, ENTROPY),
        )
        pushed = await alice.backbone.datawallet.push(None, [modification])
        assert (pushed.new_index, pushed.modifications[0].index) == (0, 0)
        (pulled,) = await other.backbone.datawallet.modifications(-1)
        assert open_payload(pulled.encrypted_payload, master, pulled.index) == {"a": 1}
        with pytest.raises(BackboneRequestError) as raised:
            await other.backbone.datawallet.push(None, [modification])
        assert raised.value.code == "error.platform.validation.datawallet.datawalletNotUpToDate"


async def test_the_deletion_of_an_identity_starts_and_is_cancelled() -> None:
    async with backbone_with("alice") as (alice,):
        processes = alice.backbone.identity_deletion_processes
        started = await processes.start(14)
        assert started.status == "Active"
        assert started.grace_period_ends_at is not None
        assert await processes.get(started.id) == started
        cancelled = await processes.cancel(started.id)
        assert (cancelled.status, cancelled.grace_period_ends_at) == ("Cancelled", None)
        assert alice.credentials is not None
        assert not (await alice.backbone.identities.is_deleted(alice.credentials.username)).is_deleted


async def test_announcements_tags_public_templates_and_notifications() -> None:
    async with backbone_with("alice", "bob") as (alice, bob):
        assert await alice.backbone.announcements.list("en") == []
        assert await alice.backbone.public_template_references.list() == []
        fetched = await alice.backbone.tags.get()
        assert fetched is not None
        assert fetched[0].tags_for_attribute_value_types == {}
        assert await alice.backbone.tags.get(fetched[1]) is None
        with pytest.raises(BackboneRequestError) as raised:
            await alice.backbone.notifications.send([bob.address], "TestCode")
        assert "noRelationship" in raised.value.code
        pair = Pair(alice, bob)
        await pair.meet()
        await alice.backbone.notifications.send([bob.address], "TestCode")


async def test_a_new_event_shows_on_the_stream() -> None:
    async with backbone_with("alice", "bob") as (alice, bob):
        template_id, _, _ = await publish_template(alice)
        async with alice.backbone.server_sent_events.connect() as events:
            assert await anext(events) == "ConnectionOpened"
            await bob.backbone.relationships.create(template_id)
            assert await anext(events) == "ExternalEventCreated"
        (event,) = await alice.sync()
        assert event.type == "RelationshipStatusChanged"
