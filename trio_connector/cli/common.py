"""What the commands share: options, loading, logging, and the run of one that answers a text."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from os import environ
from pathlib import Path

import click
import structlog
import trio

from trio_connector.cli.failures import leaves
from trio_connector.errors import ConnectorError
from trio_connector.logs import configure, release
from trio_connector.settings import Loaded, LoggingSettings, Settings, ensure_api_key, load, secrets_of

log = structlog.get_logger("ConnectorRuntime")

config_option = click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path),
    help="The configuration file, YAML or JSON. Default: CUSTOM_CONFIG_LOCATION, else config.yaml or config.json.",
)


def now() -> datetime:
    """The time, aware and in UTC."""
    return datetime.now(UTC)


def load_settings(config: Path | None) -> Loaded:
    """The configuration as this process sees it; raises ConfigurationError."""
    return load(config, environ=environ, now=now())


def one_shot(config: Path | None, command: Callable[[Settings], Awaitable[str]]) -> None:
    """Run a command that answers a text; every failure after loading is one line on stdout (connector spec 1.1)."""
    settings = load_settings(config).settings.for_commands()
    with logging_to(settings.logging):
        try:
            make_data_folder(settings)
            click.echo(trio.run(command, settings))
        except ConnectorError as error:
            click.echo(_failure(error))
        except BaseExceptionGroup as group:
            errors = list(leaves(group))
            if not all(isinstance(error, Exception) for error in errors):
                raise
            click.echo(_failure(errors[0]))
        except Exception as error:  # noqa: BLE001 - the border of the command: shown as the spec says, and exit status 1
            click.echo(_failure(error))
        else:
            return
    raise click.exceptions.Exit(1)


def _failure(error: BaseException) -> str:
    if isinstance(error, ConnectorError):
        return f"This command failed with the code '{error.code}' and the message '{error.message}'."
    return str(error) or type(error).__name__


@contextmanager
def logging_to(
    settings: LoggingSettings, loaded: Loaded | None = None, *, secret_texts: list[str] | None = None
) -> Iterator[None]:
    """Log as ``settings`` say while the block lasts; begins with the warnings of the configuration."""
    known = secrets_of(loaded.settings) if loaded is not None else secret_texts or ()
    logs = configure(settings, secrets=known)
    try:
        if loaded is not None:
            for warning in loaded.warnings:
                log.warning(warning)
        yield
    finally:
        release(logs)


def make_data_folder(settings: Settings) -> None:
    """Before anything is made inside it: a folder that comes into being as somebody's parent is open to all."""
    settings.database.folder_path.mkdir(mode=0o700, parents=True, exist_ok=True)


def with_generated_key(settings: Settings) -> Settings:
    """The settings with the made-up API key where the API would stand open; says where the key is, never the key."""
    if not settings.needs_generated_api_key:
        return settings
    generated = ensure_api_key(settings.database.folder_path, secrets.token_bytes)
    log.warning(
        f"No authentication is configured. The API takes the key in '{generated.path.absolute()}', "
        f"sent in the header '{settings.infrastructure.http_server.authentication.api_key.header_name}'.",
        created=generated.created,
    )
    return settings.with_api_key(generated.key)


def require_command(context: click.Context) -> None:
    """Refuse a group of commands without a command."""
    if context.invoked_subcommand is None:
        raise click.UsageError("Please specify a command", ctx=context)
