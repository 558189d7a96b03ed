"""Challenges and the creation of identities (Backbone spec section 4)."""

from __future__ import annotations

import secrets

import pytest

from tests.embedded.backbone import (
    API,
    INVALID,
    NOT_FOUND,
    UNREADABLE,
    Backbone,
    message_of,
    refusal,
    result,
    running_backbone,
    signed,
)
from trio_connector.crypto.addresses import create_address
from trio_connector.crypto.encoding import to_base64url
from trio_connector.crypto.signatures import SignatureKeypair

DEVICE_ERROR = "error.platform.validation.device"


def new_keys() -> SignatureKeypair:
    return SignatureKeypair.generate(secrets.token_bytes)


async def test_anybody_gets_a_challenge_that_lives_ten_minutes(backbone: Backbone) -> None:
    challenge = result(await backbone.client.post(f"{API}/Challenges", json={}), 201)
    assert challenge["expiresAt"] == "2026-01-31T12:10:00.000Z"
    assert (challenge["createdBy"], challenge["createdByDevice"]) == (None, None)


async def test_a_challenge_names_its_creator_and_can_be_read_by_others(backbone: Backbone) -> None:
    identity, other = await backbone.identity(), await backbone.identity()
    challenge = result(await identity.post("/Challenges", {}), 201)
    assert (challenge["createdBy"], challenge["createdByDevice"]) == (identity.address, identity.device_id)
    assert result(await other.get(f"/Challenges/{challenge['id']}")) == challenge


async def test_a_challenge_can_be_read_until_an_hour_after_its_expiry(backbone: Backbone) -> None:
    identity = await backbone.identity()
    path = f"/Challenges/{result(await identity.post('/Challenges', {}), 201)['id']}"
    backbone.clock.advance(minutes=69)
    await identity.log_in()
    result(await identity.get(path))
    backbone.clock.advance(minutes=2)
    response = await identity.get(path)
    assert refusal(response) == NOT_FOUND
    assert message_of(response).startswith("Record not found.")


async def test_an_identity_has_the_address_of_its_key(backbone: Backbone) -> None:
    keys = new_keys()
    made = result(await backbone.create_identity(keys), 201)
    assert made["address"] == create_address(keys.public_key.key, "localhost")
    assert made["device"]["id"].startswith("DVC")
    assert made["device"]["username"].startswith("USR")


async def test_the_domain_of_addresses_is_configured() -> None:
    async with running_backbone(did_domain_name="example.com") as backbone:
        assert (await backbone.identity()).address.startswith("did:e:example.com:dids:")


async def test_one_key_makes_one_identity(backbone: Backbone) -> None:
    keys = new_keys()
    result(await backbone.create_identity(keys), 201)
    assert refusal(await backbone.create_identity(keys)) == (400, f"{DEVICE_ERROR}.addressAlreadyExists")


@pytest.mark.parametrize("wrong", [{"clientId": "x"}, {"clientSecret": "x"}])
async def test_only_our_client_creates_identities(backbone: Backbone, wrong: dict[str, str]) -> None:
    assert refusal(await backbone.create_identity(new_keys(), **wrong)) == (400, "error.platform.unauthorized")


async def test_the_challenge_must_be_signed_by_the_identitys_key(backbone: Backbone) -> None:
    foreign = await backbone.signed_challenge(new_keys())
    response = await backbone.create_identity(new_keys(), signedChallenge=foreign)
    assert refusal(response) == (400, f"{DEVICE_ERROR}.invalidSignature")


async def test_a_changed_challenge_is_refused(backbone: Backbone) -> None:
    keys = new_keys()
    challenge = await backbone.signed_challenge(keys)
    challenge["challenge"] += " "
    response = await backbone.create_identity(keys, signedChallenge=challenge)
    assert refusal(response) == (400, f"{DEVICE_ERROR}.invalidSignature")


@pytest.mark.parametrize("signature", [b"no JSON", b"{}", b'{"sig":"AAAA","alg":2}', b'{"sig":7,"alg":2}', b"\xff"])
async def test_what_is_no_signature_is_refused(backbone: Backbone, signature: bytes) -> None:
    keys = new_keys()
    challenge = {**await backbone.signed_challenge(keys), "signature": to_base64url(signature)}
    response = await backbone.create_identity(keys, signedChallenge=challenge)
    assert refusal(response) == (400, f"{DEVICE_ERROR}.invalidSignature")


async def test_an_unknown_challenge_is_not_found(backbone: Backbone) -> None:
    keys = new_keys()
    unknown = signed({"id": "CHLaaaaaaaaaaaaaaaaa", "expiresAt": "2026-01-31T12:10:00.000Z"}, keys)
    response = await backbone.create_identity(keys, signedChallenge=unknown)
    assert refusal(response) == NOT_FOUND
    assert message_of(response).startswith("Challenge not found.")


async def test_an_expired_challenge_is_refused_whatever_its_text_says(backbone: Backbone) -> None:
    keys = new_keys()
    challenge = result(await backbone.client.post(f"{API}/Challenges", json={}), 201)
    late = signed({**challenge, "expiresAt": "2030-01-01T00:00:00.000Z"}, keys)
    backbone.clock.advance(minutes=11)
    response = await backbone.create_identity(keys, signedChallenge=late)
    assert refusal(response) == (400, f"{DEVICE_ERROR}.challengeHasExpired")


async def test_a_challenge_may_be_used_again(backbone: Backbone) -> None:
    keys, challenge = new_keys(), result(await backbone.client.post(f"{API}/Challenges", json={}), 201)
    result(await backbone.create_identity(keys, signedChallenge=signed(challenge, keys)), 201)
    others = new_keys()
    result(await backbone.create_identity(others, signedChallenge=signed(challenge, others)), 201)


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"identityPublicKey": None}, UNREADABLE),
        ({"identityPublicKey": ""}, INVALID),
        ({"identityPublicKey": to_base64url(b'{"pub":"AAAA","alg":3}')}, UNREADABLE),
        ({"identityPublicKey": "###"}, UNREADABLE),
        ({"devicePassword": ""}, INVALID),
        ({"devicePassword": 7}, UNREADABLE),
        ({"identityVersion": 256}, UNREADABLE),
        ({"identityVersion": "1"}, UNREADABLE),
        ({"signedChallenge": "text"}, UNREADABLE),
        ({"signedChallenge": {"challenge": "", "signature": "AAAA"}}, INVALID),
        ({"deviceCommunicationLanguage": "xx"}, (400, "error.platform.validation.invalidDeviceCommunicationLanguage")),
    ],
)
async def test_wrong_properties_are_refused(
    backbone: Backbone, change: dict[str, object], refused: tuple[int, str]
) -> None:
    assert refusal(await backbone.create_identity(new_keys(), **change)) == refused


async def test_weak_passwords_are_refused_where_strong_ones_are_asked_for() -> None:
    async with running_backbone(strict_passwords=True) as backbone:
        for weak in ("Sh0rt!", "no upper case 1!", "NO LOWER CASE 1!", "No digit at all!", "No0therCharacters"):
            response = await backbone.create_identity(new_keys(), devicePassword=weak)
            assert refusal(response) == (400, f"{DEVICE_ERROR}.registrationFailed"), weak
        result(await backbone.create_identity(new_keys(), devicePassword="Str0ng enough!"), 201)


async def test_a_client_may_have_a_limit_of_identities() -> None:
    async with running_backbone(max_identities=1) as backbone:
        await backbone.identity()
        response = await backbone.create_identity(new_keys())
        assert refusal(response) == (400, f"{DEVICE_ERROR}.clientReachedIdentitiesLimit")


async def test_an_identity_reads_itself(backbone: Backbone) -> None:
    identity = await backbone.identity()
    itself = result(await identity.get("/Identities/Self"))
    assert (itself["address"], itself["status"], itself["devices"]) == (
        identity.address,
        "Active",
        [identity.device_id],
    )
