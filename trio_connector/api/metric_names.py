"""The labels of metrics, kept to a bounded number of values whatever strangers, peers and modules do. Pure."""

from __future__ import annotations

import re
from typing import Final

OTHER: Final = "(other)"
NO_ROUTE: Final = "(none)"
MAX_NAMESPACES: Final = 100

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_ID: Final = re.compile(r"[A-Z][A-Z0-9]{2,5}[A-Za-z0-9]{17}|did:.*")
_VERSION: Final = re.compile(r"v[0-9]+")
_RELATIONSHIP_EVENT: Final = "consumption.relationshipEvent."


def method_label(method: str) -> str:
    """The method of a request; anything may be sent as one."""
    return method if method in _METHODS else OTHER


class NamespaceLabels:
    """The namespaces of events: ids in them become ``*``, and after `MAX_NAMESPACES` different ones all are `OTHER`."""

    def __init__(self, limit: int = MAX_NAMESPACES) -> None:
        self._limit = limit
        self._known: set[str] = set()

    def label(self, namespace: str) -> str:
        """The label for ``namespace``."""
        if namespace.startswith(_RELATIONSHIP_EVENT):
            folded = f"{_RELATIONSHIP_EVENT}*"
        else:
            folded = ".".join("*" if _ID.fullmatch(part) else part for part in namespace.split("."))
        if folded not in self._known:
            if len(self._known) >= self._limit:
                return OTHER
            self._known.add(folded)
        return folded


def resource_label(path: str) -> str:
    """What a path of the Backbone is about: ``/api/v2/Messages/MSG...`` is about ``Messages``."""
    parts = [part for part in path.split("/") if part]
    if len(parts) > 2 and parts[0] == "api" and _VERSION.fullmatch(parts[1]):
        return parts[2]
    return parts[-1] if parts else OTHER
