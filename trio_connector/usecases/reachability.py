"""What a failed request says: whether the Backbone is away, whether it refused, and what it told by the way."""

from __future__ import annotations

import re

from trio_connector.errors import BackboneRequestError

NOT_FOUND = "error.platform.recordNotFound"

_REFUSALS_FOR_NOW = (401, 408, 429)
_GATEWAY_STATUSES = (502, 503, 504)
_NO_ANSWER = frozenset(
    f"error.transport.request.{name}"
    for name in ("aborted", "addressNotFound", "noAuthGrant", "noAuthPossible", "notFound", "unknown")
)
_TOO_LONG = "error.transport.request.bodyLengthExceeded"
_ANOTHER_RUN_IS_RUNNING = "error.platform.validation.syncRun.cannotStartSyncRunWhenAnotherSyncRunIsRunning"
_RUN_ID = re.compile(r"\(ID: (SYR[A-Za-z0-9]{17})\)")


def is_unreachable(error: BaseException) -> bool:
    """Whether the Backbone, or the way to it, is at fault, so that the same can succeed later."""
    return isinstance(error, BackboneRequestError) and (
        error.backbone_status >= 500
        or error.backbone_status in _REFUSALS_FOR_NOW
        or error.code.startswith("error.transport.request.")
    )


def is_away(error: BaseException) -> bool:
    """Whether no answer came from the resource itself: nothing, a gateway's, or one to everybody for now.

    Narrower than `is_unreachable`: a Backbone that fails over one record is not away, and must not stop the others.
    """
    return isinstance(error, BackboneRequestError) and (
        error.backbone_status in _REFUSALS_FOR_NOW
        or error.backbone_status in _GATEWAY_STATUSES
        or error.code in _NO_ANSWER
    )


def was_refused(error: BackboneRequestError) -> bool:
    """Whether the Backbone answered that it did not do what it was asked; else it may have."""
    return 400 <= error.backbone_status < 500 and error.backbone_status != 408 and error.code != _TOO_LONG


def running_sync_run(error: BackboneRequestError) -> str | None:
    """The id of the sync run for which another one could not be started, when ``error`` says so (backbone 12.2)."""
    found = _RUN_ID.search(error.message) if error.code == _ANOTHER_RUN_IS_RUNNING else None
    return found[1] if found else None
