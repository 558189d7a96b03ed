"""Errors of the crypto room (crypto spec section 10)."""

from __future__ import annotations

from trio_connector.errors import CoreError, UnexpectedCondition


class CryptoError(CoreError):
    """A cryptographic operation or the check of a crypto object failed; codes ``error.crypto.*``."""


class EncodingError(UnexpectedCondition):
    """Text or bytes that are not what they claim to be: base64, base64url, UTF-8, JSON, a URL.

    The official software raises errors without a code here, which API users see as ``error.runtime.unknown``.
    """
