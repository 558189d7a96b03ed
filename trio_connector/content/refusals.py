"""The words with which content is refused (content spec 1.2 to 1.6, runtime spec section 1).

Three kinds of refusal reach an API user: `DeserializationError` for a value that its class refuses, `UnknownType` for
an ``@type`` nobody knows, and `StructureRefused` for the few cases whose official text names no member.
"""

from __future__ import annotations

from trio_connector.errors import ConnectorError, DeserializationError, UnexpectedCondition


class StructureRefused(ConnectorError):
    """JSON of the wrong shape, with a text that names no member, e.g. ``Value is not an Array.``"""

    def __init__(self, message: str) -> None:
        super().__init__("error.runtime.servalError", message)


def refused(owner: str, member: str, reason: str) -> DeserializationError:
    """``<owner>.<member> :: <reason>``: the form of nearly all refusals."""
    return DeserializationError(f"{owner}.{member} :: {reason}")


def not_an_object(owner: str, shown: str) -> DeserializationError:
    """A class got something without members; ``shown`` is the value as JavaScript shows it."""
    return refused(owner, "from()", f"Parameter must be an object - is '{shown}'")


def reason_of(error: ConnectorError) -> str:
    """The text of ``error`` as it is quoted inside another refusal."""
    return error.reason if isinstance(error, UnexpectedCondition) else error.message
