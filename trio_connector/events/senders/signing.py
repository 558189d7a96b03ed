"""Signatures of webhook deliveries as Standard Webhooks 1.0 defines them (design section 4). Pure.

The receiver computes the same HMAC over ``<webhook-id>.<webhook-timestamp>.<body>`` and compares it with any of the
signatures it was sent; with two secrets configured both sign, so that a receiver can change from one to the other.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

PREFIX = "whsec_"
RECOMMENDED_BYTES = range(24, 65)
"""How long a secret should be; shorter and longer ones work too."""


class InvalidSecretError(ValueError):
    """A configured secret is not ``whsec_`` and base64; the text does not show it."""


def parse_secret(text: object) -> bytes:
    """The key bytes of ``whsec_<base64>`` (padding may be missing). Raises InvalidSecretError."""
    if not isinstance(text, str) or not text.startswith(PREFIX):
        raise InvalidSecretError(f"A webhook secret must start with '{PREFIX}'.")
    encoded = text.removeprefix(PREFIX).rstrip("=")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        # "from None": the cause may quote what it could not decode.
        raise InvalidSecretError(f"A webhook secret must be '{PREFIX}' followed by base64.") from None
    if not key:
        raise InvalidSecretError("A webhook secret must not be empty.")
    return key


def parse_secrets(value: object) -> tuple[bytes, ...]:
    """The keys of a ``secret`` setting: nothing, one secret or a list of them. Raises InvalidSecretError."""
    if value is None:
        return ()
    if isinstance(value, str):
        return (parse_secret(value),)
    if isinstance(value, Sequence):
        return tuple(parse_secret(item) for item in value)
    raise InvalidSecretError(f"'secret' must be a text '{PREFIX}...' or a list of such texts.")


def signature(keys: Sequence[bytes], *, webhook_id: str, timestamp: int, body: bytes) -> str:
    """The value of ``webhook-signature``: one ``v1,<base64>`` per key, separated by spaces."""
    signed = b"%s.%d.%s" % (webhook_id.encode(), timestamp, body)
    return " ".join("v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in keys)


def signature_headers(keys: Sequence[bytes], *, webhook_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """``webhook-id`` and ``webhook-timestamp``, and with ``keys`` also ``webhook-signature``."""
    headers = {"webhook-id": webhook_id, "webhook-timestamp": str(timestamp)}
    if keys:
        headers["webhook-signature"] = signature(keys, webhook_id=webhook_id, timestamp=timestamp, body=body)
    return headers
