"""Payloads of the datawallet, each encrypted under a key of its index (crypto spec section 9.8)."""

from __future__ import annotations

from typing import Any

from trio_connector.crypto.ciphers import Cipher, SecretKey, decrypt_text, encrypt_text
from trio_connector.crypto.derivation import derive
from trio_connector.crypto.entropy import Entropy
from trio_connector.crypto.json_text import json_text, parse_json_object


def seal_payload(
    payload: dict[str, Any] | None, synchronization_master: SecretKey, index: int, entropy: Entropy
) -> str | None:
    """``encryptedPayload`` of the modification that will have ``index``; ``None`` for none (a deletion).

    A push that the Backbone refused because of a newer index must be encrypted again under its new indexes.
    """
    if payload is None:
        return None
    return encrypt_text(json_text(payload), _key(synchronization_master, index), entropy).to_base64()


def open_payload(encrypted_payload: str | None, synchronization_master: SecretKey, index: int) -> dict[str, Any] | None:
    """What `seal_payload` encrypted; raises `CryptoError`, `EncodingError` or `DeserializationError`."""
    if encrypted_payload is None:
        return None
    return parse_json_object(decrypt_text(Cipher.from_base64(encrypted_payload), _key(synchronization_master, index)))


def _key(synchronization_master: SecretKey, index: int) -> SecretKey:
    return derive(synchronization_master, index, "DataSync")
