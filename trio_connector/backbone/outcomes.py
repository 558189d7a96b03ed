"""What became of a request: the table of transport spec section 2, as pure functions."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import httpx
import msgspec

from trio_connector.errors import BackboneRequestError

T = TypeVar("T")

UNEXPECTED = "error.platform.unexpected"
_INVALID_CONTENT = "Received invalid error content from platform. Contact the platform team."
_NOT_FOUND = (
    "An http request returned an unspecific 404 (Not Found) error, which is usually the case if the Backbone is not "
    "reachable. This could be a temporary problem, or a network, gateway, firewall or configuration issue."
)
_MAX_TEXT = 2000


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as error texts name it: ``method`` with suffix (``POST-Upload``), ``path`` without base and query."""

    method: str
    path: str


@dataclass(frozen=True, slots=True)
class Received:
    """A response that arrived in full; ``body`` is decompressed."""

    asked: Asked
    status: int
    body: bytes
    trace_id: str | None = None
    etag: str | None = None


class Pagination(msgspec.Struct, frozen=True, rename="camel"):
    """Where in a list an answer stands; absent when there is only one page."""

    page_number: int = 1
    total_pages: int = 1


class Envelope(msgspec.Struct, Generic[T], frozen=True):
    """The frame around every result."""

    result: T
    pagination: Pagination | None = None
    error: Any = None


def result_of(received: Received, decoder: msgspec.json.Decoder[Envelope[T]], *, paged: bool = False) -> Envelope[T]:
    """The result inside a response; raises `BackboneRequestError` for every row of the table that is not a success.

    Large bodies take time (about 8 ms per megabyte): callers use a thread for those.
    """
    check_status(received)
    if received.status >= 400:
        raise _failed(received, _loosely(received.body), paged=paged)
    body = received.body if received.status not in (204, 304) else b'{"result":{}}'
    try:
        envelope = decoder.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        loose = _loosely(body)
        read = None if _is_without_result(loose) else _without_nulls_as(loose, decoder)
        if read is None:
            raise _failed(received, loose, paged=paged, cause=error) from error
        envelope = read
    if envelope.error:
        raise _failed(received, {"error": envelope.error}, paged=paged)
    return envelope


def check_success(received: Received) -> None:
    """For answers without a result that matters: raises unless the response is a success."""
    check_status(received)
    loose = _loosely(received.body)
    if received.status >= 400 or (isinstance(loose, dict) and loose.get("error")):
        raise _failed(received, loose, paged=False)


def check_status(received: Received) -> None:
    """Raise for the statuses whose bodies are not looked at."""
    status = received.status
    if status == 401:
        raise failure(received.asked, "error.platform.unauthorized", "Unauthorized.", 401, received.trace_id)
    if status == 403:
        raise failure(
            received.asked,
            "error.platform.forbidden",
            "You are not allowed to perform this action due to insufficient privileges.",
            403,
            received.trace_id,
        )
    if not (status < 300 or status in (304, 400, 404, 500)):
        raise failure(received.asked, UNEXPECTED, _INVALID_CONTENT, status, received.trace_id)


def _failed(received: Received, loose: Any, *, paged: bool, cause: Exception | None = None) -> BackboneRequestError:
    """The error for a response whose body, read without a type, is ``loose`` (``None``: not JSON)."""
    asked, status, trace_id = received.asked, received.status, received.trace_id
    if isinstance(loose, dict) and (error := loose.get("error")):
        code, message = (error.get("code"), error.get("message")) if isinstance(error, dict) else (None, None)
        return failure(
            asked,
            code if isinstance(code, str) and code else UNEXPECTED,
            message if isinstance(message, str) else _INVALID_CONTENT,
            status if status >= 400 else 500,
            trace_id,
        )
    if status == 404 and not paged:
        return failure(asked, "error.transport.request.notFound", _NOT_FOUND, 404, trace_id)
    if status in (400, 404):
        reason = "The platform responded with a Bad Request without giving any specific reason."
        return failure(asked, "error.transport.request.badRequest", reason, status, trace_id)
    if _is_without_result(loose):
        reason = "The Platform responded without a result."
        return failure(asked, "error.transport.request.resultUndefined", reason, 500, trace_id)
    reason = f"The Platform responded with a result that is not understood: {cause or 'its status is an error'}"
    return failure(asked, UNEXPECTED, reason, 500, trace_id)


def _is_without_result(loose: Any) -> bool:
    """Whether there is no ``result`` that JavaScript would take for true."""
    result = loose.get("result") if isinstance(loose, dict) else None
    return result is None or (isinstance(result, (bool, int, float, str)) and not result)


def _without_nulls_as(loose: Any, decoder: msgspec.json.Decoder[Envelope[T]]) -> Envelope[T] | None:
    """``null`` is as good as absent: a second try for answers that have it where a default would do."""
    try:
        return msgspec.convert(_without_nulls(loose), decoder.type)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(member) for name, member in value.items() if member is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _loosely(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def transport_failure(asked: Asked, error: Exception, timeout_seconds: float) -> BackboneRequestError:
    """No response arrived, or not in full."""
    if isinstance(error, httpx.TimeoutException):
        return timed_out(asked, timeout_seconds)
    if any(isinstance(cause, socket.gaierror) for cause in _causes(error)):
        return failure(asked, "error.transport.request.addressNotFound", _text(error), 500)
    return failure(asked, "error.transport.request.unknown", _text(error), 500)


def timed_out(asked: Asked, timeout_seconds: float) -> BackboneRequestError:
    """The request as a whole took too long."""
    milliseconds = f"{timeout_seconds * 1000:.0f}"
    return failure(asked, "error.transport.request.aborted", f"timeout of {milliseconds}ms exceeded", 500)


def body_too_long(asked: Asked, limit_bytes: int) -> BackboneRequestError:
    """The response is longer than anything we asked for can be."""
    return failure(
        asked,
        "error.transport.request.bodyLengthExceeded",
        f"The response is longer than {limit_bytes} bytes.",
        413,
    )


def no_authentication_grant(asked: Asked, status: int, trace_id: str | None) -> BackboneRequestError:
    """The Backbone refused the credentials."""
    return failure(
        asked,
        "error.transport.request.noAuthGrant",
        "Backbone did not grant authentication. Are the credentials correct?",
        status,
        trace_id,
    )


def no_authentication_possible(
    asked: Asked, cause: str, status: int, trace_id: str | None = None
) -> BackboneRequestError:
    """The Backbone could not be asked for a token, or did not answer as it should."""
    return failure(
        asked,
        "error.transport.request.noAuthPossible",
        f"Authentication was not possible. Is the service up and running? Root cause: '{cause}'",
        status,
        trace_id,
    )


def failure(asked: Asked, code: str, reason: str, status: int, trace_id: str | None = None) -> BackboneRequestError:
    """The error for a request, with texts of bounded length."""
    return BackboneRequestError(
        code[:200],
        reason[:_MAX_TEXT],
        backbone_status=status,
        method=asked.method,
        path=asked.path,
        trace_id=None if trace_id is None else trace_id[:200],
    )


def again(error: BackboneRequestError) -> BackboneRequestError:
    """The same error for another task, with a traceback of its own."""
    return failure(Asked(error.method, error.path), error.code, error.message, error.backbone_status, error.trace_id)


def _text(error: Exception) -> str:
    causes = list(_causes(error))
    return next((str(cause) for cause in causes if str(cause)), type(error).__name__)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """``error`` and what led to it, the parts of groups included; bounded."""
    waiting, seen = [error], 0
    while waiting and seen < 50:
        current = waiting.pop(0)
        seen += 1
        yield current
        if isinstance(current, BaseExceptionGroup):
            waiting.extend(current.exceptions)
        waiting.extend(cause for cause in (current.__cause__, current.__context__) if cause is not None)
