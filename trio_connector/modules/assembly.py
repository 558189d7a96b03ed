"""From the configuration of a module to what the daemon runs for it (connector spec 1.2 and section 9).

A module is subscribers (receivers outside), reactions (code of this process with a cursor of its own), and tasks. What
is wrong with a configuration is found here, before anything is started, and names the module.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import msgspec
import structlog
import trio

from trio_connector.domain.template import template_dto
from trio_connector.errors import ConnectorError
from trio_connector.events.delivery import SubscriberSpec
from trio_connector.events.model import Event
from trio_connector.modules import auto_accept_pending_relationships as auto_accept
from trio_connector.modules import auto_decompose_deletion_proposed_relationships as auto_decompose
from trio_connector.modules import (
    decider,
    message,
    message_broker_publisher,
    notification,
    request,
    webhooks,
    webhooks_v1,
)
from trio_connector.modules.sse import follow_backbone_events
from trio_connector.modules.user import ModuleContext, ReactingModule, RunningModule, load_user_module
from trio_connector.settings import (
    MessageBrokerOptions,
    ModuleSettings,
    Settings,
    SseOptions,
    SyncOptions,
    WebhooksOptions,
    WebhooksV1Options,
)
from trio_connector.usecases.services import Services
from trio_connector.usecases.sync import sync_forever

log = structlog.get_logger("ConnectorRuntime")

RETRY_UNREACHABLE_SECONDS = (1.0, 5.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 3600.0, 3600.0, 3600.0, 3600.0, 3600.0)
"""When a reaction that failed is tried again, while later events wait: a Backbone that is away comes back."""


class Task(Protocol):
    """A long-lived task; the start of the Connector waits until it reports that it has started."""

    async def __call__(self, *, task_status: trio.TaskStatus[None]) -> None: ...


@dataclass(frozen=True)
class Reaction:
    """What a module does about each event of ``patterns``, in order; ``name`` keys its cursor."""

    name: str
    patterns: tuple[str, ...]
    react: Callable[[Event], Awaitable[None]]
    retry_after_seconds: tuple[float, ...] = RETRY_UNREACHABLE_SECONDS


@dataclass(frozen=True)
class Module:
    """A module that is switched on, ready to be run."""

    name: str
    display_name: str
    subscribers: Sequence[SubscriberSpec] = ()
    reactions: Sequence[Reaction] = ()
    task: Task | None = None
    at_start: Callable[[], Awaitable[None]] | None = None
    """Done once, when its reactions run."""


def assemble(settings: Settings, services: Services) -> list[Module]:
    """The modules that are switched on, in the order of the configuration.

    Raises ConnectorError that names the module and what is wrong with its configuration.
    """
    modules: list[Module] = []
    kinds: dict[str, list[ModuleSettings]] = {}
    for module in settings.modules.values():
        if not module.enabled:
            continue
        _check_infrastructure(settings, module)
        if module.kind is not None:
            kinds.setdefault(module.kind, []).append(module)
    for same in kinds.values():
        if len(same) > 1:
            raise ConnectorError(
                "error.connector.modules.multipleInstances",
                f"The Module '{same[0].display_name}' at location '{same[0].location}' is not allowed to be used "
                f"multiple times, but it has {len(same)} instances.",
            )
    for module in settings.modules.values():
        if not module.enabled:
            continue
        try:
            modules.append(_build(module, settings, services))
        except (ConnectorError, msgspec.ValidationError, ValueError) as error:
            text = error.message if isinstance(error, ConnectorError) else str(error)
            code = error.code if isinstance(error, ConnectorError) else "error.connector.modules.invalidConfiguration"
            log.error(f"Module '{module.display_name}' could not be initialized.", code=code, error=text)
            raise ConnectorError(code, f"Module '{module.name}': {text}") from error
    return modules


def _check_infrastructure(settings: Settings, module: ModuleSettings) -> None:
    available = {"httpServer"} if settings.infrastructure.http_server.enabled else set()
    for name in module.required_infrastructure:
        if name not in available:
            raise ConnectorError(
                "error.connector.modules.missingInfrastructure",
                f"The module on location '{module.location}' requires the '{name}' infrastructure, but it is not "
                "available / enabled.",
            )


def _build(module: ModuleSettings, settings: Settings, services: Services) -> Module:
    if module.kind is None:
        return _user_module(module, services)
    return Module(
        name=module.name, display_name=module.display_name, **_BUILDERS[module.kind](module, settings, services)
    )


def _user_module(settings: ModuleSettings, services: Services) -> Module:
    if settings.location.startswith("@nmshd/runtime:"):
        raise ConnectorError("error.connector.modules.unknown", f"Module {settings.location} is not a builtin module.")
    if settings.location.startswith("@nmshd/connector:"):
        raise ConnectorError(
            "error.connector.modules.unknown",
            f"The internal module on location '{settings.location}' could not be loaded because it is not registered "
            "as an internal module.",
        )
    context = ModuleContext(settings.name, settings.options, services)
    loaded = load_user_module(settings.location, context)
    reactions: tuple[Reaction, ...] = ()
    if isinstance(loaded, ReactingModule):
        reactions = (Reaction(f"module:{settings.name}", tuple(loaded.patterns), loaded.react),)
    return Module(
        name=settings.name,
        display_name=settings.display_name,
        reactions=reactions,
        task=loaded.run if isinstance(loaded, RunningModule) else None,
    )


# --- the built-in modules ------------------------------------------------------------------------------------------

Parts = dict[str, Any]


def _sync(module: ModuleSettings, settings: Settings, services: Services) -> Parts:
    return {"task": partial(sync_forever, services, module.typed(SyncOptions).interval)}


def _sse(module: ModuleSettings, settings: Settings, services: Services) -> Parts:
    override = module.typed(SseOptions).base_url_override
    if override is not None and not settings.debug:
        raise ConnectorError(
            "error.connector.modules.invalidConfiguration", "baseUrlOverride is only allowed in debug mode"
        )
    return {"task": partial(follow_backbone_events, services, override)}


def _webhooks(module: ModuleSettings, settings: Settings, services: Services) -> Parts:
    return {"subscribers": webhooks.build(module.typed(WebhooksOptions), clock=services.clock)}


def _webhooks_v1(module: ModuleSettings, settings: Settings, services: Services) -> Parts:
    def template_of(template_id: str) -> Mapping[str, Any] | None:
        template = services.store.get(services.collections.templates, template_id)
        if template is None:
            return None
        shown: Mapping[str, Any] = msgspec.to_builtins(template_dto(template, services.base_url))
        return shown

    options = module.typed(WebhooksV1Options)
    return {"subscribers": webhooks_v1.build(options, clock=services.clock, template_of=template_of)}


def _message_broker_publisher(module: ModuleSettings, settings: Settings, services: Services) -> Parts:
    return {"subscribers": message_broker_publisher.build(module.typed(MessageBrokerOptions), clock=services.clock)}


def _auto_accept(module: ModuleSettings, settings: Settings, services: Services) -> Parts:
    auto_accept.warn(module.options)
    react = partial(auto_accept.accept_if_pending, services)
    return {"reactions": [Reaction(auto_accept.NAME, auto_accept.PATTERNS, react)]}


def _auto_decompose(module: ModuleSettings, settings: Settings, services: Services) -> Parts:
    react = partial(auto_decompose.decompose_if_proposed, services)
    return {
        "reactions": [Reaction(auto_decompose.NAME, auto_decompose.PATTERNS, react)],
        "at_start": partial(auto_decompose.decompose_all, services),
    }


def _core_http_api(module: ModuleSettings, settings: Settings, services: Services) -> Parts:
    return {}  # its routes are part of the HTTP server, see daemon


def _request(module: ModuleSettings, settings: Settings, services: Services) -> Parts:
    return {"reactions": [Reaction(request.NAME, request.PATTERNS, partial(request.react_to, services))]}


def _decider(module: ModuleSettings, settings: Settings, services: Services) -> Parts:
    rules = decider.rules_of(module.options)
    return {"reactions": [Reaction(decider.NAME, decider.PATTERNS, partial(decider.react_to, services, rules))]}


def _notification(module: ModuleSettings, settings: Settings, services: Services) -> Parts:
    react = partial(notification.react_to, services)
    return {"reactions": [Reaction(notification.NAME, notification.PATTERNS, react)]}


def _message(module: ModuleSettings, settings: Settings, services: Services) -> Parts:
    return {"reactions": [Reaction(message.NAME, message.PATTERNS, partial(message.react_to, services))]}


_BUILDERS: Mapping[str, Callable[[ModuleSettings, Settings, Services], Parts]] = {
    "notification": _notification,
    "decider": _decider,
    "request": _request,
    "message": _message,
    "autoAcceptPendingRelationships": _auto_accept,
    "autoDecomposeDeletionProposedRelationships": _auto_decompose,
    "coreHttpApi": _core_http_api,
    "webhooks": _webhooks,
    "webhooksV1": _webhooks_v1,
    "messageBrokerPublisher": _message_broker_publisher,
    "sync": _sync,
    "sse": _sse,
}
