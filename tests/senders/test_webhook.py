"""The webhook sender against a receiver on a real socket."""

from __future__ import annotations

import base64
import ssl
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import trio
from standardwebhooks import Webhook

from tests.senders.parts import SetClock, make_event, soon
from tests.senders.receiver import Receiver, Reply, Request, receiving
from trio_connector.events.delivery import DEFAULT_DELIVERY
from trio_connector.events.model import Answer, Event
from trio_connector.events.senders.authentication import ApiKey, OAuth2ClientCredentials, OAuth2Settings
from trio_connector.events.senders.payload import OldName
from trio_connector.events.senders.signing import parse_secrets
from trio_connector.events.senders.webhook import WebhookTarget, open_webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


async def send(target: WebhookTarget, *events: Event, clock: SetClock | None = None) -> list[Answer]:
    """One sender, one call per event."""
    with soon():
        async with open_webhook(target, DEFAULT_DELIVERY, clock or SetClock()) as sender:
            return [answer for event in events for answer in await sender.send([event])]


async def test_a_delivery_is_the_official_payload_as_json() -> None:
    async with receiving(Receiver(200)) as receiver:
        target = WebhookTarget(url=receiver.url + "/hook")
        answers = await send(target, make_event(1, {"id": "MSG1", "content": "Größe"}))
    assert answers == [Answer(accepted=True, status=200)]
    (request,) = receiver.requests
    assert (request.method, request.target) == ("POST", "/hook")
    assert request.body == '{"data":{"id":"MSG1","content":"Größe"},"trigger":"transport.messageReceived"}'.encode()
    assert request.headers["content-type"] == "application/json"
    assert "x-correlation-id" not in request.headers
    assert "webhook-signature" not in request.headers


async def test_an_event_without_data_has_a_payload_without_data() -> None:
    async with receiving(Receiver()) as receiver:
        event = make_event(1, msgspec.UNSET, namespace="runtime.modulesStarted")
        await send(WebhookTarget(url=receiver.url), event)
    assert receiver.requests[0].body == b'{"trigger":"runtime.modulesStarted"}'


async def test_only_the_first_placeholder_is_replaced() -> None:
    async with receiving(Receiver()) as receiver:
        await send(WebhookTarget(url=receiver.url + "/{{trigger}}/{{trigger}}"), make_event())
    assert receiver.requests[0].target == "/transport.messageReceived/%7B%7Btrigger%7D%7D"


async def test_headers_of_the_target_come_first_then_correlation_then_authentication() -> None:
    target_headers = (
        ("X-Tenant", "Möbel"),
        ("Content-Type", "application/json; charset=utf-8"),
        ("X-Correlation-Id", "overruled"),
        ("X-Key", "overruled"),
        ("webhook-id", "overruled"),
    )
    async with receiving(Receiver()) as receiver:
        target = WebhookTarget(url=receiver.url, headers=target_headers, authentication=ApiKey("k-123", "x-key"))
        await send(target, make_event(1, correlation_id="corr-1"))
    headers = receiver.requests[0].headers
    assert headers["x-tenant"] == "Möbel"
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert headers["x-correlation-id"] == "corr-1"
    assert headers["x-key"] == "k-123"
    assert headers["webhook-id"] == "EVT00000000000000001"


@pytest.mark.parametrize("correlation_id", ["a\r\nx: y", "\x00", "\ud800", "a\x7f"])
async def test_a_correlation_id_that_http_does_not_allow_is_left_out(correlation_id: str) -> None:
    async with receiving(Receiver()) as receiver:
        (answer,) = await send(WebhookTarget(url=receiver.url), make_event(1, correlation_id=correlation_id))
    assert answer.accepted
    assert not {"x", "x-correlation-id"} & receiver.requests[0].headers.keys()


async def test_a_second_attempt_has_the_same_id_and_its_own_time() -> None:
    clock = SetClock(datetime(2026, 5, 4, 3, 2, 1, 999_000, tzinfo=UTC))
    async with receiving(Receiver(500, 204)) as receiver:
        target = WebhookTarget(url=receiver.url)
        await send(target, make_event(7), clock=clock)
        clock.advance(5)
        await send(target, make_event(7), clock=clock)
    first, second = (request.headers for request in receiver.requests)
    assert first["webhook-id"] == second["webhook-id"] == "EVT00000000000000007"
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 5
    assert int(first["webhook-timestamp"]) == int(datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC).timestamp())


async def test_the_reference_implementation_verifies_a_delivery() -> None:
    async with receiving(Receiver()) as receiver:
        await send(WebhookTarget(url=receiver.url, keys=parse_secrets(SECRET)), make_event(1, {"text": "ü€"}))
    (request,) = receiver.requests
    verified = Webhook(SECRET).verify(request.body, request.headers)
    assert verified == {"data": {"text": "ü€"}, "trigger": "transport.messageReceived"}


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_status_from_200_to_299_is_accepted(status: int) -> None:
    async with receiving(Receiver(status)) as receiver:
        assert await send(WebhookTarget(url=receiver.url), make_event()) == [Answer(accepted=True, status=status)]


@pytest.mark.parametrize("status", [300, 304, 400, 401, 404, 429, 500, 503])
async def test_any_other_status_is_refused_for_now(status: int) -> None:
    async with receiving(Receiver(status)) as receiver:
        answers = await send(WebhookTarget(url=receiver.url), make_event())
    assert answers == [Answer(accepted=False, status=status, reason=f"status {status}")]


async def test_gone_is_refused_for_good() -> None:
    async with receiving(Receiver(410)) as receiver:
        (answer,) = await send(WebhookTarget(url=receiver.url), make_event())
    assert answer.permanent


async def test_redirects_are_not_followed() -> None:
    async with receiving(Receiver()) as elsewhere, receiving(Receiver()) as receiver:
        receiver.answer = lambda _: Reply(307, {"location": elsewhere.url})
        (answer,) = await send(WebhookTarget(url=receiver.url, authentication=ApiKey("k")), make_event())
    assert not answer.accepted
    assert answer.status == 307
    assert elsewhere.requests == []


async def test_a_receiver_may_ask_for_time() -> None:
    clock = SetClock(datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC))
    replies = (
        Reply(503, {"retry-after": "120"}),
        Reply(429, {"retry-after": "Mon, 04 May 2026 03:03:01 GMT"}),
        Reply(503, {"retry-after": "tomorrow"}),
    )
    async with receiving(Receiver(*replies)) as receiver:
        answers = await send(WebhookTarget(url=receiver.url), *(make_event(n) for n in range(3)), clock=clock)
    assert [answer.retry_after_seconds for answer in answers] == [120, 60, None]


async def test_connections_are_kept_for_the_next_delivery() -> None:
    async with receiving(Receiver(Reply(200, body=b"x" * 500), 204, Reply(500, body=b"sorry"), 204)) as receiver:
        await send(WebhookTarget(url=receiver.url), *(make_event(n) for n in range(4)))
    assert (len(receiver.requests), receiver.connections) == (4, 1)


async def test_cookies_are_not_kept() -> None:
    async with receiving(Receiver(Reply(200, {"set-cookie": "session=1; Path=/"}), 204)) as receiver:
        await send(WebhookTarget(url=receiver.url), make_event(1), make_event(2))
    assert "cookie" not in receiver.requests[1].headers


async def test_a_long_answer_is_not_read_to_its_end() -> None:
    async with receiving(Receiver(Reply(200, body=b"x" * 50_000_000), 204)) as receiver:
        answers = await send(WebhookTarget(url=receiver.url), make_event(1), make_event(2))
    assert [answer.accepted for answer in answers] == [True, True]
    assert receiver.connections == 2


async def test_an_answer_that_never_ends_is_accepted_by_its_status() -> None:
    async with receiving(Receiver(Reply(200, forever=True))) as receiver:
        (answer,) = await send(WebhookTarget(url=receiver.url), make_event())
    assert answer.accepted


async def test_a_compressed_answer_is_not_unpacked() -> None:
    async with receiving(Receiver(Reply(200, {"content-encoding": "gzip"}, body=b"not gzip at all"))) as receiver:
        (answer,) = await send(WebhookTarget(url=receiver.url), make_event())
    assert answer.accepted


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 999999 Nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 1_000_000,
        bytes(range(256)) * 10,
    ],
)
async def test_an_answer_that_is_not_http_is_a_refusal(raw: bytes) -> None:
    async with receiving(Receiver(Reply(raw=raw))) as receiver:
        (answer,) = await send(WebhookTarget(url=receiver.url), make_event())
    assert not answer.accepted
    assert "Error" in answer.reason


async def test_a_body_that_breaks_off_changes_nothing_about_the_status() -> None:
    raw = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"
    async with receiving(Receiver(Reply(raw=raw))) as receiver:
        (answer,) = await send(WebhookTarget(url=receiver.url), make_event())
    assert answer.accepted


async def test_a_receiver_that_is_away_is_a_refusal_without_the_urls_password() -> None:
    async with receiving(Receiver()) as receiver:
        port = receiver.port
    (answer,) = await send(WebhookTarget(url=f"http://user:topsecret@127.0.0.1:{port}/?token=topsecret"), make_event())
    assert not answer.accepted
    assert answer.reason.startswith("ConnectError")
    assert "topsecret" not in answer.reason


async def test_user_and_password_of_the_url_are_sent_unless_an_authentication_is_configured() -> None:
    async with receiving(Receiver()) as receiver:
        url = f"http://user:pass@127.0.0.1:{receiver.port}/"
        await send(WebhookTarget(url=url), make_event())
        await send(WebhookTarget(url=url, authentication=ApiKey("Bearer t", "Authorization")), make_event())
    basic, bearer = (request.headers["authorization"] for request in receiver.requests)
    assert basic == "Basic " + base64.b64encode(b"user:pass").decode()
    assert bearer == "Bearer t"


async def test_after_a_cancelled_delivery_the_next_one_works() -> None:
    with soon():
        async with (
            receiving(Receiver()) as receiver,
            open_webhook(WebhookTarget(url=receiver.url), DEFAULT_DELIVERY, SetClock()) as sender,
        ):
            arrived = trio.Event()

            def answer(_: Request) -> Reply:
                if not arrived.is_set():
                    arrived.set()
                    return Reply(200, forever=True)
                return Reply()

            receiver.answer = answer
            async with trio.open_nursery() as nursery:
                nursery.start_soon(sender.send, [make_event(1)])
                await arrived.wait()
                nursery.cancel_scope.cancel("the test says so")
            answers = await sender.send([make_event(2)])
    assert answers[0].accepted


async def test_a_subscription_by_an_old_name_gets_the_old_name_and_data() -> None:
    event = make_event(
        1, {"predecessor": {"id": "ATT1"}, "successor": {"id": "ATT2"}}, namespace="consumption.attributeSucceeded"
    )
    old_name = OldName("consumption.attributeSucceded", member="successor")
    async with receiving(Receiver()) as receiver:
        target = WebhookTarget(url=receiver.url + "/{{trigger}}")
        async with open_webhook(target, DEFAULT_DELIVERY, SetClock(), old_name) as sender:
            await sender.send([event])
    (request,) = receiver.requests
    assert request.target == "/consumption.attributeSucceded"
    assert request.body == b'{"data":{"id":"ATT2"},"trigger":"consumption.attributeSucceded"}'


# --- OAuth 2 --------------------------------------------------------------------------------------------------------


class TokenServer(Receiver):
    """Gives out tokens ``t1``, ``t2``, ..."""

    def __init__(self, **members: object) -> None:
        super().__init__()
        self.members = members
        self.answer = self._token

    def _token(self, _: Request) -> Reply:
        token = {"access_token": f"t{len(self.requests)}", "token_type": "Bearer", **self.members}
        return Reply(200, {"content-type": "application/json"}, msgspec.json.encode(token))


def oauth2(server: Receiver, clock: SetClock, scope: str | None = None) -> OAuth2ClientCredentials:
    return OAuth2ClientCredentials(OAuth2Settings(server.url + "/token", "my:id", "s3cret", scope), clock)


async def test_a_token_is_asked_for_as_oauth2_says() -> None:
    clock = SetClock()
    async with receiving(TokenServer(expires_in=3600)) as server, receiving(Receiver()) as receiver:
        await send(WebhookTarget(url=receiver.url, authentication=oauth2(server, clock, "hooks write")), make_event())
    (request,) = server.requests
    assert (request.method, request.target) == ("POST", "/token")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.headers["authorization"] == "Basic " + base64.b64encode(b"my:id:s3cret").decode()
    assert request.body == b"grant_type=client_credentials&scope=hooks+write"
    assert receiver.requests[0].headers["authorization"] == "Bearer t1"


async def test_parallel_deliveries_share_one_token() -> None:
    clock = SetClock()
    async with receiving(TokenServer(expires_in=3600)) as server, receiving(Receiver()) as receiver:
        target = WebhookTarget(url=receiver.url, authentication=oauth2(server, clock))
        with soon():
            async with trio.open_nursery() as nursery:
                for number in range(10):
                    nursery.start_soon(send, target, make_event(number))
    assert len(server.requests) == 1
    assert {request.headers["authorization"] for request in receiver.requests} == {"Bearer t1"}


async def test_a_token_is_replaced_when_less_than_ten_seconds_remain() -> None:
    clock = SetClock()
    async with receiving(TokenServer(expires_in=60)) as server, receiving(Receiver()) as receiver:
        target = WebhookTarget(url=receiver.url, authentication=oauth2(server, clock))
        await send(target, make_event(1), clock=clock)
        clock.advance(50)
        await send(target, make_event(2), clock=clock)
        clock.advance(0.001)
        await send(target, make_event(3), clock=clock)
    tokens = [request.headers["authorization"] for request in receiver.requests]
    assert tokens == ["Bearer t1", "Bearer t1", "Bearer t2"]


async def test_a_token_without_a_lifetime_serves_one_request() -> None:
    clock = SetClock()
    async with receiving(TokenServer()) as server, receiving(Receiver()) as receiver:
        target = WebhookTarget(url=receiver.url, authentication=oauth2(server, clock))
        await send(target, make_event(1), make_event(2), clock=clock)
    assert [request.headers["authorization"] for request in receiver.requests] == ["Bearer t1", "Bearer t2"]


async def test_a_refused_token_is_not_used_again() -> None:
    clock = SetClock()
    async with receiving(TokenServer(expires_in=3600)) as server, receiving(Receiver(401, 204)) as receiver:
        target = WebhookTarget(url=receiver.url, authentication=oauth2(server, clock))
        first, second = await send(target, make_event(1), make_event(1), clock=clock)
    assert (first.accepted, second.accepted) == (False, True)
    assert receiver.requests[1].headers["authorization"] == "Bearer t2"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(201, body=b'{"access_token":"t"}'), "The access token request returned status 201."),
        (Reply(401, body=b"s3cret"), "The access token request returned status 401."),
        (Reply(302, {"location": "http://127.0.0.1/"}), "The access token request returned status 302."),
        (Reply(200, body=b"<html>"), "The answer to the access token request is not a token."),
        (Reply(200, body=b'{"access_token":7}'), "The answer to the access token request is not a token."),
        (Reply(200, body=b'{"access_token":"a\\nb"}'), "The answer to the access token request is not a token."),
        (Reply(200, body=b'{"access_token":""}'), "The answer to the access token request is not a token."),
        (Reply(200, body=b" " * 100_000), "The answer to the access token request is too long."),
        (Reply(raw=b"nonsense"), "The access token request failed (RemoteProtocolError)."),
    ],
)
async def test_without_a_token_nothing_is_sent(reply: Reply, reason: str) -> None:
    async with receiving(Receiver(reply)) as server, receiving(Receiver()) as receiver:
        target = WebhookTarget(url=receiver.url, authentication=oauth2(server, SetClock()))
        (answer,) = await send(target, make_event())
    assert answer == Answer(accepted=False, reason=reason)
    assert receiver.requests == []


def test_authentications_do_not_show_their_secrets() -> None:
    clock = SetClock()
    shown = repr([ApiKey("s3cret"), OAuth2ClientCredentials(OAuth2Settings("u", "i", "s3cret"), clock)])
    shown += repr(WebhookTarget(url="u", headers=(("a", "s3cret"),), keys=(b"s3cret",)))
    assert "s3cret" not in shown


# --- TLS and proxies ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verify_tls", [True, False])
async def test_a_certificate_of_an_unknown_authority_is_refused_unless_checking_is_off(
    certificate: Path, verify_tls: bool
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with receiving(Receiver(), context) as receiver:
        (answer,) = await send(WebhookTarget(url=receiver.url, verify_tls=verify_tls), make_event())
    assert answer.accepted is not verify_tls
    assert len(receiver.requests) == (0 if verify_tls else 1)


async def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving(Receiver()) as proxy:
        for name in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy", "http_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        (answer,) = await send(WebhookTarget(url="http://127.0.0.1:9/hook"), make_event())
    assert answer.accepted
    assert proxy.requests[0].target == "http://127.0.0.1:9/hook"
