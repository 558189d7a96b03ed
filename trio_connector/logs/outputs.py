"""Where log lines end up: streams of the process and rotating files."""

from __future__ import annotations

import logging
import re
import threading
from logging.handlers import RotatingFileHandler, TimedRotatingFileHandler
from pathlib import Path
from typing import Protocol, TextIO

from trio_connector.settings.logs import Appender, LogFileSettings


class Output(Protocol):
    """Takes rendered lines; called from any thread."""

    def write(self, text: str) -> None:
        """Write one entry, without its line end."""
        ...

    def close(self) -> None:
        """Flush and let go of files."""
        ...


class StreamOutput:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self.terminal = stream.isatty()

    def write(self, text: str) -> None:
        with self._lock:
            try:
                self._stream.write(text + "\n")
                self._stream.flush()
            except (BrokenPipeError, ValueError):  # whoever read us is gone: that must not end the Connector
                return
            except UnicodeEncodeError:
                self._stream.write(text.encode("ascii", "backslashreplace").decode("ascii") + "\n")
                self._stream.flush()

    def close(self) -> None:
        """The streams belong to the process."""


class FileOutput:
    def __init__(self, handler: RotatingFileHandler | TimedRotatingFileHandler) -> None:
        self._handler = handler
        handler.setFormatter(logging.Formatter("%(message)s"))

    def write(self, text: str) -> None:
        self._handler.handle(logging.LogRecord("", logging.INFO, "", 0, text, None, None))

    def close(self) -> None:
        self._handler.close()


def output_of(appender: Appender, streams: dict[str, StreamOutput]) -> Output:
    match appender.type:
        case "stderr":
            return streams["stderr"]
        case "file":
            size = _bytes(appender.max_log_size)
            return FileOutput(
                _rotating(appender.filename or "", size, 5 if appender.backups is None else appender.backups)
            )
        case "dateFile":
            hourly = "hh" in (appender.pattern or "").lower().replace("yyyy-mm-dd", "")
            path = _folder_made(appender.filename or "")
            kept = appender.num_backups or 0
            return FileOutput(
                TimedRotatingFileHandler(
                    path, when="H" if hourly else "midnight", backupCount=kept, encoding="utf-8", delay=True
                )
            )
        case _:
            return streams["stdout"]


def log_file(settings: LogFileSettings) -> FileOutput:
    return FileOutput(_rotating(settings.path, settings.max_bytes, settings.backups))


def _rotating(path: str, max_bytes: int, backups: int) -> RotatingFileHandler:
    return RotatingFileHandler(
        _folder_made(path), maxBytes=max_bytes, backupCount=backups, encoding="utf-8", delay=True
    )


def _folder_made(path: str) -> str:
    folder = Path(path).expanduser().parent
    folder.mkdir(parents=True, exist_ok=True)
    return str(Path(path).expanduser())


def _bytes(size: int | str | None) -> int:
    if size is None or isinstance(size, int):
        return size or 0
    match = re.fullmatch(r"(\d+)([KMG]?)", size.strip().upper())
    return int(match[1]) * 1024 ** "_KMG".index(match[2] or "_") if match else 0
