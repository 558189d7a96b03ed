"""The TLS contexts that all senders share: building one costs 20 ms and a megabyte."""

from __future__ import annotations

import functools
import ssl

import httpx


@functools.cache
def verified_context() -> ssl.SSLContext:
    """Verifies certificates and host names; ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` replace the built-in authorities."""
    return httpx.create_ssl_context()


@functools.cache
def unverified_context() -> ssl.SSLContext:
    """Verifies nothing: for ``skipTlsCheck`` alone."""
    return httpx.create_ssl_context(verify=False)
