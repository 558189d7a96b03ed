"""``identity`` and ``identityDeletion``."""

from __future__ import annotations

from pathlib import Path

import click

from trio_connector.cli.common import config_option, one_shot, require_command


@click.group(invoke_without_command=True)
@click.pass_context
def identity(context: click.Context) -> None:
    """Look at the own identity."""
    require_command(context)


@identity.command("status")
@config_option
def identity_status_command(config: Path | None) -> None:
    """Print the own address and whether it is being deleted."""
    from trio_connector.commands.identity import identity_status

    one_shot(config, identity_status)


@click.group("identityDeletion", invoke_without_command=True)
@click.pass_context
def identity_deletion(context: click.Context) -> None:
    """Delete the own identity."""
    require_command(context)


@identity_deletion.command("init")
@config_option
def identity_deletion_init(config: Path | None) -> None:
    """Start the deletion; it can be cancelled until its grace period ends."""
    from trio_connector.commands.identity import initiate_deletion

    one_shot(config, initiate_deletion)


@identity_deletion.command("cancel")
@config_option
def identity_deletion_cancel(config: Path | None) -> None:
    """Cancel the deletion."""
    from trio_connector.commands.identity import cancel_deletion

    one_shot(config, cancel_deletion)
