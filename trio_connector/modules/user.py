"""Modules of users: a Python class named by ``location`` (connector spec 1.2 and 9.8; docs/modules/user-modules.md).

Example::

    # in the file shop/connector_module.py, with  location: shop.connector_module:OrderModule
    class OrderModule:
        patterns = ("transport.messageReceived",)

        def __init__(self, context: ModuleContext) -> None:
            self.context = context

        async def react(self, event: Event) -> None:
            message = msgspec.json.decode(event.data)
            await send_message(self.context.services, recipients=[message["createdBy"]], content=...)

A class may have ``react``, ``run``, or both. What is wrong with the class or its options ends the start with a clear
error; what goes wrong later ends as a log line (``react``, which is then called again) or ends the daemon (``run``).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, runtime_checkable

import msgspec
import structlog
import trio

from trio_connector.errors import ConnectorError
from trio_connector.events.model import Event
from trio_connector.modules.options import WrongOption
from trio_connector.usecases.services import Services

CANNOT_BE_LOADED = "error.connector.modules.cannotBeLoaded"

log = structlog.get_logger("ConnectorRuntime")


@dataclass(frozen=True)
class ModuleContext:
    """What a user's module is given: its name and own options from the configuration, and what use cases need.

    Every operation of the API is a coroutine in ``trio_connector.usecases`` that takes ``services`` first.
    """

    name: str
    options: Mapping[str, Any]
    services: Services


@runtime_checkable
class ReactingModule(Protocol):
    """A module that is told of events: in order, at least once, from where it was when the process ended.

    It may also have ``retry_after_seconds``, a sequence of pauses: an event for which ``react`` raised is tried again
    after each of them, and then given up. Without, that goes on for an hour.
    """

    patterns: Sequence[str]
    """The namespaces it wants; ``*`` stands for one segment, ``**`` for any number."""

    async def react(self, event: Event) -> None:
        """Do what ``event`` calls for. Called again, later, when it raises or the process dies before it returns."""
        ...


@runtime_checkable
class RunningModule(Protocol):
    """A module with a task of its own in the daemon's nursery."""

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Call ``task_status.started()`` when ready; the daemon's start waits for it. Cancelled when it stops."""
        ...


UserModule = ReactingModule | RunningModule


def load_user_module(location: str, context: ModuleContext) -> UserModule:
    """Make the module at ``location``, ``package.module:ClassName``.

    Raises WrongOption that says what is wrong with the location, the class, or, in the words of the class, its options.
    """
    make = find_class(location)
    try:
        module = make(context)
    except WrongOption:
        raise
    except (ConnectorError, msgspec.ValidationError, ValueError) as error:
        # What the class has against its options.
        raise WrongOption("", error.message if isinstance(error, ConnectorError) else str(error)) from error
    except Exception as error:  # the class is not ours, and the operator has to learn which one it was
        log.exception("A module could not be made.", module=context.name, location=location)
        raise _cannot_load(location, f"{type(error).__name__}: {error}") from error
    problem = _problem(module)
    if problem is not None:
        raise _cannot_load(location, problem)
    assert isinstance(module, ReactingModule | RunningModule)  # noqa: S101 - else there was a problem
    return module


def find_class(location: str) -> Callable[[ModuleContext], object]:
    """The class at ``location``. Raises WrongOption; imports the module."""
    path, separator, class_name = location.partition(":")
    if not separator or not path or not class_name:
        raise _cannot_load(location, "the location is not of the form 'package.module:ClassName'")
    try:
        found = getattr(import_module(path), class_name, None)
    except ModuleNotFoundError as error:
        if error.name is not None and not f"{path}.".startswith(f"{error.name}."):
            raise _cannot_load(location, f"it needs the package '{error.name}', which is not installed") from error
        raise _cannot_load(location, "the location of the module does not exist") from error
    except Exception as error:  # the file is not ours, and the operator has to learn which one it was
        log.exception("A module could not be imported.", location=location)
        raise _cannot_load(location, f"{type(error).__name__}: {error}") from error
    if not isinstance(found, type):
        raise _cannot_load(location, f"it has no class '{class_name}'")
    return found


def _problem(module: object) -> str | None:
    """Why ``module`` cannot be run; None when it can."""
    react, run = getattr(module, "react", None), getattr(module, "run", None)
    patterns = getattr(module, "patterns", None)
    schedule = getattr(module, "retry_after_seconds", ())
    if react is None and run is None:
        return "its class has neither 'react' with 'patterns' nor 'run'"
    for name, function in (("react", react), ("run", run)):
        if function is not None and not inspect.iscoroutinefunction(function):
            return f"its '{name}' is not an async function"
    if react is None:
        return None
    if not _is_sequence_of(patterns, str) or not patterns:
        return "its 'patterns' must be a tuple of namespaces"
    if not _is_sequence_of(schedule, int | float) or any(pause < 0 for pause in schedule):
        return "its 'retry_after_seconds' must be a tuple of numbers, none below 0"
    return None


def _is_sequence_of(value: object, type_: Any) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and all(isinstance(item, type_) and not isinstance(item, bool) for item in value)
    )


def _cannot_load(location: str, reason: str) -> WrongOption:
    return WrongOption(
        "location", f"The module on location '{location}' could not be loaded: {reason}.", CANNOT_BE_LOADED
    )
