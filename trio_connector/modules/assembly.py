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

from trio_connector.crypto.dates import Clock
from trio_connector.domain.template import template_dto
from trio_connector.errors import ConnectorError
from trio_connector.events.bus import EventBus
from trio_connector.events.delivery import SubscriberSpec
from trio_connector.events.model import Event
from trio_connector.events.senders.addresses import name_part
from trio_connector.modules import auto_accept_pending_relationships as auto_accept
from trio_connector.modules import auto_decompose_deletion_proposed_relationships as auto_decompose
from trio_connector.modules import decider, message, notification, request
from trio_connector.modules.deliveries import is_http_url, not_a_url
from trio_connector.modules.options import WrongOption
from trio_connector.modules.sse import follow_backbone_events
from trio_connector.modules.user import ModuleContext, ReactingModule, RunningModule, find_class, load_user_module
from trio_connector.settings import (
    CoreHttpApiOptions,
    MessageBrokerOptions,
    ModuleSettings,
    Settings,
    SseOptions,
    SyncOptions,
    WebhooksOptions,
    WebhooksV1Options,
)
from trio_connector.usecases.reachability import is_unreachable
from trio_connector.usecases.services import Services
from trio_connector.usecases.sync import sync_forever

log = structlog.get_logger("ConnectorRuntime")

UNKNOWN_MODULE = "error.connector.modules.unknown"
RETRY_AFTER_SECONDS = (1.0, 5.0, 30.0, 60.0, *(300.0,) * 12)
"""When a reaction that failed is tried again, while later events wait: for an hour. While the Backbone is away the last
pause is repeated until it is back."""


class Task(Protocol):
    """A long-lived task; the start of the Connector waits until it reports that it has started."""

    async def __call__(self, *, task_status: trio.TaskStatus[None]) -> None: ...


@dataclass(frozen=True)
class Reaction:
    """What a module does about each event of ``patterns``, in order; ``name`` keys its cursor."""

    name: str
    patterns: tuple[str, ...]
    react: Callable[[Event], Awaitable[None]]
    retry_after_seconds: tuple[float, ...] = RETRY_AFTER_SECONDS


@dataclass(frozen=True)
class Module:
    """A module that is switched on, ready to be run."""

    name: str
    display_name: str
    subscribers: Sequence[SubscriberSpec] = ()
    reactions: Sequence[Reaction] = ()
    task: Task | None = None
    """Started when the reactions of all modules run."""


def assemble(settings: Settings, services: Services) -> list[Module]:
    """The modules that are switched on, in the order of the configuration.

    Raises ConnectorError that names the module, the key, and what is wrong with it.
    """
    enabled = [module for module in settings.modules.values() if module.enabled]
    kinds: dict[str, list[ModuleSettings]] = {}
    for module in enabled:
        _check_infrastructure(settings, module)
        kinds.setdefault(module.kind or module.location, []).append(module)
    for same in kinds.values():
        if len(same) > 1:
            raise ConnectorError(
                "error.connector.modules.multipleInstances",
                f"The Module '{same[0].display_name}' at location '{same[0].location}' is not allowed to be used "
                f"multiple times, but it has {len(same)} instances.",
            )
    modules = []
    for module in enabled:
        try:
            modules.append(_build(module, settings, services))
        except ConnectorError as error:
            place = place_of(module, error)
            log.error(
                f"Module '{module.display_name}' could not be initialized.",
                code=error.code,
                error=error.message,
                key=place,
            )
            raise ConnectorError(error.code, f"Module '{module.name}' ({place}): {error.message}") from error
    return modules


def place_of(module: ModuleSettings, error: ConnectorError) -> str:
    """The path of the key in the configuration that ``error``, raised by ``module``, is about."""
    key = error.key if isinstance(error, WrongOption) else ""
    return f"modules.{module.name}.{key}".rstrip(".")


def check(module: ModuleSettings, settings: Settings, *, clock: Clock) -> None:
    """Raise the ConnectorError with which ``module`` would refuse the start, if it would; connects to nothing.

    What the class of a user's module has against its options shows only when it is made.
    """
    match module.kind:
        case None:
            _check_location(module.location)
            find_class(module.location)
        case "sse":
            _sse_address(module, settings)
        case "coreHttpApi":
            _check_docs(module, settings)
        case "decider":
            decider.rules_of(module.options)
        case "webhooks":
            _webhook_subscribers(module, clock)
        case "webhooksV1":
            _webhook_subscribers_of_2022(module, clock, lambda id_: None)
        case "messageBrokerPublisher":
            _broker_subscribers(module, clock)


async def start_over(settings: Settings, services: Services) -> None:
    """Let a module that decides for people, when it is switched on again, leave alone what happened meanwhile."""
    if not any(module.enabled and module.kind == auto_accept.NAME for module in settings.modules.values()):
        await services.store.events.forget(auto_accept.NAME)


def register(bus: EventBus, modules: Sequence[Module]) -> None:
    """Make subscribers of what ``modules`` send and react to; the caller runs them, and the modules' tasks."""
    for module in modules:
        for spec in module.subscribers:
            bus.subscribe(spec)
        for reaction in module.reactions:
            bus.react(
                reaction.name,
                reaction.patterns,
                reaction.react,
                retry_after_seconds=reaction.retry_after_seconds,
                is_away=is_unreachable,
            )
        log.info(f"Module '{module.display_name}' was initialized successfully.")


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


def _check_location(location: str) -> None:
    if location.startswith("@nmshd/runtime:"):
        raise WrongOption("location", f"Module {location} is not a builtin module.", UNKNOWN_MODULE)
    if location.startswith(("@nmshd/connector:", "trio_connector:")):
        raise WrongOption(
            "location",
            f"The internal module on location '{location}' could not be loaded because it is not registered as an "
            "internal module.",
            UNKNOWN_MODULE,
        )


def _user_module(settings: ModuleSettings, services: Services) -> Module:
    _check_location(settings.location)
    context = ModuleContext(settings.name, settings.options, services)
    loaded = load_user_module(settings.location, context)
    reactions: tuple[Reaction, ...] = ()
    if isinstance(loaded, ReactingModule):
        schedule = tuple(getattr(loaded, "retry_after_seconds", RETRY_AFTER_SECONDS))
        name = f"module:{name_part(settings.name)}"
        reactions = (Reaction(name, tuple(loaded.patterns), loaded.react, schedule),)
    return Module(
        name=settings.name,
        display_name=settings.display_name,
        reactions=reactions,
        task=loaded.run if isinstance(loaded, RunningModule) else None,
    )


# --- receivers outside ---------------------------------------------------------------------------------------------
# Imported only when they are switched on: with their libraries they take much memory, and time to start.


def _webhook_subscribers(module: ModuleSettings, clock: Clock) -> list[SubscriberSpec]:
    from trio_connector.modules import webhooks

    return webhooks.build(module.typed(WebhooksOptions), clock=clock)


def _webhook_subscribers_of_2022(
    module: ModuleSettings, clock: Clock, template_of: Callable[[str], Mapping[str, Any] | None]
) -> list[SubscriberSpec]:
    from trio_connector.modules import webhooks_v1

    return webhooks_v1.build(module.typed(WebhooksV1Options), clock=clock, template_of=template_of)


def _broker_subscribers(module: ModuleSettings, clock: Clock) -> list[SubscriberSpec]:
    from trio_connector.modules import message_broker_publisher

    return message_broker_publisher.build(module.typed(MessageBrokerOptions), clock=clock)


# --- the built-in modules ------------------------------------------------------------------------------------------

Parts = dict[str, Any]


def _sync(module: ModuleSettings, settings: Settings, services: Services) -> Parts:
    return {"task": partial(sync_forever, services, module.typed(SyncOptions).interval)}


def _sse_address(module: ModuleSettings, settings: Settings) -> str | None:
    override = module.typed(SseOptions).base_url_override
    if override is not None and not settings.debug:
        raise WrongOption("baseUrlOverride", "baseUrlOverride is only allowed in debug mode")
    if override is not None and not is_http_url(override):
        raise WrongOption("baseUrlOverride", not_a_url(override))
    return override


def _sse(module: ModuleSettings, settings: Settings, services: Services) -> Parts:
    return {"task": partial(follow_backbone_events, services, _sse_address(module, settings))}


def _webhooks(module: ModuleSettings, settings: Settings, services: Services) -> Parts:
    return {"subscribers": _webhook_subscribers(module, services.clock)}


def _webhooks_v1(module: ModuleSettings, settings: Settings, services: Services) -> Parts:
    def template_of(template_id: str) -> Mapping[str, Any] | None:
        template = services.store.get(services.collections.templates, template_id)
        if template is None:
            return None
        shown: Mapping[str, Any] = msgspec.to_builtins(template_dto(template, services.base_url))
        return shown

    return {"subscribers": _webhook_subscribers_of_2022(module, services.clock, template_of)}


def _message_broker_publisher(module: ModuleSettings, settings: Settings, services: Services) -> Parts:
    return {"subscribers": _broker_subscribers(module, services.clock)}


def _auto_accept(module: ModuleSettings, settings: Settings, services: Services) -> Parts:
    auto_accept.warn(module.options)
    react = partial(auto_accept.accept_if_pending, services)
    return {"reactions": [Reaction(auto_accept.NAME, auto_accept.PATTERNS, react)]}


def _auto_decompose(module: ModuleSettings, settings: Settings, services: Services) -> Parts:
    react = partial(auto_decompose.decompose_if_proposed, services)
    return {
        "reactions": [Reaction(auto_decompose.NAME, auto_decompose.PATTERNS, react)],
        "task": partial(auto_decompose.decompose_all, services),
    }


def _check_docs(module: ModuleSettings, settings: Settings) -> None:
    if module.typed(CoreHttpApiOptions).docs.enabled and not settings.debug:
        raise WrongOption("docs.enabled", "Documentation is not allowed in production mode.")


def _core_http_api(module: ModuleSettings, settings: Settings, services: Services) -> Parts:
    _check_docs(module, settings)
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
