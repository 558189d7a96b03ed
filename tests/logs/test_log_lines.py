"""What a log line looks like and where it goes (connector spec 2.5)."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

from trio_connector.correlation import correlated
from trio_connector.logs import Logs, configure, release
from trio_connector.settings import parse

NOW = datetime(2026, 11, 23, 16, 0, 48, 362_000, UTC)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Console:
    """The two streams, as a program that starts this Connector sees them."""

    def __init__(self, *, terminal: bool) -> None:
        self.stdout = Terminal() if terminal else io.StringIO()
        self.stderr = io.StringIO()

    @property
    def lines(self) -> list[str]:
        return self.stdout.getvalue().splitlines()

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


Configure = Callable[..., Console]


@pytest.fixture
def configured() -> Iterator[Configure]:
    opened: list[Logs] = []

    def configured(
        written: dict[str, Any] | None = None, *, secrets: tuple[str, ...] = (), terminal: bool = False
    ) -> Console:
        transport = {"baseUrl": "http://localhost", "platformClientId": "a", "platformClientSecret": "b"}
        settings = parse({"transportLibrary": transport, "logging": written or {}}, now=NOW).settings
        console = Console(terminal=terminal)
        opened.append(
            configure(settings.logging, secrets=secrets, stdout=console.stdout, stderr=console.stderr, now=lambda: NOW)
        )
        return console

    yield configured
    for logs in opened:
        release(logs)


def test_a_line_on_a_terminal_is_coloured_and_carries_the_correlation_id(configured: Configure) -> None:
    console = configured(terminal=True)
    with correlated("my corr"):
        structlog.get_logger("HttpServer").info("POST /api/core/v1/Attributes 201 -- 24ms")
    assert console.lines == [
        "\x1b[32m[2026-11-23T16:00:48.362] [INFO] HttpServer - POST /api/core/v1/Attributes 201 -- 24ms my corr\x1b[39m"
    ]


def test_elsewhere_a_line_is_one_json_object(configured: Configure) -> None:
    console = configured()
    with correlated("corr"):
        structlog.get_logger("SyncModule").warning("Sync failed", attempt=3)
    structlog.get_logger("SyncModule").info("fine")
    assert console.objects == [
        {
            "@t": "2026-11-23T16:00:48.362+00:00",
            "@mt": "Sync failed",
            "@l": "WARN",
            "correlationId": "corr",
            "category": "SyncModule",
            "attempt": 3,
        },
        {"@t": "2026-11-23T16:00:48.362+00:00", "@mt": "fine", "@l": "INFO", "category": "SyncModule"},
    ]


def test_a_traceback_belongs_to_its_line(configured: Configure) -> None:
    console = configured()
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        structlog.get_logger("Part").exception("It failed.")
    (line,) = console.objects
    assert line["@l"] == "ERROR"
    assert line["@x"].endswith("RuntimeError: broken")


def test_each_category_has_its_level(configured: Configure) -> None:
    console = configured({"level": "WARN", "categoryLevels": {"Transport": "DEBUG", "Transport.Quiet": "OFF"}})
    for category in ("HttpServer", "Transport", "Transport.Sync", "Transport.Quiet"):
        structlog.get_logger(category).debug("debug")
        structlog.get_logger(category).error("error")
    assert [(line["category"], line["@l"]) for line in console.objects] == [
        ("HttpServer", "ERROR"),
        ("Transport", "DEBUG"),
        ("Transport", "ERROR"),
        ("Transport.Sync", "DEBUG"),
        ("Transport.Sync", "ERROR"),
    ]


def test_off_means_silence(configured: Configure) -> None:
    console = configured({"level": "OFF"})
    structlog.get_logger("Any").critical("fatal")
    logging.getLogger("library").critical("fatal")
    assert console.lines == []


def test_lines_of_libraries_take_the_same_way_from_warn_on(configured: Configure) -> None:
    console = configured()
    logging.getLogger("some.library").warning("connection %s lost", 7)
    logging.getLogger("some.library").info("chatter")
    assert [(line["@l"], line["category"], line["@mt"]) for line in console.objects] == [
        ("WARN", "some.library", "connection 7 lost")
    ]


@pytest.mark.parametrize("terminal", [True, False])
def test_no_secret_reaches_a_line(configured: Configure, terminal: bool) -> None:
    console = configured(secrets=("hunter22hunter22", "tiny"), terminal=terminal)
    log = structlog.get_logger("Part")
    log.info("connecting with hunter22hunter22", url="amqp://me:pass@broker/x", nested={"a": ["hunter22hunter22"]})
    log.info("made", api_key="abc", client_secret="def", password="ghi")
    log.info("tiny is too short to be hidden everywhere")
    written = console.stdout.getvalue()
    for secret in ("hunter22hunter22", "me:pass", "abc", "def", "ghi"):
        assert secret not in written
    assert "amqp://***@broker/x" in written
    assert "tiny is too short" in written


def test_a_stranger_cannot_forge_a_line(configured: Configure) -> None:
    console = configured(terminal=True)
    structlog.get_logger("HttpServer").info("GET /\n[x] [ERROR] forged", agent="a\r\nb\x1b[2J")
    (line,) = console.lines
    assert "GET /\\n[x] [ERROR] forged" in line
    assert "agent=a\\r\\nb\\x1b[2J" in line


def test_a_log4js_configuration_is_laid_over_the_official_default(configured: Configure) -> None:
    console = configured({"appenders": {"consoleAppender": {"layout": {"type": "json"}}}}, terminal=True)
    structlog.get_logger("Part").info("shown")
    structlog.get_logger("Part").debug("below the filter of the default")
    assert [line["@mt"] for line in console.objects] == ["shown"]


def test_log4js_filters_streams_and_patterns_are_followed(configured: Configure) -> None:
    console = configured(
        {
            "appenders": {
                "out": {"type": "stdout", "layout": {"type": "pattern", "pattern": "%-6p|%8.3c|%m%n"}},
                "err": {"type": "stderr", "layout": {"type": "messagePassThrough"}},
                "bad": {"type": "logLevelFilter", "level": "error", "appender": "err"},
                "good": {"type": "logLevelFilter", "level": "TRACE", "maxLevel": "WARN", "appender": "out"},
            },
            "categories": {"default": {"appenders": ["good", "bad"], "level": "DEBUG"}},
        }
    )
    log = structlog.get_logger("Category")
    log.debug("one", n=1)
    log.warning("two")
    log.error("three")
    assert console.stdout.getvalue() == "DEBUG |     Cat|one n=1\nWARN  |     Cat|two\n"
    assert console.stderr.getvalue() == "three\n"


def test_files_are_written_and_begun_anew_at_their_size(configured: Configure, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "latest.log"
    configured({"file": {"path": str(path), "maxBytes": 1024, "backups": 2}})
    for number in range(30):
        structlog.get_logger("Part").info("x" * 100, number=number)
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert lines[-1]["number"] == 29
    assert sorted(file.name for file in path.parent.iterdir()) == ["latest.log", "latest.log.1", "latest.log.2"]


def test_the_file_appenders_of_2022_work(configured: Configure, tmp_path: Path) -> None:
    configured(
        {
            "appenders": {
                "daily": {"type": "dateFile", "filename": str(tmp_path / "daily.log")},
                "sized": {"type": "file", "filename": str(tmp_path / "sized.log"), "maxLogSize": "10K", "backups": 1},
            },
            "categories": {"default": {"appenders": ["daily", "sized"], "level": "INFO"}},
        }
    )
    structlog.get_logger("Part").info("hello")
    expected = "[2026-11-23T16:00:48.362] [INFO] Part - hello\n"
    assert (tmp_path / "daily.log").read_text("utf-8") == expected
    assert (tmp_path / "sized.log").read_text("utf-8") == expected


def test_a_reader_that_went_away_does_not_end_the_connector(configured: Configure) -> None:
    console = configured()
    console.stdout.close()
    structlog.get_logger("Part").info("nobody reads this")
