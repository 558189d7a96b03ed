"""The TLS contexts that all senders share: building one costs 20 ms and a megabyte. Certificate pins hold in both."""

from __future__ import annotations

import ssl

from trio_connector.outgoing import current_outgoing


def verified_context() -> ssl.SSLContext:
    """Verifies certificates, host names and pins (connector spec 2.6)."""
    return current_outgoing().tls_context()


def unverified_context() -> ssl.SSLContext:
    """Verifies pins alone: for ``skipTlsCheck``."""
    return current_outgoing().tls_context(verify=False)
