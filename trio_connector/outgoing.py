"""Every way out: TLS with certificate pinning, and HTTP clients that know about proxies (connector spec 2.6).

The pin is checked by the TLS object itself, directly after the handshake and the usual verification. So it holds for
whatever connects with our context: Backbone, webhooks, token requests, event streams, brokers.
"""

from __future__ import annotations

import hashlib
import os
import re
import ssl
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, Final

import httpcore
import httpx

_HOST: Final = re.compile(r"^((([A-Za-z0-9]+(-[A-Za-z0-9]+)*)\.)+[a-z]{2,}|localhost)$")


class CertificateRefusedError(httpcore.ConnectError, OSError):
    """The peer's certificate is not one of the pinned ones.

    A ``ConnectError`` so that httpx reports it as ``httpx.ConnectError`` with this text, an ``OSError`` for everybody
    else; no ``ssl.SSLError``, which Trio would replace by an error without text.
    """


class Pins:
    """Which certificates are accepted from which hosts."""

    def __init__(self, fingerprints: Mapping[str, Iterable[str]] | None = None, *, enforce: bool = False) -> None:
        """``fingerprints`` are SHA-256 values in hexadecimal by host, with or without colons; ``None``: no pinning.

        With ``enforce`` hosts that are not listed are refused. Raises ValueError for a host that is no host name.
        """
        for host in fingerprints or ():
            if not _HOST.match(host):
                raise ValueError(
                    f"Invalid host '{host}' in pinnedTLSCertificateSHA256Fingerprints. "
                    "The host must not contain a protocol, path or query."
                )
        self._by_host = {
            host.lower(): frozenset(value.replace(":", "").lower() for value in values)
            for host, values in (fingerprints or {}).items()
        }
        self._enforce = enforce
        self.active = fingerprints is not None

    def check(self, host: str | None, certificate: bytes | None) -> None:
        """Raise CertificateRefusedError unless ``certificate`` (DER) may be used by ``host``."""
        if not self.active:
            return
        pinned = self._by_host.get((host or "").lower().rstrip("."))
        if pinned is None:
            if self._enforce:
                raise CertificateRefusedError(
                    "Certificate verification error: Certificate pinning is enforced, but no pinned certificate "
                    f"fingerprint is provided in the configuration for the requested host '{host}'."
                )
            return
        fingerprint = hashlib.sha256(certificate or b"").hexdigest()
        if fingerprint not in pinned:
            raise CertificateRefusedError(
                f"Certificate verification error: The SHA256 fingerprint of the received certificate '{fingerprint}' "
                f"doesn't match a pinned certificate fingerprint for host '{host}'."
            )

    def announcements(self) -> list[str]:
        """The lines that say at start what is pinned."""
        return [
            f"Certificate pinning is enforced for host '{host}' with fingerprint(s) '{', '.join(sorted(values))}'."
            for host, values in self._by_host.items()
        ]


class _Client(httpx.AsyncClient):
    """Sends bodies from plain iterators.

    The asynchronous generators that httpx makes for them are left behind unfinished when a connection breaks, and Trio
    reports each as a fault.
    """

    def build_request(self, *args: Any, **kwargs: Any) -> httpx.Request:
        request = super().build_request(*args, **kwargs)
        if isinstance(request.stream, httpx.ByteStream):
            request.stream = _Body(request.content)
        return request


class _Body(httpx.AsyncByteStream):
    """A body in one piece; can be sent again."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _Pieces(iter((self._body,)))


class _Pieces(AsyncIterator[bytes]):
    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    async def __anext__(self) -> bytes:
        for piece in self._pieces:
            return piece
        raise StopAsyncIteration


class Outgoing:
    """Makes clients and TLS contexts; one per process, so that the certificates are read once."""

    def __init__(self, pins: Pins | None = None) -> None:
        self.pins = pins or Pins()
        self._contexts: dict[bool, ssl.SSLContext] = {}

    def tls_context(self, *, verify: bool = True) -> ssl.SSLContext:
        """The shared context, pins included; ``verify=False`` trusts any certificate that no pin speaks against."""
        if verify not in self._contexts:
            self._contexts[verify] = pinned_context(self.pins, verify=verify)
        return self._contexts[verify]

    def client(
        self,
        *,
        base_url: str = "",
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float | None = 60,
        verify: bool = True,
        max_connections: int = 10,
        max_redirects: int = 0,
        auth: httpx.Auth | None = None,
    ) -> httpx.AsyncClient:
        """An HTTP client behind the proxies of the environment (``HTTP_PROXY``, ``HTTPS_PROXY``, ``NO_PROXY``).

        ``timeout_seconds`` bounds each step only (connect, write, each read): put a cancel scope around a request to
        bound it as a whole. Redirects are followed when ``max_redirects`` is positive. The caller closes the client.
        """
        return _Client(
            base_url=base_url,
            headers=dict(headers or {}),
            timeout=timeout_seconds,
            verify=self.tls_context(verify=verify),
            limits=httpx.Limits(max_connections=max_connections, max_keepalive_connections=max_connections),
            follow_redirects=max_redirects > 0,
            max_redirects=max_redirects,
            auth=auth,
            trust_env=True,
        )


_current: ContextVar[Outgoing | None] = ContextVar("outgoing", default=None)
_plain = cache(Outgoing)


def current_outgoing() -> Outgoing:
    """The way out of the Connector that the current task works for; without pins when nobody chose one."""
    return _current.get() or _plain()


@contextmanager
def going_out_by(outgoing: Outgoing) -> Iterator[None]:
    """Let the enclosed work, and the tasks that it starts, connect by ``outgoing``."""
    token = _current.set(outgoing)
    try:
        yield
    finally:
        _current.reset(token)


def pinned_context(pins: Pins, *, verify: bool = True) -> ssl.SSLContext:
    """A client context that checks ``pins`` in every handshake.

    It trusts the system's certificate authorities, Mozilla's, and those that ``SSL_CERT_FILE``, ``SSL_CERT_DIR`` or
    ``NODE_EXTRA_CA_CERTS`` name.
    """
    context = httpx.create_ssl_context(verify=verify)
    if verify:
        context.load_default_certs()
        extra = os.environ.get("NODE_EXTRA_CA_CERTS")
        if extra:
            context.load_verify_locations(extra)
    if pins.active:
        context.sslobject_class = _pinned_object(pins)
        context.sslsocket_class = _pinned_socket(pins)
    return context


def _pinned_object(pins: Pins) -> type[ssl.SSLObject]:
    class PinnedObject(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            pins.check(self.server_hostname, self.getpeercert(binary_form=True))

    return PinnedObject


def _pinned_socket(pins: Pins) -> type[ssl.SSLSocket]:
    class PinnedSocket(ssl.SSLSocket):
        def do_handshake(self, *args: Any, **kwargs: Any) -> None:
            super().do_handshake(*args, **kwargs)
            pins.check(self.server_hostname, self.getpeercert(binary_form=True))

    return PinnedSocket
