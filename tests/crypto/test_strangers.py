"""Nothing a stranger sends raises anything but the errors somebody catches, and forged content is refused."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trio_connector.crypto import (
    addresses,
    challenges,
    channel,
    ciphers,
    encoding,
    exchange,
    files,
    json_text,
    messages,
    password_protection,
    references,
    relationships,
    secret_containers,
    signatures,
    templates,
    tokens,
)
from trio_connector.crypto.dates import parse_date
from trio_connector.crypto.identity import Identity
from trio_connector.crypto.objects import CryptoObject, Secret
from trio_connector.errors import CoreError, DeserializationError, UnexpectedCondition, UnknownType

ENTROPY: Callable[[int], bytes] = random.Random(7).randbytes
KEY = ciphers.SecretKey.generate(ENTROPY)
HOST = "localhost"
LISTED = (CoreError, DeserializationError, UnexpectedCondition, UnknownType)

CLASSES: list[type[CryptoObject]] = [
    ciphers.SecretKey,
    ciphers.Cipher,
    signatures.Signature,
    signatures.SignatureKeypair,
    exchange.ExchangeKeypair,
    exchange.ExchangePublicKey,
    channel.PublicRequest,
    channel.PublicResponse,
    channel.RequestSecrets,
    channel.RelationshipSecrets,
    Identity,
    files.FileMetadata,
    tokens.TokenContentFile,
    tokens.TokenContentRelationshipTemplate,
    tokens.TokenContentDeviceSharedSecret,
    challenges.Challenge,
    challenges.SignedChallenge,
    secret_containers.SecretContainer,
    references.FileReference,
    password_protection.PasswordProtection,
]


def listed(action: Callable[[], object]) -> None:
    """``action`` succeeds or raises one of the errors the specification lists."""
    with contextlib.suppress(*LISTED):
        action()


MEMBER_NAMES = """
key alg cph nnc cnt sig pub prv exc eph sta typ id pik pxk psk ptk rsk rx tx @type address publicKey challenge
signature filename filesize mimetype plaintextHash secretKey tags sharedSecret deviceIndex salt passwordType
password expiresAt type validFrom createdAt name cipher nonce fileId templateId
"""
names = st.sampled_from(MEMBER_NAMES.split())
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=60)
    | st.binary(max_size=70).map(encoding.to_base64url)
    | st.sampled_from([3, 1, "2025-01-01", "AA", "pw"])
)
anything: st.SearchStrategy[Any] = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names | st.text(max_size=5), inner, max_size=8),
    max_leaves=25,
)


@given(st.sampled_from(CLASSES), anything)
def test_any_json_value_as_any_crypto_object(kind: type[CryptoObject], value: Any) -> None:
    listed(lambda: kind.from_json(value))


@given(st.sampled_from(CLASSES), st.text() | st.binary())
@example(ciphers.Cipher, "[" * 100_000)
@example(ciphers.Cipher, '{"a":' * 100_000)
@example(ciphers.Cipher, '{"cnt":' + "9" * 10_000 + "}")
@example(ciphers.Cipher, '{"cph":"AAAA","alg":3,"cnt":1e999}')
@example(ciphers.Cipher, '{"cph":"AAAA","alg":NaN,"cnt":1}')
@example(ciphers.Cipher, b"\xff\xfe{")
def test_any_text_as_any_crypto_object(kind: type[CryptoObject], text: str | bytes) -> None:
    listed(lambda: kind.parse(text))
    if isinstance(text, str):
        listed(lambda: kind.from_base64(text))
        listed(lambda: kind.from_base64(encoding.to_base64url(encoding.to_utf8(text))))


@given(st.text() | st.text(alphabet="ABCDab019-_+/=\n "))
def test_any_text_as_base64_hex_or_date(text: str) -> None:
    for decode in (encoding.from_base64url, encoding.from_base64, encoding.from_hex, parse_date):
        listed(lambda decode=decode: decode(text))  # type: ignore[misc]  # the default argument binds the loop variable


reference_texts = (
    st.text()
    | st.text().map(lambda text: encoding.to_base64url(encoding.to_utf8(text)))
    | st.lists(st.text(max_size=8) | st.sampled_from(["3", "TOKabcdefghijklmnopq", "pw&AAAA"]), min_size=3, max_size=5)
    .map("|".join)
    .map(lambda text: encoding.to_base64url(encoding.to_utf8(text)))
    | st.tuples(
        st.text(max_size=20) | st.sampled_from(["//h/r/TOKabcdefghijklmnopq", "//[::1]:99999/r/x", "//h:99999999/r/x"]),
        st.text(max_size=20).map(lambda text: encoding.to_base64url(encoding.to_utf8(text))),
    ).map(lambda parts: f"http:{parts[0]}#{parts[1]}")
)


@given(st.sampled_from([references.TokenReference, references.FileReference, references.Reference]), reference_texts)
@example(references.TokenReference, "http://[")
@example(references.TokenReference, "http://\ud800/r/x#")
@example(references.TokenReference, "https://" + "a" * 300 + ".example/r/x#AAAA")
@example(references.TokenReference, "httpx")
def test_any_text_as_reference(kind: type[references.Reference], text: str) -> None:
    listed(lambda: kind.of_text(text))


@given(st.binary(max_size=80), st.binary(max_size=24), st.integers(-5, 2**33))
def test_any_bytes_as_cipher(data: bytes, nonce: bytes, counter: int) -> None:
    listed(lambda: ciphers.decrypt(ciphers.Cipher(data, nonce=nonce), KEY))
    listed(lambda: ciphers.decrypt_with_counter(ciphers.Cipher(data, counter=counter), KEY, bytes(24)))
    listed(lambda: ciphers.decrypt_with_counter(ciphers.Cipher(data, nonce=nonce), KEY, bytes(24)))
    listed(lambda: ciphers.decrypt(ciphers.Cipher(data, counter=counter), KEY))


@given(st.binary(min_size=1, max_size=20), st.binary(min_size=20, max_size=80), st.binary(min_size=20, max_size=80))
def test_any_bytes_as_signature_and_keys(content: bytes, data: bytes, key: bytes) -> None:
    listed(lambda: signatures.verify(content, signatures.Signature(data, 1), signatures.SignaturePublicKey(key)))
    listed(lambda: signatures.sign(content, signatures.SignaturePrivateKey(Secret(key))))
    own = exchange.ExchangeKeypair.generate(ENTROPY)
    listed(lambda: exchange.derive_requestor(own, exchange.ExchangePublicKey(data[:40])))
    listed(lambda: exchange.derive_templator(own, exchange.ExchangePublicKey(data[:32])))


def sealed(value: Any) -> str:
    return ciphers.encrypt_text(json_text.json_text(value), KEY, ENTROPY).to_base64()


@given(anything)
def test_any_value_inside_what_a_peer_encrypted(value: Any) -> None:
    wire = sealed(value)
    text = json.dumps(value)
    listed(lambda: templates.open_template(wire, KEY, "did:e:localhost:dids:00"))
    listed(lambda: tokens.open_token(wire, KEY))
    listed(lambda: files.open_metadata(wire, KEY))
    listed(lambda: messages.open_own_message(wire, KEY))
    listed(
        lambda: messages.open_own_message(
            sealed({"message": text, "signatures": [{"recipient": "a", "signature": text}]}), KEY
        )
    )
    listed(lambda: relationships.parse_creation(encoding.to_base64url(encoding.to_utf8(text))))
    listed(lambda: relationships.parse_acceptance(encoding.to_base64url(encoding.to_utf8(text))))
    listed(lambda: secret_containers.parse_secret(text))
    if isinstance(value, dict):
        listed(lambda: tokens.parse_token_content(value))


# forged content (crypto spec section 11)


class Account:
    def __init__(self) -> None:
        self.keys = signatures.SignatureKeypair.generate(ENTROPY)
        self.device = signatures.SignatureKeypair.generate(ENTROPY)
        self.address = addresses.create_address(self.keys.public_key.key, HOST)
        self.identity = Identity(self.address, self.keys.public_key)


ALICE, BOB, MALLORY = Account(), Account(), Account()


def template_of(identity: Identity) -> tuple[templates.TemplateContent, exchange.ExchangeKeypair]:
    key, keypair = templates.new_template_key(ENTROPY)
    return templates.TemplateContent({"a": 1}, identity, key), keypair


def test_a_template_of_its_creator_opens() -> None:
    template, _ = template_of(ALICE.identity)
    wire = templates.seal_template(template, ALICE.keys.private_key, KEY, ENTROPY)
    assert templates.open_template(wire, KEY, ALICE.address) == template


@pytest.mark.parametrize(
    "identity",
    [
        Identity(ALICE.address, MALLORY.keys.public_key),  # the address of another identity with one's own key
        MALLORY.identity,  # consistent, but not who the Backbone says
    ],
)
def test_a_template_in_another_identitys_name_is_refused(identity: Identity) -> None:
    template, _ = template_of(identity)
    wire = templates.seal_template(template, MALLORY.keys.private_key, KEY, ENTROPY)
    with pytest.raises(CoreError, match="The template-signature is not valid") as raised:
        templates.open_template(wire, KEY, ALICE.address)
    assert raised.value.code == "error.transport.signatureNotValid"


def test_a_template_with_a_wrong_signature_is_refused() -> None:
    template, _ = template_of(ALICE.identity)
    wire = templates.seal_template(template, MALLORY.keys.private_key, KEY, ENTROPY)
    with pytest.raises(CoreError, match="The template-signature is not valid"):
        templates.open_template(wire, KEY, ALICE.address)


class Relationship:
    """Bob asks Alice."""

    def __init__(self, identity: Identity = BOB.identity, template_id: str = "RLT1") -> None:
        template, self.template_keypair = template_of(ALICE.identity)
        self.request = channel.create_request(template.template_key, ALICE.keys.public_key, ENTROPY)
        self.creation = relationships.parse_creation(
            relationships.seal_creation(
                relationships.CreationContent({"b": 2}, identity, template_id),
                self.request,
                BOB.device.private_key,
                ENTROPY,
            )
        )
        self.theirs = channel.answer_request(self.template_keypair, self.creation.request, ENTROPY)

    def accept(self, relationship_id: str = "REL1") -> relationships.AcceptanceCipher:
        return relationships.parse_acceptance(
            relationships.seal_acceptance(relationship_id, self.theirs, ALICE.device.private_key, 5)
        )


def test_a_relationship_is_created_and_accepted() -> None:
    between = Relationship()
    content = relationships.open_creation(between.creation, between.theirs, created_by=BOB.address, template_id="RLT1")
    assert content == relationships.CreationContent({"b": 2}, BOB.identity, "RLT1")
    mine = relationships.open_acceptance(between.accept(), between.request, relationship_id="REL1")
    cipher = channel.encrypt_to_peer(b"hello", mine, 9)
    assert channel.decrypt_from_peer(cipher, between.theirs) == b"hello"


@pytest.mark.parametrize(
    "between",
    [
        Relationship(identity=Identity(BOB.address, MALLORY.keys.public_key)),
        Relationship(identity=MALLORY.identity),
        Relationship(template_id="RLT2"),
    ],
)
def test_a_creation_in_another_name_or_for_another_template_is_refused(between: Relationship) -> None:
    with pytest.raises(CoreError, match="The relationshipCreationContent-signature is not valid"):
        relationships.open_creation(between.creation, between.theirs, created_by=BOB.address, template_id="RLT1")


def test_a_creation_with_a_wrong_signature_is_refused() -> None:
    between, other = Relationship(), Relationship()
    request = channel.PublicRequest(
        between.creation.request.exchange_key,
        other.creation.request.signature_key,
        between.creation.request.ephemeral_key,
        between.creation.request.nonce,
    )
    forged = relationships.CreationCipher(between.creation.cipher, request)
    with pytest.raises(CoreError, match="The relationshipCreationContent-signature is not valid"):
        relationships.open_creation(forged, between.theirs, created_by=BOB.address, template_id="RLT1")


def test_an_acceptance_of_another_relationship_is_refused() -> None:
    between = Relationship()
    with pytest.raises(CoreError, match="The relationshipCreationResponseContent-signature is not valid"):
        relationships.open_acceptance(between.accept("REL2"), between.request, relationship_id="REL1")


def test_an_acceptance_whose_keys_were_exchanged_is_refused() -> None:
    between, other = Relationship(), Relationship()
    forged = relationships.AcceptanceCipher(between.accept().cipher, other.accept().response)
    with pytest.raises(CoreError, match="The relationshipCreationResponseContent-signature is not valid"):
        relationships.open_acceptance(forged, between.request, relationship_id="REL1")


def message_between(recipients: list[str], to: str = BOB.address) -> tuple[messages.SealedMessage, Relationship]:
    between = Relationship()
    mine = relationships.open_acceptance(between.accept(), between.request, relationship_id="REL1")
    message = messages.seal_message(
        {"c": 3},
        [],
        "2025-01-01",
        [messages.Recipient(address, mine, number + 1) for number, address in enumerate(recipients)],
        ENTROPY,
    )
    return message, between


def opened(message: messages.SealedMessage, between: Relationship, own: str) -> messages.OpenedMessage:
    return messages.open_message(message.body, message.encrypted_keys[0].to_base64(), between.theirs, own, 1)


def test_a_message_for_others_only_is_refused() -> None:
    message, between = message_between([MALLORY.address])
    with pytest.raises(CoreError) as raised:
        opened(message, between, ALICE.address)
    assert raised.value.code == "error.transport.messages.signatureListMismatch"


def test_a_message_signed_with_another_key_is_refused() -> None:
    message, between = message_between([ALICE.address])
    body = ciphers.decrypt_text(ciphers.Cipher.from_base64(message.body), message.key)
    signed = json.loads(body)
    signed["message"] = signed["message"].replace('"c":3', '"c":4')
    forged = messages.SealedMessage(
        ciphers.encrypt_text(json.dumps(signed), message.key, ENTROPY).to_base64(),
        message.encrypted_keys,
        message.key,
    )
    with pytest.raises(CoreError) as raised:
        opened(forged, between, ALICE.address)
    assert raised.value.code == "error.transport.messages.signatureNotValid"


def test_a_message_that_is_sent_on_to_somebody_not_named_in_it_is_refused() -> None:
    """The peer's signature over the text is good, but the text was meant for others."""
    message, between = message_between([BOB.address])
    signed = json.loads(ciphers.decrypt_text(ciphers.Cipher.from_base64(message.body), message.key))
    signed["signatures"][0]["recipient"] = ALICE.address
    replayed = messages.SealedMessage(
        ciphers.encrypt_text(json.dumps(signed), message.key, ENTROPY).to_base64(),
        message.encrypted_keys,
        message.key,
    )
    with pytest.raises(CoreError) as raised:
        opened(replayed, between, ALICE.address)
    assert raised.value.code == "error.transport.messages.plaintextMismatch"


def test_lists_of_different_lengths_are_told_not_refused() -> None:
    message, between = message_between([ALICE.address, MALLORY.address])
    assert opened(message, between, ALICE.address).lists_differ
    assert messages.open_own_message(message.body, message.key).content == {"c": 3}


def test_file_content_that_changed_on_the_way_is_refused() -> None:
    sealed_file = files.seal_file(b"abc", BOB.device.private_key, ENTROPY, filename="a", mimetype="b")
    key = sealed_file.metadata.secret_key
    with pytest.raises(CoreError) as raised:
        files.open_content(
            sealed_file.content + b" ",
            key,
            cipher_hash=sealed_file.cipher_hash,
            plaintext_hash=sealed_file.metadata.plaintext_hash,
        )
    assert raised.value.code == "error.transport.files.cipherMismatch"
    with pytest.raises(CoreError) as raised:
        files.open_content(sealed_file.content, key, cipher_hash=sealed_file.cipher_hash, plaintext_hash="AAAA")
    assert raised.value.code == "error.transport.files.plaintextHashMismatch"


def test_loading_a_protected_object_needs_its_password() -> None:
    protection = password_protection.SharedPasswordProtection("pw", bytes(16))
    assert password_protection.hash_for_loading(None, "ignored") is None
    with pytest.raises(CoreError) as raised:
        password_protection.hash_for_loading(protection, None)
    assert raised.value.code == "error.transport.noPasswordProvided"
    created = password_protection.PasswordProtection("pw", bytes(16), "secret word")
    assert password_protection.hash_for_loading(protection, "secret word") == created.hash()
    assert password_protection.PasswordProtection.parse(created.serialize()) == created


def test_a_challenge_of_another_signer_is_not_verified() -> None:
    challenge = challenges.Challenge("CHL1", "2025-01-01T00:00:00.000Z", "Device", BOB.address, "DVC1")
    signed = challenges.sign_challenge(challenge, BOB.device.private_key)
    assert challenges.verify_challenge(signed, BOB.device.public_key)
    assert not challenges.verify_challenge(signed, BOB.keys.public_key)
    assert signed.content().is_expired(parse_date("2025-01-01T00:00:00.001Z"))
    assert not signed.content().is_expired(parse_date("2025-01-01"))


def test_no_key_material_shows_in_repr() -> None:
    between = Relationship()
    mine = relationships.open_acceptance(between.accept(), between.request, relationship_id="REL1")
    shared = tokens.DeviceSharedSecret(
        id="DVC1",
        created_at="2025-01-01",
        created_by_device="DVC2",
        device_index=1,
        identity=BOB.identity,
        is_backup_device=False,
        username="USR1",
        password="pass-word",
        secret_base_key=KEY,
        synchronization_key=KEY,
        identity_private_key=BOB.keys.private_key,
    )
    secrets = [
        KEY,
        BOB.keys,
        between.template_keypair,
        between.request,
        mine,
        exchange.derive_requestor(between.request.exchange, mine.peer_exchange_key),
        references.TokenReference("TOKabcdefghijklmnopq", KEY),
        password_protection.PasswordProtection("pw", bytes(16), "pass-word"),
        secret_containers.DeviceCredentials("DVC1", "USR1", "pass-word"),
        tokens.TokenContentDeviceSharedSecret(shared),
    ]
    material = [
        KEY.key,
        BOB.keys.private_key.key,
        between.template_keypair.private_key.key,
        between.request.request_key.key,
        mine.transmit.key.key,
        mine.receive.key.key,
        mine.signature.private_key.key,
        b"pass-word",
    ]
    for secret in secrets:
        for shown in (repr(secret), str(secret), f"{secret}"):
            assert "Secret(" in shown or "..." in shown or "PasswordProtection(" in shown
            for piece in material:
                assert encoding.to_base64url(piece) not in shown
                assert repr(piece)[2:-1] not in shown
                assert piece.hex() not in shown
