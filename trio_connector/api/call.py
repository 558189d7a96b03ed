"""What a route is given: who asks what, and the parts it works with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trio_connector.api.answer import JSON_TYPE, PNG_TYPE, Answer, prepared_result, result
from trio_connector.api.bodies import Form
from trio_connector.api.request import Parameters, Request
from trio_connector.api.routing import Route

if TYPE_CHECKING:
    from trio_connector.api.parts import ApiParts
    from trio_connector.usecases.services import Services


@dataclass(frozen=True)
class Call:
    """One request to one route, authenticated and negotiated.

    ``path`` are the path's parameters, ``body`` the JSON or urlencoded body (``{}`` when there is none), ``form`` the
    multipart form of an upload, ``media_type`` what the client prefers of what the route offers.
    """

    parts: ApiParts
    route: Route
    request: Request
    path: Mapping[str, str]
    body: Any
    form: Form | None = None
    media_type: str | None = None

    @property
    def services(self) -> Services:
        """What use cases work with."""
        return self.parts.services

    @property
    def query(self) -> Parameters:
        """The query parameters."""
        return self.request.query

    @property
    def wants_png(self) -> bool:
        """Whether a QR code is asked for."""
        return self.media_type == PNG_TYPE

    def result(self, value: Any) -> Answer:
        """The route's success with ``value`` in the envelope."""
        return self._success(result(value))

    def prepared(self, json_text: bytes) -> Answer:
        """The route's success with JSON text in the envelope."""
        return self._success(prepared_result(json_text))

    def nothing(self) -> Answer:
        """The route's success without a value: 204."""
        return Answer(204, varies=bool(self.route.accept.value))

    def _success(self, body: bytes) -> Answer:
        status = self.route.status
        headers = (("Location", "_"),) if status == 201 else ()
        return Answer(status, body, JSON_TYPE, headers, varies=bool(self.route.accept.value))
