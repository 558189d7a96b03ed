"""The commands (connector spec 1.1). Nothing else ends the process.

Exit status 0 after a clean end, 1 after any failure, 130 when interrupted before there was anything to stop.
"""

from __future__ import annotations

import json
import secrets
import sys
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from os import environ
from pathlib import Path
from typing import Any

import click
import structlog
import trio

import trio_connector
from trio_connector.errors import ConnectorError
from trio_connector.logs import configure, release
from trio_connector.settings import (
    ConfigurationError,
    Loaded,
    LoggingSettings,
    Settings,
    ensure_api_key,
    load,
    redacted,
    secrets_of,
)
from trio_connector.settings.reference import json_schema, reference_page

log = structlog.get_logger("ConnectorRuntime")

_config = click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path),
    help="The configuration file, YAML or JSON. Default: CUSTOM_CONFIG_LOCATION, else config.yaml or config.json.",
)


def main() -> None:
    """Entry point of ``trio-connector`` and ``python -m trio_connector``."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and answer the exit status; prints what went wrong to stderr."""
    try:
        status = cli.main(arguments, prog_name="trio-connector", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except click.UsageError as error:
        _print_usage(error)
    except click.ClickException as error:
        click.echo(error.format_message(), err=True)
    except click.exceptions.Exit as error:
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except ConfigurationError as error:
        click.echo("\n".join([str(error), *getattr(error, "__notes__", ())]), err=True)
    except ConnectorError as error:
        click.echo(f"{error.code}: {error.message}", err=True)
    except BaseExceptionGroup as group:
        return _report_group(group)
    except Exception:  # noqa: BLE001 - the outermost border: what ends the process is shown, and is the exit status
        traceback.print_exc()
    return 1


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(trio_connector.__version__, message="%(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """An enmeshed Connector in one process."""
    _require_command(context)


@cli.command()
@_config
def start(config: Path | None) -> None:
    """Start the Connector; it runs until a signal."""
    loaded = _load(config)
    with _logging(loaded.settings.logging, loaded):
        _make_data_folder(loaded.settings)
        settings = _with_generated_key(loaded.settings)
        trio.run(partial(_part("daemon", "run"), settings))


@cli.command()
def demo() -> None:
    """Show two Connectors exchange a relationship and a message with a file, then end."""
    with _logging(LoggingSettings(level="WARN")):
        trio.run(_part("demo", "run"))


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8090, show_default=True, type=click.IntRange(0, 65_535), help="TCP port; 0 takes a free one."
)
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), help="Where its data are kept.")
@click.option("--in-memory", is_flag=True, help="Keep its data in memory only. Default without --folder.")
@click.option("--client-id", default="test", show_default=True, help="Id of its OAuth client.")
@click.option(
    "--client-secret", default="test", show_default=True, envvar="BACKBONE_CLIENT_SECRET", help="Secret of the client."
)
def backbone(host: str, port: int, folder: Path | None, in_memory: bool, client_id: str, client_secret: str) -> None:
    """Run the embedded Backbone alone, for tests and trying things out."""
    from trio_connector.commands.backbone import run_backbone
    from trio_connector.embedded import BackboneSettings

    if in_memory and folder is not None:
        raise click.UsageError("Use either --folder or --in-memory.")
    settings = BackboneSettings(host=host, port=port, folder=folder, client_id=client_id, client_secret=client_secret)
    with _logging(LoggingSettings(), secret_texts=[client_secret]):
        trio.run(run_backbone, settings)


@cli.group("config", invoke_without_command=True)
@click.pass_context
def config_group(context: click.Context) -> None:
    """Check and show the configuration."""
    _require_command(context)


@config_group.command("check")
@_config
def config_check(config: Path | None) -> None:
    """List every mistake of the configuration. Starts and connects to nothing."""
    from trio_connector.commands.configuration import module_mistakes

    loaded = _load(config)
    for warning in loaded.warnings:
        click.echo(f"Warning: {warning}", err=True)
    with _logging(LoggingSettings(level="OFF")):
        problems = module_mistakes(loaded.settings, _now)
    if problems:
        raise ConfigurationError(problems)
    click.echo("The configuration is valid.")


@config_group.command("show")
@_config
def config_show(config: Path | None) -> None:
    """Print the configuration that is in effect, as JSON and without secrets."""
    click.echo(json.dumps(redacted(_load(config).settings), indent=2, ensure_ascii=False))


@config_group.command("schema")
@_config
def config_schema(config: Path | None) -> None:
    """Print a JSON schema of the configuration file, for editors."""
    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@config_group.command("reference")
def config_reference() -> None:
    """Print the reference of all keys (docs/configuration.md)."""
    click.echo(reference_page(), nl=False)


@cli.group(invoke_without_command=True)
@click.pass_context
def identity(context: click.Context) -> None:
    """Look at the own identity."""
    _require_command(context)


@identity.command("status")
@_config
def identity_status_command(config: Path | None) -> None:
    """Print the own address and whether it is being deleted."""
    from trio_connector.commands.identity import identity_status

    _one_shot(config, identity_status)


@cli.group("identityDeletion", invoke_without_command=True)
@click.pass_context
def identity_deletion(context: click.Context) -> None:
    """Delete the own identity."""
    _require_command(context)


@identity_deletion.command("init")
@_config
def identity_deletion_init(config: Path | None) -> None:
    """Start the deletion; it can be cancelled until its grace period ends."""
    from trio_connector.commands.identity import initiate_deletion

    _one_shot(config, initiate_deletion)


@identity_deletion.command("cancel")
@_config
def identity_deletion_cancel(config: Path | None) -> None:
    """Cancel the deletion."""
    from trio_connector.commands.identity import cancel_deletion

    _one_shot(config, cancel_deletion)


# --- what the commands share


def _now() -> datetime:
    return datetime.now(UTC)


def _load(config: Path | None) -> Loaded:
    return load(config, environ=environ, now=_now())


def _one_shot(config: Path | None, command: Callable[[Settings], Awaitable[str]]) -> None:
    """Run a command that answers a text; every failure after loading is one line on stdout (connector spec 1.1)."""
    settings = _load(config).settings.for_commands()
    with _logging(settings.logging):
        try:
            _make_data_folder(settings)
            click.echo(trio.run(command, settings))
        except ConnectorError as error:
            click.echo(_failure(error))
        except BaseExceptionGroup as group:
            errors = list(_leaves(group))
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
def _logging(
    settings: LoggingSettings, loaded: Loaded | None = None, *, secret_texts: list[str] | None = None
) -> Iterator[None]:
    known = secrets_of(loaded.settings) if loaded is not None else secret_texts or ()
    logs = configure(settings, secrets=known)
    try:
        if loaded is not None:
            for warning in loaded.warnings:
                log.warning(warning)
        yield
    finally:
        release(logs)


def _make_data_folder(settings: Settings) -> None:
    """Before anything is made inside it: a folder that comes into being as somebody's parent is open to all."""
    settings.database.folder_path.mkdir(mode=0o700, parents=True, exist_ok=True)


def _with_generated_key(settings: Settings) -> Settings:
    if not settings.needs_generated_api_key:
        return settings
    generated = ensure_api_key(settings.database.folder_path, secrets.token_bytes)
    log.warning(
        f"No authentication is configured. The API takes the key in '{generated.path.absolute()}', "
        f"sent in the header 'X-API-KEY'.",
        created=generated.created,
    )
    return settings.with_api_key(generated.key)


def _part(module: str, function: str) -> Callable[..., Awaitable[Any]]:
    name = f"trio_connector.{module}"
    try:
        found: Callable[..., Awaitable[Any]] = getattr(import_module(name), function)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise click.ClickException(f"This version has no '{module}'.") from error
    return found


def _require_command(context: click.Context) -> None:
    if context.invoked_subcommand is None:
        raise click.UsageError("Please specify a command", ctx=context)


def _print_usage(error: click.UsageError) -> None:
    """Usage, then what is wrong with the arguments in the official words."""
    if error.ctx is not None:
        click.echo(error.ctx.get_help(), err=True)
        click.echo(err=True)
    unknown = _unknown_argument(error)
    click.echo(error.format_message() if unknown is None else f"Unknown argument: {unknown}", err=True)


def _unknown_argument(error: click.UsageError) -> str | None:
    if isinstance(error, click.NoSuchOption):
        return error.option_name.lstrip("-")
    for pattern in ("No such command '", "Got unexpected extra argument (", "Got unexpected extra arguments ("):
        message = error.format_message()
        if message.startswith(pattern):
            return message.removeprefix(pattern).partition(")" if "(" in pattern else "'")[0]
    return None


def _report_group(group: BaseExceptionGroup[BaseException]) -> int:
    """Show why a nursery ended: an expected error in one line, anything else with its traceback."""
    leaves = list(_leaves(group))
    if all(isinstance(leaf, KeyboardInterrupt) for leaf in leaves):
        return 130
    for leaf in leaves:
        if isinstance(leaf, ConnectorError):
            click.echo(f"{leaf.code}: {leaf.message}", err=True)
    if not all(isinstance(leaf, ConnectorError) for leaf in leaves):
        traceback.print_exception(leaves[0] if len(leaves) == 1 else group)
    return 1


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
