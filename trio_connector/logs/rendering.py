"""How a log line looks: log4js patterns and JSON (connector spec 2.5)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NamedTuple

from trio_connector.settings.logs import Layout

_COLOURS: Final[dict[str, str]] = {
    "TRACE": "34",
    "DEBUG": "36",
    "INFO": "32",
    "WARN": "33",
    "ERROR": "91",
    "FATAL": "35",
    "MARK": "90",
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Line(NamedTuple):
    """One thing to log, ready to be rendered."""

    at: datetime
    level: str
    category: str
    message: str
    data: dict[str, Any]
    traceback: str | None
    correlation_id: str | None


Render = Callable[[Line], str]


def renderer(layout: Layout | None, *, terminal: bool) -> Render:
    match layout.type if layout else "basic":
        case "json":
            return render_json
        case "pattern":
            return pattern((layout.pattern if layout else None) or "", colours=terminal)
        case "messagePassThrough" | "messagePassthrough":
            return pattern("%m")
        case "colored" | "coloured":
            return pattern("%[[%d] [%p] %c%] - %m", colours=terminal)
        case _:
            return pattern("[%d] [%p] %c - %m")


def render_json(line: Line) -> str:
    """One JSON object (compact log event format, with the official keys first)."""
    entry: dict[str, Any] = {
        "@t": line.at.isoformat(timespec="milliseconds"),
        "@mt": line.message,
        "@l": line.level,
    }
    if line.correlation_id is not None:
        entry["correlationId"] = line.correlation_id
    entry["category"] = line.category
    for key, value in line.data.items():
        entry.setdefault(key, value)
    if line.traceback is not None:
        entry["@x"] = line.traceback
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":"), default=str)


def pattern(text: str, *, colours: bool = False) -> Render:
    """A renderer for a log4js pattern: ``%d %p %c %m %n %r %% %x{correlationId} %[ %]``; other text stays."""
    parts = re.split(r"(%-?\d*(?:\.\d+)?(?:[dx]\{[^}]*\}|[dpcmnrhzx%\[\]]))", text)

    def part(token: str, line: Line) -> str:
        match = re.fullmatch(r"%(-?)(\d*)(?:\.(\d+))?([a-z%\[\]])(?:\{([^}]*)\})?", token)
        if match is None:
            return token
        left, width, longest, letter, argument = match.groups()
        value = _placeholder(letter, argument, line, colours=colours)
        if longest:
            value = value[: int(longest)]
        if width:
            value = value.ljust(int(width)) if left else value.rjust(int(width))
        return value

    def render(line: Line) -> str:
        rendered = "".join(part(token, line) for token in parts).rstrip("\n")
        return rendered if line.traceback is None else f"{rendered}\n{line.traceback}"

    return render


def _placeholder(letter: str, argument: str | None, line: Line, *, colours: bool) -> str:
    match letter:
        case "d":
            return line.at.replace(tzinfo=None).isoformat(timespec="milliseconds")
        case "r":
            return line.at.strftime("%X")
        case "p":
            return line.level
        case "c":
            return line.category
        case "m":
            data = "".join(f" {key}={_shown(value)}" for key, value in line.data.items())
            return _escaped(line.message) + data
        case "x":
            return _escaped(line.correlation_id or "") if argument == "correlationId" else ""
        case "n":
            return "\n"
        case "[":
            return f"\x1b[{_COLOURS[line.level]}m" if colours else ""
        case "]":
            return "\x1b[39m" if colours else ""
        case "%":
            return "%"
        case _:
            return ""


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = _escaped(text)
    return json.dumps(text, ensure_ascii=False) if isinstance(value, str) and (" " in text or not text) else text


def _escaped(text: str) -> str:
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)
