"""The documentation pages of debug mode: Swagger UI and RapiDoc, both from this package alone (connector spec 8.5)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

import msgspec
import trio

from trio_connector.api.answer import JSON_TYPE, Answer
from trio_connector.api.call import Call
from trio_connector.api.errors import no_such_route
from trio_connector.api.openapi import TITLE
from trio_connector.api.routing import Accept, Route

_HTML: Final = "text/html; charset=utf-8"
_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "js": "application/javascript; charset=utf-8",
    "ico": "image/vnd.microsoft.icon",
    "txt": "text/plain; charset=utf-8",
}
_SWAGGER: Final = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{TITLE}</title>
<link rel="icon" href="/favicon.ico">
<link rel="stylesheet" href="/docs/swagger/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger/swagger-ui-bundle.js"></script>
<script src="/docs/swagger/start.js"></script>
</body>
</html>
"""
_RAPIDOC: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="/favicon.ico">
<script type="module" src="/rapidoc/rapidoc-min.js"></script>
</head>
<body>
<rapi-doc spec-url="/docs/json" persist-auth="{persist}" load-fonts="false" render-style="read" show-header="false">
</rapi-doc>
</body>
</html>
"""


def docs_routes(document: dict[str, Any], *, persist_auth: bool) -> list[Route]:
    """The pages for an OpenAPI document."""
    as_json = msgspec.json.encode(document)
    rapidoc = _RAPIDOC.format(title=TITLE, persist="true" if persist_auth else "false").encode()

    async def swagger(call: Call) -> Answer:
        if not call.request.raw_path.endswith("/"):
            return _moved("/docs/swagger/")
        return Answer(200, _SWAGGER.encode(), _HTML)

    return [
        _page("/docs", _always(_moved("/docs/swagger"))),
        _page("/api-docs/{page}", _always(_moved("/docs/swagger"))),
        _page("/docs/swagger", swagger),
        _page("/docs/swagger/{file}", _asset("swagger")),
        _page("/docs/rapidoc", _always(Answer(200, rapidoc, _HTML))),
        _page("/rapidoc/{file}", _asset("rapidoc")),
        _page("/docs/json", _always(Answer(200, as_json, JSON_TYPE))),
        _page("/docs/yaml", _once(lambda: Answer(200, _as_yaml(document), "text/vnd.yaml; charset=utf-8"))),
        _page("/favicon.ico", _favicon),
    ]


def _page(path: str, answer: Callable[[Call], Awaitable[Answer]]) -> Route:
    return Route("GET", path, answer, "Documentation.", accept=Accept.ANY, public=True, names_methods=False)


def _moved(to: str) -> Answer:
    return Answer(301, headers=(("Location", to),))


def _always(answer: Answer) -> Callable[[Call], Awaitable[Answer]]:
    async def always(call: Call) -> Answer:
        return answer

    return always


def _once(make: Callable[[], Answer]) -> Callable[[Call], Awaitable[Answer]]:
    """The answer of ``make``, made in a thread when it is first asked for and kept."""
    made: list[Answer] = []
    making = trio.Lock()

    async def answer(call: Call) -> Answer:
        async with making:
            if not made:
                made.append(await trio.to_thread.run_sync(make))
        return made[0]

    return answer


def _as_yaml(document: dict[str, Any]) -> bytes:
    """Takes most of a second where PyYAML comes without its C library."""
    import yaml  # few ask for it, and every start would wait for it

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(document, Dumper=dumper, sort_keys=False, allow_unicode=True, width=120)
    return text.encode()


def _asset(folder: str) -> Callable[[Call], Awaitable[Answer]]:
    async def asset(call: Call) -> Answer:
        name = call.path["file"]
        content = _static(folder, name)
        if content is None:
            raise no_such_route()
        return Answer(200, content, _TYPES[name.rpartition(".")[2]])

    return asset


async def _favicon(call: Call) -> Answer:
    return Answer(200, _static("", "favicon.ico") or b"", _TYPES["ico"])


@lru_cache(maxsize=32)
def _static(folder: str, name: str) -> bytes | None:
    """A file of the package; only the names that are really there exist."""
    place = files("trio_connector.api") / "static" / folder if folder else files("trio_connector.api") / "static"
    found = next((entry for entry in place.iterdir() if entry.name == name and entry.is_file()), None)
    return found.read_bytes() if found is not None and name.rpartition(".")[2] in _TYPES else None
