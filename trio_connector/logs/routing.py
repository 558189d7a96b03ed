"""Which lines go where: categories, levels, appenders (connector spec 2.5)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from trio_connector.logs.outputs import Output, StreamOutput, log_file, output_of
from trio_connector.logs.rendering import Line, Render, pattern, render_json, renderer
from trio_connector.settings.logs import OFFICIAL_PATTERN, LoggingSettings

LEVELS: Final[dict[str, int]] = {
    "ALL": 0,
    "TRACE": 5,
    "DEBUG": 10,
    "INFO": 20,
    "WARN": 30,
    "ERROR": 40,
    "FATAL": 50,
    "MARK": 60,
    "OFF": 100,
}
_SHORTEST_SECRET = 8
_CREDENTIALS = re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)")


class Route(NamedTuple):
    """An appender as a category sees it: which levels pass, how it renders, where it writes."""

    lowest: int
    highest: int
    render: Render
    output: Output


class Category(NamedTuple):
    """Where the lines of a category go."""

    level: int
    routes: tuple[Route, ...]


class Logs:
    """The configured routes; ``close`` closes their files."""

    def __init__(self, categories: dict[str, Category], outputs: Iterable[Output], secrets: Iterable[str]) -> None:
        self._categories = categories
        self._outputs = tuple(outputs)
        known = sorted((secret for secret in secrets if len(secret) >= _SHORTEST_SECRET), key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, known))) if known else None
        self.lowest = min((category.level for category in categories.values()), default=LEVELS["OFF"])

    def category(self, name: str) -> Category:
        """What holds for a category: its own entry, else its parent's (``Transport`` for ``Transport.Sync``)."""
        while name:
            if name in self._categories:
                return self._categories[name]
            name = name.rpartition(".")[0]
        return self._categories["default"]

    def write(self, line: Line) -> None:
        """Send one line to the appenders of its category. Raises nothing when a stream is gone."""
        level = LEVELS[line.level]
        category = self.category(line.category)
        if level < category.level:
            return
        for route in category.routes:
            if route.lowest <= level <= route.highest:
                route.output.write(self._without_secrets(route.render(line)))

    def close(self) -> None:
        """Flush and close the files."""
        for output in self._outputs:
            output.close()

    def _without_secrets(self, text: str) -> str:
        if self._secrets is not None:
            text = self._secrets.sub("***", text)
        return _CREDENTIALS.sub("***", text) if "://" in text else text


def plain_logs(settings: LoggingSettings, streams: dict[str, StreamOutput], secrets: Iterable[str]) -> Logs:
    terminal = streams["stdout"].terminal
    text = settings.format == "text" or (settings.format == "auto" and terminal)
    outputs: list[Output] = [streams["stdout"]]
    routes = [_route(pattern(OFFICIAL_PATTERN, colours=terminal) if text else render_json, streams["stdout"])]
    if settings.file is not None:
        file = log_file(settings.file)
        outputs.append(file)
        routes.append(_route(pattern(OFFICIAL_PATTERN) if settings.file.format == "text" else render_json, file))
    levels = {"default": settings.level, **settings.category_levels}
    return Logs({name: Category(LEVELS[level], tuple(routes)) for name, level in levels.items()}, outputs, secrets)


def log4js_logs(settings: LoggingSettings, streams: dict[str, StreamOutput], secrets: Iterable[str]) -> Logs:
    routes: dict[str, Route] = {}
    outputs: list[Output] = []
    for name, appender in settings.appenders.items():
        if appender.type != "logLevelFilter":
            output = output_of(appender, streams)
            outputs.append(output)
            terminal = isinstance(output, StreamOutput) and output.terminal
            routes[name] = _route(renderer(appender.layout, terminal=terminal), output)
    for name, appender in settings.appenders.items():
        if appender.type == "logLevelFilter":
            behind = routes[appender.appender or ""]
            lowest = LEVELS[(appender.level or "ALL").upper()]
            highest = LEVELS[(appender.max_level or "OFF").upper()]
            routes[name] = behind._replace(lowest=lowest, highest=highest)
    categories = {
        name: Category(LEVELS[category.level], tuple(routes[appender] for appender in category.appenders))
        for name, category in settings.categories.items()
    }
    return Logs(categories, outputs, secrets)


def _route(render: Render, output: Output) -> Route:
    return Route(LEVELS["ALL"], LEVELS["OFF"], render, output)
