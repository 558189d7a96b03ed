"""Modules of users: a Python class named by ``location`` (connector spec 1.2 and 9.8).

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

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import trio

from trio_connector.errors import ConnectorError
from trio_connector.events.model import Event
from trio_connector.usecases.services import Services


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
    """A module that is told of events: in order, at least once, from where it was when the process ended."""

    patterns: tuple[str, ...]
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

    Raises ConnectorError that names the module and what is wrong with it.
    """
    path, separator, class_name = location.partition(":")
    if not separator or not path or not class_name:
        raise _cannot_load(context, location, "the location is not of the form 'package.module:ClassName'")
    try:
        found: Callable[[ModuleContext], object] = getattr(importlib.import_module(path), class_name)
    except ImportError as error:
        raise _cannot_load(context, location, f"the location of the module does not exist ({error})") from error
    except AttributeError as error:
        raise _cannot_load(context, location, f"it has no class '{class_name}'") from error
    module = found(context)
    if not isinstance(module, ReactingModule | RunningModule):
        raise _cannot_load(context, location, "its class has neither 'react' with 'patterns' nor 'run'")
    return module


def _cannot_load(context: ModuleContext, location: str, reason: str) -> ConnectorError:
    return ConnectorError(
        "error.connector.modules.cannotBeLoaded",
        f"The module '{context.name}' on location '{location}' could not be loaded: {reason}.",
    )
