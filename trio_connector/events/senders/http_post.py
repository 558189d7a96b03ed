"""One POST to a receiver that is not trusted: bounded in time by the caller, in memory here (connector spec 9.3)."""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx
import structlog
import trio

from trio_connector import __version__
from trio_connector.crypto.dates import Clock
from trio_connector.events.model import Answer
from trio_connector.events.senders.addresses import shown_url

log = structlog.get_logger("WebhooksModule")
# Their lines show whole URLs and headers, and with them passwords and tokens.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)

BODY_LIMIT_BYTES = 512
BODY_PATIENCE_SECONDS = 1.0
"""The status has decided by then; reading on only keeps the connection usable for the next delivery."""


def json_headers(own: Sequence[tuple[str, str]]) -> httpx.Headers:
    """``Content-Type: application/json`` and the operator's ``own`` headers, of which the last of a name counts."""
    headers = httpx.Headers({"content-type": "application/json"}, encoding="utf-8")
    for name, value in own:
        headers[name] = value
    return headers


def new_client(verify: ssl.SSLContext, *, timeout_seconds: float, connections: int) -> httpx.AsyncClient:
    """A client of its own for one subscriber, so that a slow receiver slows nobody else.

    Proxies are taken from the environment (connector spec 2.6); redirects are not followed. ``timeout_seconds`` holds
    per operation; the total is the subscriber's.
    """
    return httpx.AsyncClient(
        verify=verify,
        timeout=httpx.Timeout(timeout_seconds),
        # A receiver's cookies would grow without bound, and come back to it with the next event.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
        headers={"user-agent": f"trio-connector/{__version__}", "accept-encoding": "identity"},
        follow_redirects=False,
        trust_env=True,
    )


async def post(client: httpx.AsyncClient, url: str, *, headers: httpx.Headers, body: bytes, clock: Clock) -> Answer:
    """POST ``body`` and say what became of it; raises nothing for a receiver's failure.

    Accepted is any status from 200 to 299, 410 is permanent, ``Retry-After`` is read for every other. The answer's body
    is read up to 512 bytes and dropped; a longer one costs its connection. A cancellation closes the connection.
    """
    # A user and password in the URL become Basic authentication, but never replace a configured Authorization header.
    auth = httpx.Auth() if "authorization" in headers else httpx.USE_CLIENT_DEFAULT
    try:
        request = client.build_request("POST", url, content=body, headers=headers)
        response = await client.send(request, stream=True, auth=auth)
        try:
            answer = _answer(response, clock())
            await _drain(response)
        finally:
            with trio.CancelScope(shield=True), trio.move_on_after(BODY_PATIENCE_SECONDS):
                await response.aclose()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        log.error(f"Request to webhook '{shown_url(url)}' failed with the following error:", error=_shown(error))
        return Answer(accepted=False, reason=_shown(error))
    if answer.accepted:
        log.debug(f"Request to webhook '{shown_url(url)}' was successful.", status=answer.status)
    else:
        log.warning(
            f"Request to webhook '{shown_url(url)}' returned status {answer.status}. "
            "Expected value between 200 and 299."
        )
    return answer


async def _drain(response: httpx.Response) -> None:
    """Read what little there should be; nothing that happens here changes the answer."""
    with trio.move_on_after(BODY_PATIENCE_SECONDS):
        try:
            await read_limited(response, BODY_LIMIT_BYTES)
        except httpx.HTTPError:
            return


async def read_limited(response: httpx.Response, limit: int) -> bytes | None:
    """The body as it is on the wire (compressed ones are not unpacked), None when it is longer than ``limit`` bytes.

    What is longer costs its connection. Raises httpx.HTTPError.
    """
    body = b""
    with trio.CancelScope() as too_long:
        async for chunk in response.aiter_raw():
            body = (body + chunk)[: limit + 1]
            if len(body) > limit:
                # Leaving the loop would leave httpcore's generators open; a cancellation unwinds them.
                too_long.cancel("the body is too long")
    return None if len(body) > limit else body


def _answer(response: httpx.Response, now: datetime) -> Answer:
    status = response.status_code
    if 200 <= status <= 299:
        return Answer(accepted=True, status=status)
    return Answer(
        accepted=False,
        status=status,
        reason=f"status {status}",
        permanent=status == httpx.codes.GONE,
        retry_after_seconds=retry_after_seconds(response.headers.get("retry-after"), now),
    )


def _shown(error: Exception) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}"[:512] if text else type(error).__name__


def retry_after_seconds(value: str | None, now: datetime) -> float | None:
    """What a ``Retry-After`` header asks for: seconds or an HTTP date, never negative; None when it says nothing."""
    if value is None:
        return None
    value = value.strip()
    if re.fullmatch(r"[0-9]{1,12}", value):
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())
