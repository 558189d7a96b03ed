"""Imports point inwards, and the pure rooms stay pure. Every import counts, also those inside functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import trio_connector

PACKAGE = Path(trio_connector.__file__).parent
NAME = "trio_connector"

ROOMS = (
    "errors",
    "correlation",
    "outgoing",
    "crypto",
    "content",
    "events.model",  # the vocabulary of events: domain rules say which events a change makes
    "domain",
    "events",
    "settings",  # structs only; who may read them is said below
    "http_server",
    "store",
    "backbone",
    "usecases",
    "modules",
    "api",
    "embedded",
    "logs",
    "daemon",
    "demo",
    "commands",
    "cli",
    "__main__",
)
"""From the inside out: a room may import what stands before it."""

ONLY = {
    "errors": set[str](),
    "correlation": set[str](),
    "outgoing": {"errors"},
    "http_server": {"errors"},
    "settings": {"errors", "events"},
    "embedded": {"errors", "crypto", "http_server"},
}
"""Rooms that may import less than their place allows."""

READERS_OF_SETTINGS = {"modules", "api", "logs", "daemon", "demo", "commands", "cli"}

PURE = (
    "errors",
    "crypto",
    "content",
    "domain",
    "events/model.py",
    "events/retry.py",
    "events/patterns.py",
    "events/delivery.py",
)
IMPURE_MODULES = {
    "trio", "anyio", "asyncio", "httpx", "httpcore", "quart", "quart_trio", "hypercorn", "apsw", "sqlite3", "pika",
    "structlog", "logging", "time", "random", "secrets", "os", "socket", "ssl", "threading", "subprocess",
}  # fmt: skip
IMPURE_CALLS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "uuid.uuid1", "uuid.uuid4", "open"}

ONLY_HERE = {
    "apsw": ("store", "embedded/store"),
    "quart": ("api", "embedded/api", "demo.py"),
    "quart_trio": ("api", "embedded/api", "demo.py"),
    "hypercorn": ("http_server.py",),
    "click": ("cli", "commands"),
}
"""Libraries that one room hides from the others."""


@cache
def nodes(source: str) -> tuple[ast.AST, ...]:
    """Everything in a module."""
    return tuple(ast.walk(ast.parse(source)))


def imports(source: str, module: str) -> Iterator[str]:
    """The dotted names that a module imports; ``module`` is its own dotted name, for relative imports."""
    for node in nodes(source):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".")[: -node.level] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{name}.{alias.name}" for alias in node.names)


def room_of(dotted: str) -> str | None:
    """The room a dotted name of this package lies in; None for the package itself and for other packages."""
    parts = dotted.split(".")
    if parts[0] != NAME or len(parts) < 2:
        return None
    if ".".join(parts[1:3]) in ROOMS:
        return ".".join(parts[1:3])
    return parts[1] if parts[1] in ROOMS or (PACKAGE / parts[1]).exists() else None


def outward_imports(source: str, module: str) -> list[str]:
    """What a module imports although its room may not."""
    room = room_of(module)
    if room is None:
        return []
    if room not in ROOMS:
        return [f"{module}: '{room}' is no room of the house"]
    found = []
    for name in imports(source, module):
        other = room_of(name)
        if other is None or other == room or other.partition(".")[0] == room:
            continue
        allowed = other in ROOMS and ROOMS.index(other) < ROOMS.index(room)
        if room in ONLY:
            allowed = allowed and other.partition(".")[0] in ONLY[room]
        if other == "settings":
            allowed = room in READERS_OF_SETTINGS
        if not allowed:
            found.append(f"{module} imports {name}")
    return found


def impurities(source: str, module: str) -> list[str]:
    """What a pure module uses although it depends on the world."""
    found = [f"{module} imports {name}" for name in imports(source, module) if name.split(".")[0] in IMPURE_MODULES]
    for node in nodes(source):
        if isinstance(node, ast.Call) and ast.unparse(node.func).removeprefix("datetime.datetime.") in IMPURE_CALLS:
            found.append(f"{module}:{node.lineno} calls {ast.unparse(node.func)}")
        if isinstance(node, ast.AsyncFunctionDef) and not is_declaration(node):
            found.append(f"{module}:{node.lineno} awaits")
    return found


def is_declaration(function: ast.AsyncFunctionDef) -> bool:
    """Whether a function of a Protocol only says what others do."""
    return all(isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) for line in function.body)


def process_endings(source: str, module: str) -> list[str]:
    """Where a module ends the process."""
    endings = {"sys.exit", "os._exit", "os.abort", "exit", "quit", "SystemExit"}
    return [
        f"{module}:{node.lineno}"
        for node in nodes(source)
        if isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node) in endings
    ]


def sources(*places: str) -> Iterator[tuple[str, str, Path]]:
    """Source, dotted name and path of every module in the places (paths inside the package; all when none is given)."""
    for path in sorted(PACKAGE.rglob("*.py")):
        relative = path.relative_to(PACKAGE)
        if places and not any(
            relative in (Path(place), Path(f"{place}.py")) or relative.is_relative_to(place) for place in places
        ):
            continue
        parts = [NAME, *relative.with_suffix("").parts]
        yield path.read_text("utf-8"), ".".join(parts), relative


def test_imports_point_inwards() -> None:
    assert [text for source, module, _ in sources() for text in outward_imports(source, module)] == []


def test_pure_rooms_know_neither_loop_nor_world() -> None:
    assert [text for source, module, _ in sources(*PURE) for text in impurities(source, module)] == []


@pytest.mark.parametrize("place", PURE)
def test_every_pure_room_exists(place: str) -> None:
    assert list(sources(place))


@pytest.mark.parametrize("library", ONLY_HERE)
def test_a_library_is_known_to_its_room_alone(library: str) -> None:
    users = {
        relative
        for source, module, relative in sources()
        if any(name.split(".")[0] == library for name in imports(source, module))
    }
    strangers = {
        str(user)
        for user in users
        if not any(user == Path(place) or user.is_relative_to(place) for place in ONLY_HERE[library])
    }
    assert strangers == set()


def test_only_the_commands_end_the_process() -> None:
    found = [text for source, module, _ in sources() for text in process_endings(source, module)]
    assert [text for text in found if not text.startswith(f"{NAME}.cli.__init__:")] == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("trio_connector.domain.message", "from trio_connector.store import Store"),
        ("trio_connector.crypto.ids", "def f():\n    import trio_connector.content.kinds"),
        ("trio_connector.store.writer", "from ..usecases import sync"),
        ("trio_connector.usecases.sync", "from trio_connector.settings import Settings"),
        ("trio_connector.embedded.api.app", "from trio_connector.domain.message import Message"),
        ("trio_connector.settings.root", "from trio_connector.content.kinds import KINDS"),
        ("trio_connector.events.model", "from trio_connector.domain.message import Message"),
        ("trio_connector.stray.thing", ""),
    ],
)
def test_an_import_that_points_outwards_is_found(
    module: str, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stray").mkdir()
    monkeypatch.setattr("tests.test_architecture.PACKAGE", tmp_path)
    assert len(outward_imports(source, module)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "import trio",
        "from time import monotonic",
        "def f():\n    import random",
        "from datetime import datetime\nnow = datetime.now()",
        "async def f():\n    await g()",
    ],
)
def test_an_impurity_is_found(source: str) -> None:
    assert impurities(source, "trio_connector.domain.message")


def test_an_end_of_the_process_is_found() -> None:
    assert process_endings("import sys\nsys.exit(1)", "x") == ["x:2"]
    assert process_endings("raise SystemExit", "x") == ["x:1"]
