"""How failures are shown (connector spec 1.1)."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

import click

from trio_connector.errors import ConnectorError
from trio_connector.store import StoreError

EXPECTED = (ConnectorError, StoreError, OSError)
"""What operators meet without a bug: a refusal, a database in use or too new, a port in use, a folder not writable."""


def print_usage(error: click.UsageError) -> None:
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


def report_group(group: BaseExceptionGroup[BaseException]) -> int:
    """Show why a nursery ended: an expected error in one line, anything else with its traceback."""
    ends = list(leaves(group))
    if all(isinstance(leaf, KeyboardInterrupt) for leaf in ends):
        return 130
    if any(type(leaf).__name__ == "StoppedAtOnce" for leaf in ends):
        click.echo("Stopped at once, by a second signal.", err=True)
        return 1
    if all(isinstance(leaf, EXPECTED) for leaf in ends):
        for leaf in ends:
            click.echo(in_a_line(leaf), err=True)
    else:
        traceback.print_exception(ends[0] if len(ends) == 1 else group)
    return 1


def in_a_line(error: BaseException) -> str:
    """What an operator needs to know of an expected failure."""
    return f"{error.code}: {error.message}" if isinstance(error, ConnectorError) else str(error)


def leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    """The errors in a group, however deep."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from leaves(error)
        else:
            yield error
