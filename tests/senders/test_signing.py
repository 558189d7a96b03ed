"""Signatures: what the reference implementation of Standard Webhooks accepts."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from trio_connector.events.senders.signing import InvalidSecretError, parse_secrets, signature, signature_headers

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEXT_SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


@given(body=st.text().map(str.encode), key=st.binary(min_size=1, max_size=64))
def test_the_reference_implementation_verifies_every_body(body: bytes, key: bytes) -> None:
    secret = "whsec_" + base64.b64encode(key).decode()
    headers = signature_headers(parse_secrets(secret), webhook_id="EVT1", timestamp=int(time.time()), body=body)
    Webhook(secret).verify(body, headers, json_parse=False)


def test_each_of_two_secrets_verifies_a_delivery_on_its_own() -> None:
    keys = parse_secrets([SECRET, NEXT_SECRET])
    headers = signature_headers(keys, webhook_id="EVT1", timestamp=int(time.time()), body=b"{}")
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (SECRET, NEXT_SECRET):
        Webhook(secret).verify(b"{}", headers)


def test_the_signature_is_the_one_of_the_published_example() -> None:
    body = b'{"test": 2432232314}'
    signed = signature(
        parse_secrets(SECRET), webhook_id="msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp=1614265330, body=body
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_without_a_secret_there_is_no_signature() -> None:
    assert parse_secrets(None) == ()
    headers = signature_headers((), webhook_id="EVT1", timestamp=7, body=b"")
    assert headers == {"webhook-id": "EVT1", "webhook-timestamp": "7"}


def test_missing_padding_is_no_mistake() -> None:
    assert parse_secrets("whsec_AQI") == (b"\x01\x02",)


@pytest.mark.parametrize("secret", ["topsecret", "whsec_", "whsec_top*secret", "whsec_A", 7, ["whsec_AQID", "x"], {}])
def test_a_secret_of_another_form_is_refused_without_being_shown(secret: object) -> None:
    with pytest.raises(InvalidSecretError) as caught:
        parse_secrets(secret)
    assert "top" not in str(caught.value)
    assert caught.value.__cause__ is None
