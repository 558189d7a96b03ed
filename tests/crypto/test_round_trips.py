"""What is written reads back, for all inputs."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from trio_connector.crypto import (
    addresses,
    channel,
    ciphers,
    datawallet,
    dates,
    encoding,
    exchange,
    files,
    ids,
    json_text,
    passwords,
    references,
    secret_containers,
    signatures,
)
from trio_connector.crypto.entropy import choose, shuffled, uniform
from trio_connector.crypto.errors import EncodingError
from trio_connector.crypto.password_protection import SharedPasswordProtection

NOW = "2025-01-02T03:04:05.678Z"


def seeded(seed: int) -> Callable[[int], bytes]:
    return random.Random(seed).randbytes


seeds = st.integers(0, 2**32).map(seeded)
json_numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | json_numbers | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.binary())
def test_bytes_in_both_base64_forms(data: bytes) -> None:
    assert encoding.from_base64url(encoding.to_base64url(data)) == data
    assert encoding.from_base64(encoding.to_base64(data)) == data


@given(st.text(alphabet="ABQgwAEIMQUYcgkosw048-_+/=", max_size=12))
def test_each_value_has_one_base64_text(text: str) -> None:
    for encode, decode in (
        (encoding.to_base64url, encoding.from_base64url),
        (encoding.to_base64, encoding.from_base64),
    ):
        try:
            data = decode(text)
        except EncodingError:
            continue
        assert encode(data) == text


@given(json_values)
def test_json_text(value: Any) -> None:
    text = json_text.json_text(value)
    assert json_text.parse_json(text) == json.loads(json.dumps(value))
    assert json_text.json_text(json_text.parse_json(text)) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_in_javascript_notation_keep_their_value(number: float) -> None:
    text = json_text.json_text(number)
    assert float(text) == number
    mantissa, _, exponent = text.partition("e")
    assert not mantissa.endswith(".0")
    if exponent:
        assert exponent[0] in "+-"
        assert not 1e-6 <= abs(number) < 1e21


def test_numbers_javascript_has_not() -> None:
    assert json_text.json_text([math.inf, math.nan, 10**400]) == "[null,null,null]"
    assert json_text.json_text(2**53 + 1) == "9007199254740992"


@given(st.datetimes(timezones=st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))))
def test_dates(moment: datetime) -> None:
    try:
        utc = moment.astimezone(UTC)
    except OverflowError:
        return
    text = dates.iso(moment)
    assert dates.parse_date(text) == utc.replace(microsecond=utc.microsecond // 1000 * 1000)
    assert dates.normalized(text) == dates.iso(dates.parse_date(text)) == text
    assert len(text) == 24


@given(st.sampled_from(["", "TOK", "TRPRTK", "ATTFD"]), seeds)
def test_ids(prefix: str, entropy: Callable[[int], bytes]) -> None:
    assert ids.is_id(prefix, ids.new_id(prefix, entropy))


@given(st.integers(1, 2**40), seeds)
def test_random_numbers_stay_below_their_bound(below: int, entropy: Callable[[int], bytes]) -> None:
    assert all(0 <= uniform(below, entropy) < below for _ in range(5))


def test_every_choice_comes_about_equally_often() -> None:
    entropy = seeded(1)
    counts = dict.fromkeys(range(62), 0)
    for _ in range(62_000):
        counts[choose(range(62), entropy)] += 1
    assert all(850 < count < 1150 for count in counts.values())
    assert sorted(shuffled(list(range(50)), entropy)) == list(range(50))


@given(seeds)
def test_device_passwords_have_every_kind_of_character(entropy: Callable[[int], bytes]) -> None:
    password = passwords.device_password(entropy)
    assert 45 <= len(password) <= 50
    assert not set(password) & set("IlOo0")
    assert any(character in "!?-_.:,;#+" for character in password)
    assert any(character.islower() for character in password)
    assert any(character.isupper() for character in password)
    assert any(character.isdigit() for character in password)


@given(st.binary(max_size=200), st.binary(min_size=32, max_size=32), seeds)
def test_encryption(plaintext: bytes, key_bytes: bytes, entropy: Callable[[int], bytes]) -> None:
    key = ciphers.SecretKey.of(key_bytes)
    cipher = ciphers.encrypt(plaintext, key, entropy)
    assert ciphers.decrypt(ciphers.Cipher.from_base64(cipher.to_base64()), key) == plaintext
    assert ciphers.SecretKey.from_base64(key.to_base64(False)) == key


@given(st.binary(min_size=1, max_size=100), st.integers(0, 2**32 - 1), seeds)
def test_a_channel_works_in_both_directions(plaintext: bytes, counter: int, entropy: Callable[[int], bytes]) -> None:
    template = exchange.ExchangeKeypair.generate(entropy)
    identity = signatures.SignatureKeypair.generate(entropy)
    request = channel.create_request(template.public_key, identity.public_key, entropy)
    theirs = channel.answer_request(template, request.public_request(), entropy)
    mine = channel.complete_request(request, theirs.public_response())
    for sender, receiver in ((mine, theirs), (theirs, mine)):
        stored = channel.RelationshipSecrets.parse(receiver.serialize())
        cipher = channel.encrypt_to_peer(plaintext, sender, counter)
        assert channel.decrypt_from_peer(cipher, stored) == plaintext
        assert channel.verify_from_peer(plaintext, channel.sign_for_peer(plaintext, sender), stored)
        assert not channel.verify_from_peer(plaintext + b"!", channel.sign_for_peer(plaintext, sender), stored)


@given(st.integers(0, 2**32 - 1))
def test_the_next_counter_is_one_more_and_never_zero(last: int) -> None:
    following = channel.next_counter(last)
    assert 1 <= following <= 2**32 - 1
    assert following == last + 1 or (last, following) == (2**32 - 1, 1)


def test_counters_start_at_random_but_never_at_zero() -> None:
    assert channel.first_counter(lambda size: bytes(size)) == 1
    drawn = iter([b"\xff\xff\xff\xff", b"\xff\xff\xff\xfe"])  # the first would favour some numbers and is drawn again
    assert channel.first_counter(lambda size: next(drawn)) == 2**32 - 1


hosts = st.from_regex(r"([a-z0-9]{1,8}\.){0,3}[a-z]{2,8}", fullmatch=True)


@given(st.binary(min_size=32, max_size=32), hosts)
def test_addresses(key: bytes, host: str) -> None:
    address = addresses.create_address(key, host)
    assert addresses.is_address(address)
    assert addresses.hostname_of(address) == host
    assert addresses.address_matches_key(address, key)
    assert not addresses.address_matches_key(address, bytes(32) if any(key) else b"\x01" * 32)
    last = "0" if address[-1] != "0" else "1"
    assert not addresses.is_address(address[:-1] + last)


protections = st.none() | st.builds(
    SharedPasswordProtection,
    st.sampled_from(["pw", "pin4", "pin16"]),
    st.binary(min_size=16, max_size=16),
    st.none() | st.integers(0, 99),
)


@given(
    st.sampled_from([references.TokenReference, references.FileReference, references.RelationshipTemplateReference]),
    st.binary(min_size=32, max_size=32),
    st.sampled_from(["https://backbone.example.com", "http://127.0.0.1:8090", "https://example.com/a/b"]),
    st.none() | st.from_regex("[0-9a-f]{4}", fullmatch=True),
    protections,
    seeds,
)
def test_references(
    kind: type[references.Reference],
    key: bytes,
    base_url: str,
    identity_part: str | None,
    protection: SharedPasswordProtection | None,
    entropy: Callable[[int], bytes],
) -> None:
    reference = kind(ids.new_id(kind.PREFIX, entropy), ciphers.SecretKey.of(key), base_url, identity_part, protection)
    assert kind.of_text(reference.truncated()) == reference
    assert kind.of_text(reference.url("app")) == reference
    assert kind.parse(reference.serialize(False)) == reference


@settings(max_examples=20)
@given(st.binary(max_size=5000), seeds)
def test_files(plaintext: bytes, entropy: Callable[[int], bytes]) -> None:
    device = signatures.SignatureKeypair.generate(entropy)
    sealed = files.seal_file(plaintext, device.private_key, entropy, filename="a.txt", mimetype="text/plain")
    metadata = files.open_metadata(sealed.encrypted_properties, sealed.metadata_key)
    assert metadata == sealed.metadata
    assert plaintext == files.open_content(
        sealed.content,
        metadata.secret_key,
        cipher_hash=sealed.cipher_hash,
        plaintext_hash=metadata.plaintext_hash,
    )


@given(st.dictionaries(st.text(), json_values), st.integers(0, 2**31 - 1), seeds)
def test_datawallet_payloads(payload: dict[str, Any], index: int, entropy: Callable[[int], bytes]) -> None:
    key = ciphers.SecretKey.generate(entropy)
    opened = datawallet.open_payload(datawallet.seal_payload(payload, key, index, entropy), key, index)
    assert json_text.json_text(opened) == json_text.json_text(payload)
    assert datawallet.seal_payload(None, key, index, entropy) is None
    assert datawallet.open_payload(None, key, index) is None


@given(seeds, st.integers(0, 2**31 - 1))
def test_secrets_of_every_kind(entropy: Callable[[int], bytes], index: int) -> None:
    base = ciphers.SecretKey.generate(entropy)
    template = exchange.ExchangeKeypair.generate(entropy)
    identity = signatures.SignatureKeypair.generate(entropy)
    request = channel.create_request(template.public_key, identity.public_key, entropy)
    kept: list[secret_containers.KeptSecret] = [
        base,
        template,
        identity,
        identity.private_key,
        request,
        channel.answer_request(template, request.public_request(), entropy),
        secret_containers.DeviceCredentials("DVC1", "USR1", "password"),
    ]
    for secret in kept:
        shared = secret_containers.seal_shared_secret("name", secret, base, index, NOW, entropy)
        parsed = secret_containers.SecretContainer.parse(shared.serialize())
        assert secret_containers.open_shared_secret(parsed, base) == secret
        own = secret_containers.seal_device_secret("name", secret, base, NOW, entropy)
        assert secret_containers.open_device_secret(own, base) == secret


def test_the_numbers_of_shared_secrets_go_on_from_the_last_one() -> None:
    assert secret_containers.next_index(None) == 0
    assert secret_containers.next_index(7) == 8
    assert secret_containers.next_index(secret_containers.first_index(3)) == 3_000_001
