"""``events`` and ``subscribers``: ask a running Connector."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import click
import trio

from trio_connector.cli.common import config_option, load_settings, logging_to, require_command
from trio_connector.settings import LoggingSettings

_url = click.option("--url", help="Where the Connector listens. Default: as the configuration says.")
_api_key = click.option(
    "--api-key",
    envvar="CONNECTOR_API_KEY",
    help="Its API key. Default: one of the configuration, or the generated one.",
)
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object per line. Default without a terminal.")
_namespace = click.option("--namespace", help="Only these events; `*` stands for one segment, `**` for any number.")


def _connection(command: Callable[..., None]) -> Callable[..., None]:
    return config_option(_url(_api_key(command)))


@click.group(invoke_without_command=True)
@click.pass_context
def events(context: click.Context) -> None:
    """Watch and read the events of a running Connector, and send them again."""
    require_command(context)


@events.command("tail")
@_connection
@_namespace
@click.option("--after", type=int, help="Begin after this position. Default: from now on.")
@_json
def events_tail(
    config: Path | None, url: str | None, api_key: str | None, namespace: str | None, after: int | None, as_json: bool
) -> None:
    """Print events as they happen, until interrupted."""
    from trio_connector.commands.running import tail

    _ask(config, url, api_key, partial(tail, after=after, namespace=namespace, as_json=_lines(as_json)))


@events.command("list")
@_connection
@_namespace
@click.option("--after", type=int, help="Only positions after this one.")
@click.option("--from", "from_", help="Only events since this time (ISO 8601).")
@click.option("--to", help="Only events up to this time (ISO 8601).")
@click.option("--correlation-id", help="Only events of one call.")
@click.option("--limit", type=click.IntRange(1), help="At most so many. Default: all.")
@_json
def events_list(
    config: Path | None,
    url: str | None,
    api_key: str | None,
    namespace: str | None,
    after: int | None,
    from_: str | None,
    to: str | None,
    correlation_id: str | None,
    limit: int | None,
    as_json: bool,
) -> None:
    """Print events of the log."""
    from trio_connector.commands.running import list_events

    query = {
        "after": after,
        "namespace": namespace,
        "correlationId": correlation_id,
        "from": from_,
        "to": to,
        "limit": limit,
    }
    _ask(config, url, api_key, partial(list_events, query=query, as_json=_lines(as_json)))


@events.command("replay")
@_connection
@click.argument("subscriber")
@click.argument("ids", nargs=-1)
@click.option("--after", type=int, help="Instead of ids: the events after this position ...")
@click.option("--until", type=int, help="... up to this one.")
@click.option("--given-up", is_flag=True, help="Instead of ids: everything that was given up.")
def events_replay(
    config: Path | None,
    url: str | None,
    api_key: str | None,
    subscriber: str,
    ids: tuple[str, ...],
    after: int | None,
    until: int | None,
    given_up: bool,
) -> None:
    """Send events to SUBSCRIBER again: those with the given IDS, a range, or all that were given up."""
    from trio_connector.commands.running import replay

    if sum((bool(ids), after is not None or until is not None, given_up)) != 1:
        raise click.UsageError("Name either ids, or --after and --until, or --given-up.")
    _ask(config, url, api_key, partial(replay, name=subscriber, ids=ids, after=after, until=until, given_up=given_up))


@click.group(invoke_without_command=True)
@click.pass_context
def subscribers(context: click.Context) -> None:
    """Look at who is told of events, and pause or resume them."""
    require_command(context)


@subscribers.command("list")
@_connection
@_json
def subscribers_list(config: Path | None, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Print all subscribers and how far each is."""
    from trio_connector.commands.running import list_subscribers

    _ask(config, url, api_key, partial(list_subscribers, as_json=_lines(as_json)))


@subscribers.command("show")
@_connection
@click.argument("name")
def subscribers_show(config: Path | None, url: str | None, api_key: str | None, name: str) -> None:
    """Print everything about one subscriber, as JSON."""
    from trio_connector.commands.running import show_subscriber

    _ask(config, url, api_key, partial(show_subscriber, name=name))


@subscribers.command("given-up")
@_connection
@click.argument("name")
@_json
def subscribers_given_up(config: Path | None, url: str | None, api_key: str | None, name: str, as_json: bool) -> None:
    """Print what a subscriber did not get."""
    from trio_connector.commands.running import list_given_up

    _ask(config, url, api_key, partial(list_given_up, name=name, as_json=_lines(as_json)))


@subscribers.command("pause")
@_connection
@click.argument("name")
def subscribers_pause(config: Path | None, url: str | None, api_key: str | None, name: str) -> None:
    """Stop serving a subscriber; it misses nothing."""
    from trio_connector.commands.running import set_paused

    _ask(config, url, api_key, partial(set_paused, name=name, paused=True))


@subscribers.command("resume")
@_connection
@click.argument("name")
def subscribers_resume(config: Path | None, url: str | None, api_key: str | None, name: str) -> None:
    """Serve a paused subscriber again."""
    from trio_connector.commands.running import set_paused

    _ask(config, url, api_key, partial(set_paused, name=name, paused=False))


def _lines(as_json: bool) -> bool:
    return as_json or not sys.stdout.isatty()


def _ask(config: Path | None, url: str | None, api_key: str | None, command: Callable[..., Awaitable[None]]) -> None:
    """Run a command against the Connector at ``url``, or the one that the configuration describes."""
    from trio_connector.commands.running import NotReachedError, RunningConnector, connector_of

    if url is None:
        connector = connector_of(load_settings(config).settings)
        connector = RunningConnector(connector.url, api_key or connector.api_key, connector.header_name)
    else:
        connector = RunningConnector(url.rstrip("/"), api_key)
    with logging_to(LoggingSettings(level="OFF")):
        try:
            trio.run(partial(command, connector))
        except NotReachedError as error:
            raise click.ClickException(str(error)) from error
