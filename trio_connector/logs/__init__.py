"""What is logged where: structlog in front, the operator's appenders behind (connector spec 2.5, section 10).

Every part logs with ``structlog.get_logger("Category")``: the event is a sentence for people, data are key-values.
A line goes to the appenders of its category. It is rendered by the log4js patterns operators know, or as one JSON
object (``@t``, ``@mt``, ``@l``, ``correlationId``, ``category``, the key-values, ``@x`` for a traceback). Lines of the
standard library's ``logging`` (Hypercorn, pika, ...) take the same way from WARN on.

No line carries a secret: the configured secrets are replaced wherever they turn up, credentials are cut from URLs, and
values of keys that are named like secrets are not shown. No line can be forged: control characters are escaped.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Iterable, MutableMapping
from datetime import datetime
from typing import Any, Final, TextIO

import structlog

from trio_connector.correlation import current_correlation_id
from trio_connector.logs.outputs import StreamOutput
from trio_connector.logs.rendering import Line
from trio_connector.logs.routing import LEVELS, Logs, log4js_logs, plain_logs
from trio_connector.settings.logs import LoggingSettings

__all__ = ["Logs", "configure", "release"]

_NAMES: Final[dict[str, str]] = {"warning": "WARN", "critical": "FATAL", "exception": "ERROR"}
_FILTERS: Final = (0, 10, 20, 30, 40, 50)
"""The levels structlog can cut off before a line is even made."""
_SECRET_KEY = re.compile(r"secret|passw|token$|api_?key|authorization|private_?key", re.IGNORECASE)


def configure(
    settings: LoggingSettings,
    *,
    secrets: Iterable[str] = (),
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
    now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
) -> Logs:
    """Send every log line where ``settings`` say; ``secrets`` (8 characters and longer) never appear in one.

    ``stdout`` and ``stderr`` default to the process's. Raises OSError when a log file cannot be opened.
    """
    streams = {"stdout": StreamOutput(stdout or sys.stdout), "stderr": StreamOutput(stderr or sys.stderr)}
    logs = log4js_logs(settings, streams, secrets) if settings.log4js else plain_logs(settings, streams, secrets)
    structlog.configure(
        processors=[_Writer(logs, now)],
        wrapper_class=structlog.make_filtering_bound_logger(max(level for level in _FILTERS if level <= logs.lowest)),
        logger_factory=_CategoryLogger,
        cache_logger_on_first_use=False,
    )
    _remove_bridge()
    logging.getLogger().addHandler(_Bridge(logs))
    return logs


def release(logs: Logs) -> None:
    """Flush and close what ``configure`` opened; structlog prints plainly again."""
    _remove_bridge()
    structlog.reset_defaults()
    logs.close()


def _remove_bridge() -> None:
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _Bridge)]:
        root.removeHandler(handler)


class _CategoryLogger:
    """What structlog wraps: it knows its category; everything is written by the processor."""

    def __init__(self, category: str = "default", *_: Any) -> None:
        self.category = category

    def msg(self, *_: Any, **__: Any) -> None:
        """Never reached: the processor drops each event once it is written."""

    debug = info = warning = error = critical = fatal = exception = msg


class _Writer:
    def __init__(self, logs: Logs, now: Callable[[], datetime]) -> None:
        self._logs, self._now = logs, now

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
        data = dict(event)
        message = str(data.pop("event", ""))
        traceback = _traceback(data.pop("exc_info", None))
        data = {key: "***" if _SECRET_KEY.search(key) else value for key, value in data.items()}
        level = _NAMES.get(method, method.upper())
        category = getattr(logger, "category", "default")
        correlation_id = data.pop("correlation_id", None) or current_correlation_id()
        self._logs.write(Line(self._now(), level, category, message, data, traceback, correlation_id))
        raise structlog.DropEvent


def _traceback(exc_info: Any) -> str | None:
    if not exc_info:
        return None
    if isinstance(exc_info, BaseException):
        exc_info = (type(exc_info), exc_info, exc_info.__traceback__)
    elif not isinstance(exc_info, tuple):
        exc_info = sys.exc_info()
    if exc_info[1] is None:
        return None
    return logging.Formatter().formatException(exc_info)


class _Bridge(logging.Handler):
    """The standard library's log lines, from WARN on."""

    def __init__(self, logs: Logs) -> None:
        super().__init__(logging.WARNING)
        self._logs = logs

    def emit(self, record: logging.LogRecord) -> None:
        names = {"WARNING": "WARN", "CRITICAL": "FATAL"}
        level = names.get(record.levelname, record.levelname)
        line = Line(
            datetime.fromtimestamp(record.created).astimezone(),
            level if level in LEVELS else "WARN",
            record.name,
            record.getMessage(),
            {},
            _traceback(record.exc_info),
            current_correlation_id(),
        )
        self._logs.write(line)
