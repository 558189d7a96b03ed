"""From an exception to what API users see of it (connector spec section 5, runtime spec section 1).

`as_api_error` is the only place that decides what an exception becomes; `error_answer` writes it down. The HTTP
layer's own errors (no such route, no credentials ...) are `HttpError`s, in the catalogue below.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec
import trio

from trio_connector.api.answer import JSON_TYPE, Answer, Header
from trio_connector.crypto.dates import iso
from trio_connector.errors import BackboneRequestError, ConnectorError, ValidationFailed
from trio_connector.store import StoreClosed, WriteFailed

DOCUMENTATION: Final = "https://enmeshed.eu/integrate/error-codes#"
_ID_ALPHABET: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_ID_LENGTH: Final = 17

Entropy = Callable[[int], bytes]


class HttpError(ConnectorError):
    """An error of the HTTP layer itself; it shows neither traceback nor details, not even in debug mode."""

    def __init__(self, code: str, message: str, status: int, headers: tuple[Header, ...] = ()) -> None:
        super().__init__(code, message, status=status)
        self.headers = headers


def invalid_json() -> HttpError:
    """The body is no JSON object or array."""
    return HttpError(
        "error.connector.validation.invalidJsonInPayload", "The given payload is not a valid json object.", 400
    )


def unauthorized() -> HttpError:
    """No credentials, or wrong ones."""
    return HttpError("error.connector.unauthorized", "Unauthorized.", 401)


def forbidden() -> HttpError:
    """The role is missing."""
    return HttpError("error.connector.forbidden", "You are not allowed to access this endpoint.", 403)


def no_such_route() -> HttpError:
    """Nothing is served under this path."""
    return HttpError("error.connector.http.routeDoesNotExist", "The requested route does not exist.", 404)


def method_not_allowed(allowed: str) -> HttpError:
    """The path exists, with the methods ``allowed``."""
    return HttpError(
        "error.connector.http.methodNotAllowed",
        "The request method is not supported for the requested resource.",
        405,
        (("Allow", allowed),),
    )


def not_acceptable() -> HttpError:
    """Nothing the route can answer is acceptable to the client."""
    return HttpError(
        "error.connector.http.notAcceptable",
        "The requested resource is capable of generating only content not acceptable according to the Accept headers "
        "sent in the request.",
        406,
    )


def payload_too_large() -> HttpError:
    """The body is longer than its kind may be."""
    return HttpError("error.connector.http.payloadTooLarge", "The payload of the request is too large.", 413)


def body_timeout() -> HttpError:
    """The body did not come in time."""
    return HttpError("error.connector.http.requestTimeout", "The payload of the request did not arrive in time.", 408)


def unsupported_encoding() -> HttpError:
    """The body is compressed in a way we do not know."""
    return HttpError(
        "error.connector.http.unsupportedContentEncoding", "The content encoding of the payload is not supported.", 415
    )


def upgrade_required() -> HttpError:
    """The route is a WebSocket, and the request does not ask for one."""
    return HttpError(
        "error.connector.http.upgradeRequired",
        "The requested route is a WebSocket.",
        426,
        (("Upgrade", "websocket"), ("Connection", "Upgrade")),
    )


def origin_not_allowed() -> HttpError:
    """A page that may not read answers asks for a live stream."""
    return HttpError(
        "error.connector.http.originNotAllowed", "Pages of this origin are not allowed to open a live stream.", 403
    )


def too_many_streams() -> HttpError:
    """So many live streams are open that no other one is."""
    return HttpError("error.connector.events.tooManyStreams", "Too many live streams are open. Please try again.", 503)


def position_not_kept(after: int, oldest: int) -> HttpError:
    """A live stream could not begin where it is asked to without leaving events out."""
    return HttpError(
        "error.connector.events.positionNotKept",
        f"The events that follow position {after} are not kept any more. The oldest one has position {oldest}.",
        410,
    )


def invalid_multipart() -> ValidationFailed:
    """The body is no readable multipart form, or holds other files than the one named ``file``."""
    return ValidationFailed("The given payload is not a valid multipart form with one file named 'file'.")


def undecodable_reference() -> ValidationFailed:
    """The path holds neither an id nor a reference."""
    return ValidationFailed("The given reference is neither an id nor a valid reference.")


def busy() -> HttpError:
    """The operation was not finished in time, or the program ends."""
    return HttpError("error.connector.unavailable", "The Connector cannot do this right now. Please try again.", 503)


@dataclass(frozen=True)
class ApiError:
    """What is shown of an exception: ``details`` and the traceback only in debug mode.

    ``docs`` is where it is explained; by default that follows from the code.
    ``logged`` errors are worth a line in the log, ``fault``s one with the traceback.
    """

    status: int
    code: str
    message: str
    details: str | None = None
    traced: bool = True
    logged: bool = False
    fault: bool = False
    headers: tuple[Header, ...] = ()
    docs: str | None = None


class _Shown(msgspec.Struct, frozen=True, omit_defaults=True):
    """The error object, its members in the order that clients know."""

    code: str
    message: str
    id: str
    time: str
    docs: str
    stacktrace: list[str] | None = None
    details: str | None = None


def as_api_error(error: BaseException, at: str) -> ApiError:
    """What an exception out of a use case becomes; ``at`` is the current time as it stands in messages."""
    match error:
        case HttpError():
            return ApiError(error.status, error.code, error.message, traced=False, headers=error.headers)
        case BackboneRequestError():
            return _as_backbone_error(error, at)
        case ConnectorError():
            return ApiError(error.status, error.code, error.shown_message(at))
        case StoreClosed() | trio.TooSlowError():
            shown = busy()
            return ApiError(shown.status, shown.code, shown.message, details=repr(error), logged=True)
        case _:
            return ApiError(
                500,
                "error.connector.unexpected",
                "An unexpected error occurred.",
                details=_cause_text(error),
                logged=True,
                fault=True,
            )


def _as_backbone_error(error: BackboneRequestError, at: str) -> ApiError:
    if error.code == "error.platform.recordNotFound":
        return ApiError(404, "error.runtime.recordNotFound", error.message)
    if error.code.startswith("error.platform.validation"):
        return ApiError(500, error.code, error.long_message(at))
    return ApiError(error.status, error.code, error.message, details=error.long_message(at), logged=True)


def _cause_text(error: BaseException) -> str:
    cause = error.__cause__ if isinstance(error, WriteFailed) and error.__cause__ is not None else error
    return f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__


def error_id(entropy: Entropy) -> str:
    """``ERR`` and 17 random characters; all are equally likely."""
    # 32 characters: five bits of a byte choose one.
    return "ERR" + "".join(_ID_ALPHABET[byte & 31] for byte in entropy(_ID_LENGTH))


def error_answer(shown: ApiError, *, id_: str, now: datetime, error: BaseException, debug: bool) -> Answer:
    """The response that tells of an error."""
    stacktrace = [line.rstrip("\n") for line in traceback.format_exception(error)] if debug and shown.traced else None
    body = msgspec.json.encode(
        {
            "error": _Shown(
                code=shown.code,
                message=shown.message,
                id=id_,
                time=iso(now),
                docs=shown.docs or DOCUMENTATION + shown.code,
                stacktrace=stacktrace,
                details=shown.details if debug else None,
            )
        }
    )
    return Answer(shown.status, body, JSON_TYPE, shown.headers)
