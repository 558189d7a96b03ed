"""What each check refuses, with its code (crypto spec section 10)."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from trio_connector.crypto import (
    challenges,
    channel,
    ciphers,
    dates,
    encoding,
    entropy,
    exchange,
    files,
    ids,
    json_text,
    messages,
    password_protection,
    passwords,
    references,
    secret_containers,
    signatures,
    states,
    tokens,
)
from trio_connector.crypto.objects import Secret
from trio_connector.errors import ConnectorError, DeserializationError

KEY = ciphers.SecretKey.of(bytes(32))
K32, K64, N24 = (encoding.to_base64url(bytes(size)) for size in (32, 64, 24))
PUB = {"pub": K32, "alg": 3}
STATE = {"nnc": N24, "alg": 3, "typ": 2}


def zeros(size: int) -> bytes:
    return bytes(size)


def sealed(value: Any) -> str:
    return ciphers.encrypt_text(json_text.json_text(value), KEY, zeros).to_base64()


def signed(**members: Any) -> str:
    return sealed({"message": json_text.json_text(members), "signatures": []})


SECRETS = {
    "exc": {"pub": PUB, "prv": {"prv": K32, "alg": 3}},
    "sig": {"pub": PUB, "prv": {"prv": K64, "alg": 3}},
    "psk": PUB,
    "ptk": PUB,
    "pxk": PUB,
    "rsk": {"key": K32, "alg": 3},
    "tx": {"nnc": N24, "cnt": 0, "key": K32, "alg": 3, "typ": 2},
    "rx": {"nnc": N24, "cnt": 0, "key": K32, "alg": 3, "typ": 1},
    "typ": 1,
}


@pytest.mark.parametrize(
    ("code", "action"),
    [
        ("error.crypto.encryption.wrongSecretKey", lambda: ciphers.SecretKey.of(bytes(31))),
        ("error.crypto.encryption.wrongNonce", lambda: ciphers.encrypt_with_nonce(b"", KEY, bytes(12))),
        ("error.crypto.encryption.wrongNonce", lambda: ciphers.effective_nonce(bytes(23), 0)),
        ("error.crypto.encryption.wrongNonce", lambda: states.PublicState.from_json(STATE | {"nnc": K32})),
        ("error.crypto.encryption.wrongCounter", lambda: ciphers.effective_nonce(bytes(24), 2**32)),
        (
            "error.crypto.encryption.wrongCounter",
            lambda: ciphers.Cipher.from_json({"cph": "AAAA", "alg": 3, "cnt": "7"}),
        ),
        (
            "error.crypto.encryption.wrongCounter",
            lambda: ciphers.Cipher.from_json({"cph": "AAAA", "alg": 3, "cnt": 1.5}),
        ),
        ("error.crypto.wrongSerializedBuffer", lambda: ciphers.Cipher.from_json({"cph": 7, "alg": 3, "cnt": 1})),
        ("error.crypto.encryption.decrypt", lambda: ciphers.decrypt(ciphers.Cipher(b"", counter=1), KEY)),
        ("error.crypto.encryption.decrypt", lambda: ciphers.decrypt_with_counter(ciphers.Cipher(b""), KEY, bytes(24))),
        (
            "error.crypto.exchange.wrongExchangeAlgorithm",
            lambda: exchange.ExchangePublicKey.from_json({"pub": K32, "alg": 0}),
        ),
        (
            "error.crypto.exchange.keyDerivation",
            lambda: exchange.ExchangeKeypair.of(exchange.ExchangePrivateKey(Secret(bytes(31)))),
        ),
        (
            "error.crypto.signature.wrongAlgorithm",
            lambda: signatures.SignaturePrivateKey.from_json({"prv": K64}),
        ),
        ("error.crypto.hash.wrongHashAlgorithm", lambda: signatures.Signature(bytes(64), 0)),
        ("error.crypto.signature.sign", lambda: signatures.SignaturePrivateKey(Secret(bytes(63))).public_key()),
        (
            "error.crypto.signature.sign",
            lambda: signatures.sign(b"a", signatures.SignaturePrivateKey(Secret(bytes(63)))),
        ),
        (
            "error.crypto.signature.verify",
            lambda: signatures.verify(
                b"a", signatures.Signature(bytes(64), 1), signatures.SignaturePublicKey(bytes(31))
            ),
        ),
        ("error.crypto.wrongBuffer", lambda: signatures.SignaturePublicKey(bytes(81))),
        ("error.crypto.state.wrongType", lambda: states.PrivateState.from_json(SECRETS["tx"] | {"typ": 3})),  # type: ignore[operator]  # a dict of dicts
        ("error.crypto.state.wrongType", lambda: channel.RelationshipSecrets.from_json(SECRETS | {"typ": 3})),
        (
            "error.crypto.state.wrongType",
            lambda: channel.RelationshipSecrets.from_json(SECRETS | {"tx": SECRETS["rx"]}),
        ),
        (
            "error.crypto.state.wrongType",
            lambda: channel.PublicResponse.from_json({"exc": PUB, "sig": PUB, "sta": STATE | {"typ": 1}}),
        ),
        ("error.core-types.invalidTruncatedReference", lambda: references.Reference.of_text("")),
        ("error.runtime.requestDeserialization", lambda: exchange.TemplatePublicKey.from_json(PUB)),
        ("error.runtime.requestDeserialization", lambda: exchange.TemplatePublicKey.from_json(PUB | {"id": 7})),
        (
            "error.runtime.requestDeserialization",
            lambda: signatures.SignaturePrivateKey.from_json({"prv": K64, "alg": 3, "id": 7}),
        ),
        ("error.runtime.requestDeserialization", lambda: channel.PublicRequest.from_json([])),
        (
            "error.runtime.requestDeserialization",
            lambda: challenges.Challenge.from_json({"id": "CHL1", "expiresAt": "2025-01-01", "type": "Other"}),
        ),
        (
            "error.runtime.requestDeserialization",
            lambda: files.FileMetadata.from_json(
                {"filename": "a", "filesize": 1, "mimetype": "b", "plaintextHash": "c", "secretKey": {}, "tags": [7]}
            ),
        ),
        ("error.runtime.requestDeserialization", lambda: files.FileMetadata.from_json({"filesize": "1"})),
        ("error.runtime.requestDeserialization", lambda: tokens.DeviceSharedSecret.from_json({"deviceIndex": 2147})),
        ("error.runtime.requestDeserialization", lambda: messages.open_own_message(sealed({"message": "{}"}), KEY)),
        (
            "error.runtime.requestDeserialization",
            lambda: messages.open_own_message(sealed({"message": "{}", "signatures": {}}), KEY),
        ),
        ("error.runtime.requestDeserialization", lambda: messages.open_own_message(signed(recipients=[7]), KEY)),
        (
            "error.runtime.requestDeserialization",
            lambda: messages.open_own_message(signed(recipients=[], attachments={"a": 1}), KEY),
        ),
        (
            "error.runtime.requestDeserialization",
            lambda: messages.open_own_message(signed(recipients=[], content=[], createdAt="2025-01-01"), KEY),
        ),
        ("error.runtime.requestDeserialization", lambda: secret_containers.parse_secret('{"key":"A"}')),
        ("error.runtime.unknownType", lambda: secret_containers.parse_secret('{"@type":"CryptoStream"}')),
        ("error.runtime.unknown", lambda: tokens.open_token(sealed([1]), KEY)),
        ("error.runtime.unknown", lambda: encoding.from_hex("0g")),
        ("error.runtime.unknown", lambda: json_text.json_text(nested(5000))),
        (
            "error.runtime.requestDeserialization",
            lambda: password_protection.SharedPasswordProtection("pw", bytes(16), -1),
        ),
        (
            "error.runtime.requestDeserialization",
            lambda: password_protection.SharedPasswordProtection.from_json(
                {"passwordType": "pw", "salt": encoding.to_base64url(bytes(16)), "passwordLocationIndicator": "1"}
            ),
        ),
        ("error.transport.secrets.secretNotFound", lambda: throw(secret_containers.secret_not_found("BaseKey"))),
        ("error.transport.secrets.wrongSecretType", lambda: throw(secret_containers.wrong_secret_type("TRPSEC1"))),
        (
            "error.transport.general.notIntendedForYou",
            lambda: throw(references.not_intended_for_you("TOK1")),
        ),
    ],
)
def test_what_is_refused(code: str, action: Callable[[], object]) -> None:
    with pytest.raises(ConnectorError) as raised:
        action()
    assert raised.value.code == code


def throw(error: Exception) -> None:
    raise error


def nested(depth: int) -> Any:
    value: Any = None
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "today",
        "2025-13-01",
        "2025-02-29",
        "2025-01-01T24:00:00Z",
        "2025-01-01T24:00:00.000Z",
        "2025-02-29T00:00:00.000Z",
        "0000-01-01T00:00:00.000Z",
        "2025-01-01T10:00:60Z",
        "2025-01-01T10:00:00+25:00",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "2025-01-01 10:00:00",
        "٢٠٢٥-01-01",
        "2025-01-01\n",
    ],
)
def test_what_is_no_date(text: str) -> None:
    for read in (dates.parse_date, dates.normalized):
        with pytest.raises(DeserializationError, match="is not a valid date"):
            read(text)


def test_early_and_late_dates_have_four_digits() -> None:
    assert dates.normalized("0001-01-01T00:00Z") == "0001-01-01T00:00:00.000Z"
    assert dates.normalized("9999-12-31") == "9999-12-31T00:00:00.000Z"
    assert dates.normalized("2025-01-02T03:04:05,6-0130") == "2025-01-02T04:34:05.600Z"


def test_mistakes_of_the_programmer_are_no_refusals() -> None:
    with pytest.raises(ValueError, match="time zone"):
        dates.iso(datetime(2025, 1, 1))  # noqa: DTZ001 -- the missing zone is the point
    with pytest.raises(ValueError, match="at least 1"):
        entropy.uniform(0, zeros)
    with pytest.raises(ValueError, match="at least 8"):
        passwords.strong_password(7, 9, zeros)
    with pytest.raises(TypeError, match="no JSON form"):
        json_text.json_text({"a": object()})
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(KEY.secret)
    assert ids.random_text(0, zeros) == ""


def test_lone_surrogates_become_replacement_characters_in_bytes() -> None:
    assert encoding.to_utf8("a\ud800b") == b"a\xef\xbf\xbdb"
    assert encoding.to_utf8("\ud83d\ude00") == "😀".encode()
    assert json_text.parse_json('"\\ud83d\\ude00"') == "😀"


def test_token_contents_lead_to_references() -> None:
    file = tokens.TokenContentFile("FILabcdefghijklmnopq", KEY)
    assert file.reference() == references.FileReference("FILabcdefghijklmnopq", KEY)
    template = tokens.TokenContentRelationshipTemplate(
        "RLTabcdefghijklmnopq", KEY, for_identity="did:e:localhost:dids:47ad141f0bbbef348bed51"
    )
    assert template.reference().for_identity_truncated == "ed51"
    with pytest.raises(DeserializationError, match="id must start with 'FIL'"):
        tokens.TokenContentFile("RLTabcdefghijklmnopq", KEY).reference()
