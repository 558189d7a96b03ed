"""``config``: check, show and describe the configuration."""

from __future__ import annotations

import json
from pathlib import Path

import click

from trio_connector.cli.common import config_option, load_settings, logging_to, now, require_command
from trio_connector.settings import ConfigurationError, LoggingSettings, redacted
from trio_connector.settings.reference import json_schema, reference_page


@click.group("config", invoke_without_command=True)
@click.pass_context
def config_group(context: click.Context) -> None:
    """Check and show the configuration."""
    require_command(context)


@config_group.command("check")
@config_option
def config_check(config: Path | None) -> None:
    """List every mistake of the configuration. Starts and connects to nothing."""
    from trio_connector.commands.configuration import module_mistakes

    loaded = load_settings(config)
    for warning in loaded.warnings:
        click.echo(f"Warning: {warning}", err=True)
    with logging_to(LoggingSettings(level="OFF")):
        problems = module_mistakes(loaded.settings, now)
    if problems:
        raise ConfigurationError(problems)
    click.echo("The configuration is valid.")


@config_group.command("show")
@config_option
def config_show(config: Path | None) -> None:
    """Print the configuration that is in effect, as JSON and without secrets."""
    click.echo(json.dumps(redacted(load_settings(config).settings), indent=2, ensure_ascii=False))


@config_group.command("schema")
@config_option
def config_schema(config: Path | None) -> None:
    """Print a JSON schema of the configuration file, for editors."""
    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@config_group.command("reference")
def config_reference() -> None:
    """Print the reference of all keys (docs/configuration.md)."""
    click.echo(reference_page(), nl=False)
