"""``start``, ``demo`` and ``backbone``: the commands that run until they are told to stop."""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import trio

from trio_connector.cli.common import config_option, load_settings, logging_to, make_data_folder, with_generated_key
from trio_connector.cli.without_rich import import_without_rich
from trio_connector.settings import LoggingSettings


@click.command()
@config_option
def start(config: Path | None) -> None:
    """Start the Connector; it runs until a signal."""
    loaded = load_settings(config)
    with logging_to(loaded.settings.logging, loaded):
        make_data_folder(loaded.settings)
        settings = with_generated_key(loaded.settings)
        trio.run(partial(_daemon(), settings))


@click.command()
def demo() -> None:
    """Show two Connectors exchange a relationship and a message with a file, then end."""
    with logging_to(LoggingSettings(level="WARN")):
        trio.run(_part("demo", "run"))


@click.command()
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
    with logging_to(LoggingSettings(), secret_texts=[client_secret]):
        trio.run(run_backbone, settings)


def _daemon() -> Callable[..., Awaitable[Any]]:
    """The daemon, imported. What that makes stays until the end, so the garbage collector never looks at it."""
    gc.disable()
    import_without_rich("httpx")
    try:
        return _part("daemon", "run")
    finally:
        gc.freeze()
        gc.enable()


def _part(module: str, function: str) -> Callable[..., Awaitable[Any]]:
    name = f"trio_connector.{module}"
    try:
        found: Callable[..., Awaitable[Any]] = getattr(import_module(name), function)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise click.ClickException(f"This version has no '{module}'.") from error
    return found
