"""How an old route is made from one of today: the call is translated on its way in, the answer on its way out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import msgspec
import trio

from trio_connector.api.answer import JSON_TYPE, Answer, prepared_result
from trio_connector.api.call import Call
from trio_connector.api.request import Parameters
from trio_connector.api.routes import CORE_RESOURCES
from trio_connector.api.routes.outputs import qr_code_answer
from trio_connector.api.routing import Route
from trio_connector.usecases.large_work import by_size
from trio_connector.usecases.services import Services

Json: TypeAlias = dict[str, Any]
Shape: TypeAlias = Callable[[Services, Any], Any]
"""A DTO of today in an old shape; may read the store, and nothing else."""
Translation: TypeAlias = Callable[[Call], Call]
"""An old call in the words of today; raises ConnectorError for what cannot be said any more."""

_WITHOUT_A_PAUSE: Final = 100
"""So many elements of a list are translated before others may go on."""


@dataclass(frozen=True)
class TranslatedCall(Call):
    """A call as a route of today is to see it."""

    parameters: Parameters | None = None

    @property
    def query(self) -> Parameters:
        """The query parameters in the words of today."""
        return self.request.query if self.parameters is None else self.parameters


def translated(call: Call, **members: Any) -> TranslatedCall:
    """``call`` with other ``body``, ``path``, ``parameters`` or ``media_type``."""
    given = {
        "parts": call.parts,
        "route": call.route,
        "request": call.request,
        "path": call.path,
        "body": call.body,
        "form": call.form,
        "media_type": call.media_type,
        "parameters": call.query,
    }
    return TranslatedCall(**{**given, **members})


def core_route(method: str, path: str) -> Route:
    """Today's route; ``path`` is relative to the API's prefix. Raises KeyError when there is none."""
    return _CORE_ROUTES[method, path]


_CORE_ROUTES: Final = {
    (route.method, "/".join(part for part in (resource.name, route.path) if part)): route
    for resource in CORE_RESOURCES
    for route in resource.routes
}


def plain(shape: Callable[[Any], Any]) -> Shape:
    """A shape that needs nothing but the DTO."""
    return lambda services, dto: shape(dto)


def old(
    method: str,
    path: str,
    *translations: Translation,
    of: str | None = None,
    shape: Shape | None = None,
    qr_scheme: str | None = None,
    method_today: str | None = None,
    **changed: Any,
) -> Route:
    """The old route ``path`` made from today's route ``of`` (by default the one of the same path).

    Today's method is the same unless ``method_today`` says otherwise; a POST creates, so it is answered with 201.
    ``translations`` are applied one after the other. ``shape`` is applied to the result, or to each element of it when
    it is a list. ``qr_scheme`` is what stands before the truncated reference in a QR code. ``changed`` are members of
    the route that differ, e.g. ``status``.
    """
    route = core_route(method_today or method, of or path)
    if method_today is not None:
        changed = {"method": method, "status": 201 if method == "POST" else 200, **changed}

    async def answer(call: Call) -> Answer:
        asked = call
        for translate in translations:
            asked = translate(asked)
        if qr_scheme is not None and call.wants_png:
            return await _qr_code(call, asked, route, qr_scheme)
        given = await route.answer(asked)
        return given if shape is None else await reshaped(call.services, given, shape)

    return replace(route, path=path, answer=answer, successor=of or path, **changed)


async def reshaped(services: Services, given: Answer, shape: Shape) -> Answer:
    """An answer with its result, or each element of it, in another shape; what is no JSON stays as it is."""
    if given.content_type is not JSON_TYPE:
        return given
    size = len(given.body)
    result = (await by_size(lambda: msgspec.json.decode(given.body), size))["result"]
    if isinstance(result, list):
        shaped: Any = []
        for number, element in enumerate(result):
            if number % _WITHOUT_A_PAUSE == _WITHOUT_A_PAUSE - 1:
                await trio.lowlevel.checkpoint()
            shaped.append(shape(services, element))
    else:
        shaped = shape(services, result)
    return replace(given, body=prepared_result(await by_size(lambda: msgspec.json.encode(shaped), size)))


async def _qr_code(call: Call, asked: Call, route: Route, scheme: str) -> Answer:
    """The QR code of what the route answers; a token that is only shown is not kept."""
    changes: Mapping[str, Any] = {}
    if call.request.method == "POST" and isinstance(asked.body, dict):
        changes = {"body": {**asked.body, "ephemeral": True}}
    given = await route.answer(translated(asked, media_type=None, **changes))
    dto = msgspec.json.decode(given.body)["result"]
    shown = next(iter(call.path.values())) if changes else dto["id"]
    return await qr_code_answer(call, f"{scheme}{dto['reference']['truncated']}", shown)


__all__ = ["Json", "Shape", "Translation", "core_route", "old", "plain", "reshaped", "translated"]
