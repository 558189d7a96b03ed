"""Certificate pins hold on every kind of outgoing TLS connection (connector spec 2.6)."""

from __future__ import annotations

import hashlib
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import create_connection, create_server

import httpx
import pytest
import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from trio_connector.events.delivery import DeliverySettings
from trio_connector.events.model import Event
from trio_connector.events.senders.webhook import WebhookTarget, open_webhook
from trio_connector.outgoing import CertificateRefusedError, Outgoing, Pins, going_out_by, pinned_context

OTHER = "ab" * 32


class Certificate:
    """A self-signed certificate for localhost."""

    def __init__(self, folder: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.authority = folder / "certificate.pem"
        self.authority.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        private = folder / "key.pem"
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        self.fingerprint = hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()
        self.server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server_context.load_cert_chain(self.authority, private)


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    made = Certificate(tmp_path)
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(made.authority))
    return made


@asynccontextmanager
async def https_server(certificate: Certificate) -> AsyncIterator[str]:
    """Answers every request with 204; a failed handshake ends that connection only."""

    async def answer(stream: trio.SSLStream[trio.SocketStream]) -> None:
        async with stream:
            try:
                while await stream.receive_some(65536):
                    await stream.send_all(b"HTTP/1.1 204 No Content\r\n\r\n")
            except trio.BrokenResourceError:
                return

    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        secured = [trio.SSLListener(listener, certificate.server_context) for listener in listeners]
        await nursery.start(trio.serve_listeners, answer, secured)
        port = listeners[0].socket.getsockname()[1]
        yield f"https://localhost:{port}"
        nursery.cancel_scope.cancel()


def outgoing(*fingerprints: str, enforce: bool = False) -> Outgoing:
    return Outgoing(Pins({"localhost": fingerprints} if fingerprints else {}, enforce=enforce))


async def get(outgoing: Outgoing, url: str, *, verify: bool = True) -> int:
    with trio.fail_after(10):
        async with outgoing.client(verify=verify) as client:
            return (await client.get(url)).status_code


async def test_a_pinned_certificate_is_accepted_with_colons_and_in_capitals(certificate: Certificate) -> None:
    written = ":".join(certificate.fingerprint[i : i + 2] for i in range(0, 64, 2)).upper()
    async with https_server(certificate) as url:
        assert await get(outgoing(OTHER, written), url) == 204


async def test_another_certificate_is_refused_with_the_official_text(certificate: Certificate) -> None:
    async with https_server(certificate) as url:
        with pytest.raises(httpx.ConnectError) as refused:
            await get(outgoing(OTHER), url)
    assert str(refused.value) == (
        f"Certificate verification error: The SHA256 fingerprint of the received certificate "
        f"'{certificate.fingerprint}' doesn't match a pinned certificate fingerprint for host 'localhost'."
    )


async def test_a_pin_also_holds_where_certificates_are_not_verified(certificate: Certificate) -> None:
    async with https_server(certificate) as url:
        assert await get(outgoing(certificate.fingerprint), url, verify=False) == 204
        with pytest.raises(httpx.ConnectError, match="doesn't match a pinned certificate"):
            await get(outgoing(OTHER), url, verify=False)


async def test_a_host_without_pins_is_accepted_unless_pinning_is_enforced(certificate: Certificate) -> None:
    async with https_server(certificate) as url:
        assert await get(outgoing(), url) == 204
        with pytest.raises(httpx.ConnectError) as refused:
            await get(outgoing(enforce=True), url)
    assert str(refused.value) == (
        "Certificate verification error: Certificate pinning is enforced, but no pinned certificate fingerprint is "
        "provided in the configuration for the requested host 'localhost'."
    )


async def test_enforcing_alone_changes_nothing(certificate: Certificate) -> None:
    async with https_server(certificate) as url:
        assert await get(Outgoing(Pins(None, enforce=True)), url) == 204


async def test_an_unknown_authority_is_still_refused(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NODE_EXTRA_CA_CERTS")
    async with https_server(certificate) as url:
        with pytest.raises(httpx.ConnectError):
            await get(outgoing(certificate.fingerprint), url)


async def test_any_stream_over_our_context_is_pinned(certificate: Certificate) -> None:
    async with https_server(certificate) as url:
        port = int(url.rpartition(":")[2])
        stream = await trio.open_ssl_over_tcp_stream("localhost", port, ssl_context=outgoing(OTHER).tls_context())
        with trio.fail_after(10):
            try:
                with pytest.raises(CertificateRefusedError):
                    await stream.do_handshake()
            finally:
                await trio.aclose_forcefully(stream)


@contextmanager
def blocking_tls_server(certificate: Certificate) -> Iterator[int]:
    """Shakes hands once, in a thread."""
    listener = create_server(("127.0.0.1", 0))

    def accept() -> None:
        connection, _ = listener.accept()
        with connection:
            try:
                with certificate.server_context.wrap_socket(connection, server_side=True) as secured:
                    secured.recv(1)
            except OSError:
                return

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        thread.join(10)
        listener.close()


@pytest.mark.parametrize("later", [False, True], ids=["handshake-at-once", "handshake-later"])
def test_sockets_of_threaded_clients_are_pinned_too(certificate: Certificate, later: bool) -> None:
    context = pinned_context(Pins({"localhost": [OTHER]}))
    with blocking_tls_server(certificate) as port, create_connection(("127.0.0.1", port), timeout=10) as plain:  # noqa: SIM117 - the error must come out of the inner block
        with pytest.raises(CertificateRefusedError):
            with context.wrap_socket(plain, server_hostname="localhost", do_handshake_on_connect=not later) as secured:
                secured.do_handshake()


@pytest.mark.parametrize("host", ["https://a.example", "a.example/path", "a.example:443", "10.0.0.1", "a b"])
def test_a_pin_for_something_else_than_a_host_name_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="The host must not contain a protocol, path or query"):
        Pins({host: [OTHER]})


def test_what_is_pinned_is_announced() -> None:
    assert Pins({"a.example": ["AA:BB"]}).announcements() == [
        "Certificate pinning is enforced for host 'a.example' with fingerprint(s) 'aabb'."
    ]


async def test_requests_go_through_the_proxy_of_the_environment_but_not_to_excepted_hosts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[bytes] = []

    async def answer(stream: trio.SocketStream) -> None:
        async with stream:
            seen.append((await stream.receive_some(65536)).split(b"\r\n")[0])
            await stream.send_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, answer, 0)
        port = listeners[0].socket.getsockname()[1]
        for name in ("http_proxy", "all_proxy", "no_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with trio.fail_after(10):
            async with Outgoing().client() as client:
                await client.get("http://backbone.example/health")
                await client.get(f"http://127.0.0.1:{port}/health")
        nursery.cancel_scope.cancel()
    assert seen == [b"GET http://backbone.example/health HTTP/1.1", b"GET /health HTTP/1.1"]


async def test_webhooks_are_pinned_too(certificate: Certificate) -> None:
    occurred = Event(position=1, id="EVT1", namespace="a.b", occurred_at="2026-11-23T16:00:48.362Z")
    async with https_server(certificate) as url:
        for fingerprint, accepted in ((certificate.fingerprint, True), (OTHER, False)):
            for verify_tls in (True, False):
                target = WebhookTarget(url=url, verify_tls=verify_tls)
                with going_out_by(outgoing(fingerprint)), trio.fail_after(10):
                    async with open_webhook(target, DeliverySettings(), lambda: datetime.now(UTC)) as sender:
                        (answer,) = await sender.send([occurred])
                assert answer.accepted is accepted
                assert accepted or "doesn't match a pinned certificate fingerprint" in answer.reason
