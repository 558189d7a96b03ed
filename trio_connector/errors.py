"""Errors that somebody catches, and how each is shown to an API user (runtime spec 1, connector spec 5).

::

    ConnectorError                 an expected failure: code and message, what the API user sees
     ├─ CoreError                  raised by crypto, domain and transport rules; shown in its long form
     │   └─ RecordNotFound         an id that is not in the store
     ├─ DeserializationError       content that its class refuses (a value, a missing member)
     ├─ UnknownType                content with an ``@type`` nobody knows
     ├─ ValidationFailed           input that its schema refuses
     ├─ BackboneRequestError       the Backbone, or the way to it, failed
     └─ UnexpectedCondition        an official error without a code; API users see ``error.runtime.unknown``

Everything else that is raised is a bug, and ends up as ``error.connector.unexpected`` with status 500.
"""

from __future__ import annotations

import json
from typing import Any, Self

_NOT_FOUND_CODES = frozenset({"error.runtime.recordNotFound", "error.transport.recordNotFound"})


class ConnectorError(Exception):
    """An expected failure with the ecosystem's ``code`` and exact ``message``.

    ``status`` is the HTTP status; when it is not given it follows from the code (connector spec 5.2): 404 for the two
    record-not-found codes, 500 for ``error.platform.*``, else 400.
    """

    def __init__(self, code: str, message: str, *, status: int | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self._status = status

    @property
    def status(self) -> int:
        """The HTTP status under which an API user sees this error."""
        if self._status is not None:
            return self._status
        if self.code in _NOT_FOUND_CODES:
            return 404
        return 500 if self.code.startswith("error.platform.") else 400

    def __copy__(self) -> Self:
        """The same error with a traceback of its own, for another task that shares the failure."""
        same = type(self).__new__(type(self), *self.args)
        same.__dict__.update(self.__dict__)
        return same

    def shown_message(self, at: str) -> str:
        """The message for an API user; ``at`` is the current time as an ISO string with milliseconds."""
        return self.message


class CoreError(ConnectorError):
    """A failed rule of crypto, transport or consumption; ``message`` is the bare reason (transport spec section 2)."""

    def __init__(self, code: str, reason: str, *, data: Any = None, status: int | None = None) -> None:
        super().__init__(code, reason, status=status)
        self.data = data

    def shown_message(self, at: str) -> str:
        """``<code>: '<reason>' at <time>[ with data <json>]``."""
        shown = f"{self.code}: '{self.message}' at {at}"
        if self.data is not None:
            shown += f" with data {json.dumps(self.data, ensure_ascii=False, separators=(',', ':'))}"
        return shown


class RecordNotFound(CoreError):
    """No record of class ``kind`` has this id (transport spec section 19)."""

    def __init__(self, kind: str, id_: str | None = None) -> None:
        super().__init__("error.transport.recordNotFound", f"'{kind}' not found.", data=id_)
        self.kind = kind


class DeserializationError(ConnectorError):
    """A value is not what its class allows; the text is the official one, e.g. ``Mail.to :: Value is not defined``."""

    def __init__(self, message: str) -> None:
        super().__init__("error.runtime.requestDeserialization", message)


class UnknownType(ConnectorError):
    """Content names an ``@type`` that does not exist."""

    def __init__(self, type_name: str, version: int = 1) -> None:
        super().__init__(
            "error.runtime.unknownType",
            f"Type '{type_name}' with version {version} was not found within reflection classes. "
            "You might have to install a module first.",
        )


class ValidationFailed(ConnectorError):
    """The input of a use case is refused by its schema (runtime spec section 2)."""

    def __init__(self, message: str, code: str = "error.runtime.validation.invalidPropertyValue") -> None:
        super().__init__(code, message)


class UnexpectedCondition(ConnectorError):
    """The official software raises a plain error here, which its users see as ``error.runtime.unknown``."""

    def __init__(self, message: str) -> None:
        super().__init__("error.runtime.unknown", f"An error was thrown in a UseCase: {message}")
        self.reason = message


class BackboneRequestError(ConnectorError):
    """A request to the Backbone failed (transport spec section 2).

    ``code`` and ``message`` (the reason) come from the Backbone's error body or from the table of transport spec
    section 2; ``backbone_status`` is the HTTP status that stands for it.
    """

    def __init__(
        self,
        code: str,
        reason: str,
        *,
        backbone_status: int,
        method: str = "",
        path: str = "",
        trace_id: str | None = None,
    ) -> None:
        super().__init__(code, reason, status=backbone_status if 100 <= backbone_status <= 599 else 500)
        self.backbone_status = backbone_status
        self.method = method
        self.path = path
        self.trace_id = trace_id

    def long_message(self, at: str) -> str:
        """``<code> (<status>): '<reason>' for <METHOD> <path> at <time>[ with traceId '<id>']``."""
        text = f"{self.code} ({self.backbone_status}): '{self.message}' for {self.method} {self.path} at {at}"
        return f"{text} with traceId '{self.trace_id}'" if self.trace_id else text


def runtime_record_not_found(kind: str) -> ConnectorError:
    """A use case's look-up failed; API users see 404 (runtime spec section 5, ``NF(kind)``)."""
    return ConnectorError(
        "error.runtime.recordNotFound",
        f"{kind} not found. Make sure the ID exists and the record is not expired.",
    )
