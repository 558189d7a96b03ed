"""``logging``: what is written where (connector spec 2.5).

Two forms. The short one (``level``, ``format``, ``categoryLevels``, ``file``) is ours. The log4js one
(``appenders``, ``categories``) is the official one; as soon as one of its keys is given it is laid over the official
default and decides alone.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from trio_connector.settings.section import OpenSection, Section

Level = Literal["ALL", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "MARK", "OFF"]


class LogFileSettings(Section, frozen=True, kw_only=True, rename="camel"):
    """A file that log lines are also written to."""

    path: Annotated[str, Meta(min_length=1, description="Path of the file; its folder is created.")]
    format: Annotated[Literal["text", "json"], Meta(description="`text` or `json` lines.")] = "json"
    max_bytes: Annotated[int, Meta(ge=1024, description="A new file is begun at this size, in bytes.")] = 10_485_760
    backups: Annotated[int, Meta(ge=0, le=1000, description="How many old files are kept.")] = 5


class Layout(OpenSection, frozen=True, kw_only=True, rename="camel"):
    """How a log4js appender writes a line."""

    type: Annotated[str, Meta(description="`pattern`, `basic`, `colored`, `coloured`, `messagePassThrough` or `json`.")]
    pattern: Annotated[str | None, Meta(description="The pattern, for type `pattern`.")] = None


class Appender(OpenSection, frozen=True, kw_only=True, rename="camel"):
    """A log4js appender: `stdout`, `stderr`, `console`, `file`, `dateFile` or `logLevelFilter`."""

    type: Annotated[str, Meta(description="Kind of appender; the others of log4js are refused.")]
    layout: Annotated[Layout | None, Meta(description="How a line is written.")] = None
    appender: Annotated[str | None, Meta(description="`logLevelFilter`: the appender behind the filter.")] = None
    level: Annotated[str | None, Meta(description="`logLevelFilter`: lowest level that passes.")] = None
    max_level: Annotated[str | None, Meta(description="`logLevelFilter`: highest level that passes.")] = None
    filename: Annotated[str | None, Meta(description="`file`, `dateFile`: path of the file.")] = None
    max_log_size: Annotated[
        int | str | None, Meta(description="`file`: size at which a new file is begun, in bytes or as `10M`.")
    ] = None
    backups: Annotated[Annotated[int, Meta(ge=0)] | None, Meta(description="`file`: how many old files are kept.")] = (
        None
    )
    num_backups: Annotated[
        Annotated[int, Meta(ge=0)] | None, Meta(description="`dateFile`: how many old files are kept.")
    ] = None
    pattern: Annotated[
        str | None,
        Meta(description="`dateFile`: `yyyy-MM-dd` begins a new file every day, `yyyy-MM-dd-hh` every hour."),
    ] = None


class Category(OpenSection, frozen=True, kw_only=True, rename="camel"):
    """Which appenders the lines of a log4js category go to."""

    appenders: Annotated[tuple[str, ...], Meta(min_length=1, description="Names of appenders.")]
    level: Annotated[Level, Meta(description="Lowest level that is written.")]


class LoggingSettings(Section, frozen=True, kw_only=True, rename="camel"):
    """Both forms; see the module."""

    level: Annotated[Level, Meta(description="Lowest level that is written.")] = "INFO"
    format: Annotated[
        Literal["auto", "text", "json"],
        Meta(description="`text` lines, `json` lines, or `auto`: text on a terminal, JSON otherwise."),
    ] = "auto"
    category_levels: Annotated[
        dict[str, Level], Meta(description="Other levels for single categories, e.g. `{HttpServer: WARN}`.")
    ] = msgspec.field(default_factory=dict)
    file: Annotated[LogFileSettings | None, Meta(description="Also write to a file.")] = None
    appenders: Annotated[dict[str, Appender], Meta(description="log4js: appenders by name.")] = msgspec.field(
        default_factory=dict
    )
    categories: Annotated[dict[str, Category], Meta(description="log4js: categories by name.")] = msgspec.field(
        default_factory=dict
    )
    levels: Annotated[Any, Meta(description="log4js: own levels; accepted and ignored.")] = None
    pm2: Annotated[Any, Meta(description="log4js: accepted and ignored.")] = None
    pm2_instance_var: Annotated[Any, Meta(description="log4js: accepted and ignored.")] = None
    disable_clustering: Annotated[Any, Meta(description="log4js: accepted and ignored.")] = None

    @property
    def log4js(self) -> bool:
        """Whether the log4js form decides."""
        return bool(self.appenders)


OFFICIAL_PATTERN = "%[[%d] [%p] %c - %m %x{correlationId}%]"

LOG4JS_DEFAULT: dict[str, Any] = {
    "appenders": {
        "consoleAppender": {"type": "stdout", "layout": {"type": "pattern", "pattern": OFFICIAL_PATTERN}},
        "console": {"type": "logLevelFilter", "level": "INFO", "appender": "consoleAppender"},
    },
    "categories": {"default": {"appenders": ["console"], "level": "TRACE"}},
}
"""What a log4js configuration is laid over (connector spec 2.5)."""
