"""The commands (connector spec 1.1). Nothing else ends the process.

Exit status 0 after a clean end, 1 after any failure, 130 when interrupted before there was anything to stop.
"""

from __future__ import annotations

import sys
import traceback

import click

import trio_connector
from trio_connector.cli import without_rich  # noqa: F401 - before anything else imports structlog

# isort: split
from trio_connector.cli.common import require_command
from trio_connector.cli.configuration import config_group
from trio_connector.cli.failures import EXPECTED, in_a_line, print_usage, report_group
from trio_connector.cli.identity import identity, identity_deletion
from trio_connector.cli.running import events, subscribers
from trio_connector.cli.starting import backbone, demo, start
from trio_connector.settings import ConfigurationError


def main() -> None:
    """Entry point of ``trio-connector`` and ``python -m trio_connector``."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and answer the exit status; prints what went wrong to stderr."""
    try:
        status = cli.main(arguments, prog_name="trio-connector", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except click.UsageError as error:
        print_usage(error)
    except click.ClickException as error:
        click.echo(error.format_message(), err=True)
    except click.exceptions.Exit as error:
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except ConfigurationError as error:
        click.echo("\n".join([str(error), *getattr(error, "__notes__", ())]), err=True)
    except EXPECTED as error:
        click.echo(in_a_line(error), err=True)
    except BaseExceptionGroup as group:
        return report_group(group)
    except Exception:  # noqa: BLE001 - the outermost border: what ends the process is shown, and is the exit status
        traceback.print_exc()
    return 1


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(trio_connector.__version__, message="%(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """An enmeshed Connector in one process."""
    require_command(context)


for _command in (start, demo, backbone, config_group, identity, identity_deletion, events, subscribers):
    cli.add_command(_command)
