"""Inputs of the request use cases (runtime spec 5.7).

Their bodies are not checked here: what is wrong with them comes out when they are parsed (runtime spec 2.4). The
shapes below only describe them in the OpenAPI document.
"""

from __future__ import annotations

from typing import Any, Final

from trio_connector.errors import ConnectorError
from trio_connector.usecases.validation.schema import ListOf, Named, Schema, Shape, any_of
from trio_connector.usecases.validation.types import BOOLEAN, OPEN_OBJECT, TEXT

_REQUEST: Final = Shape(
    {
        "items": ListOf(OPEN_OBJECT),
        "expiresAt?": TEXT,
        "title?": TEXT,
        "description?": TEXT,
        "metadata?": OPEN_OBJECT,
    },
    open_=True,
)
CREATE_OUTGOING_REQUEST_BODY: Final = Shape({"content": _REQUEST, "peer": TEXT}, open_=True)
CAN_CREATE_OUTGOING_REQUEST_BODY: Final = Shape({"content": _REQUEST, "peer?": TEXT}, open_=True)

_DECISION: Final[Schema] = Named("RequestItemDecision", lambda: _DECISION_SHAPES)
_DECISION_SHAPES: Final[Schema] = any_of(
    Shape({"accept": BOOLEAN, "code?": TEXT, "message?": TEXT}, open_=True),
    Shape({"items": ListOf(_DECISION)}, open_=True),
)
DECIDE_REQUEST_BODY: Final = Shape({"items": ListOf(_DECISION)}, open_=True)


def refuse_decided_by_automation(body: Any) -> None:
    """Only the decider may say that it decided: raise `ConnectorError` for ``decidedByAutomation: true``."""
    if isinstance(body, dict) and body.get("decidedByAutomation") is True:
        raise ConnectorError(
            "error.connector.incomingRequests.decidedByAutomation",
            "Decided by automation is not allowed for this endpoint.",
        )
