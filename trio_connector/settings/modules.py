"""``modules``: what the operator switches on by name (connector spec 2.3 and section 9).

A module's entry has four common keys and, besides them, the module's own. The common ones are typed here for every
module; the own keys of the built-in modules are described by the ``...Options`` structs, which the modules read with
``ModuleSettings.typed``. Checks that need more than types (is a webhook's target defined?) belong to the module.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta

from trio_connector.events.delivery import DeliverySettings
from trio_connector.settings.section import OpenSection, Section

Options = TypeVar("Options", bound=msgspec.Struct)
Secrets = str | tuple[str, ...] | None


class ModuleSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=False, rename="camel"):
    """One entry of ``modules``.

    ``kind`` is the name of the built-in module that ``location`` stands for (a key of ``LOCATIONS``'s values);
    ``None`` for a user's module, whose ``location`` is a Python import path, and for unknown ``@nmshd/...`` names.
    """

    name: str
    kind: str | None
    enabled: bool
    location: str
    display_name: str
    required_infrastructure: tuple[str, ...] = ()
    options: dict[str, Any] = msgspec.field(default_factory=dict)

    def typed(self, options: type[Options]) -> Options:
        """The module's own keys as a struct; the types were checked when the configuration was loaded."""
        return msgspec.convert(self.options, options)


class CommonModuleKeys(OpenSection, frozen=True, kw_only=True, rename="camel"):
    """What every module's entry has."""

    enabled: Annotated[bool, Meta(description="Whether the module runs.")]
    location: Annotated[
        str, Meta(description="Which module it is; of your own module the import path, as `package.module:Class`.")
    ]
    display_name: Annotated[str | None, Meta(description="Name for people; default follows from the location.")] = None
    required_infrastructure: Annotated[
        tuple[str, ...], Meta(description="Infrastructure that must be enabled, e.g. `httpServer`.")
    ] = ()


class NoOptions(OpenSection, frozen=True, kw_only=True, rename="camel"):
    """A module without keys of its own."""


class SyncOptions(OpenSection, frozen=True, kw_only=True, rename="camel"):
    """Fetch changes from the Backbone at intervals (connector spec 9.1)."""

    interval: Annotated[
        float, Meta(gt=0, description="Pause between the end of one sync and the next, in seconds.")
    ] = 60


class SseOptions(OpenSection, frozen=True, kw_only=True, rename="camel"):
    """Sync as soon as the Backbone says that something is new (connector spec 9.2)."""

    base_url_override: Annotated[
        str | None, Meta(description="Other address for the event stream; only in debug mode.")
    ] = None


class RapidocOptions(OpenSection, frozen=True, kw_only=True, rename="camel"):
    """Options of the RapiDoc page."""

    persist_auth: Annotated[bool, Meta(description="Keep the entered credentials in the browser.")] = False


class DocsOptions(OpenSection, frozen=True, kw_only=True, rename="camel"):
    """The documentation pages of the HTTP API."""

    enabled: Annotated[bool, Meta(description="Serve them; only in debug mode.")] = False
    rapidoc: Annotated[RapidocOptions, Meta(description="Options of the RapiDoc page.")] = RapidocOptions()


class CoreHttpApiOptions(OpenSection, frozen=True, kw_only=True, rename="camel"):
    """The HTTP API (connector spec section 7)."""

    docs: Annotated[DocsOptions, Meta(description="Documentation pages.")] = DocsOptions()


class WebhookTarget(OpenSection, frozen=True, kw_only=True, rename="camel"):
    """A receiver of webhooks."""

    url: Annotated[
        str | None, Meta(description="Address; the first `{{trigger}}` is replaced by the event's namespace.")
    ] = None
    headers: Annotated[dict[str, str], Meta(description="Headers of every request.")] = msgspec.field(
        default_factory=dict
    )
    authentication: Annotated[
        Any,
        Meta(
            description="`{type: OAuth2, accessTokenUrl, clientId, clientSecret, scope?}` or "
            "`{type: ApiKey, apiKey, headerName?}`."
        ),
    ] = None
    secret: Annotated[
        Secrets,
        Meta(description="Signs each request as Standard Webhooks: `whsec_<base64>`, one or a list (all sign)."),
    ] = None
    delivery: Annotated[DeliverySettings | None, Meta(description="Retries, order and timeout.")] = None


class Webhook(OpenSection, frozen=True, kw_only=True, rename="camel"):
    """Which events go to which target."""

    triggers: Annotated[
        tuple[str, ...], Meta(description="Namespaces; `*` stands for one segment, `**` for any number.")
    ] = ()
    target: Annotated[
        str | WebhookTarget | None, Meta(description="Name of a target in `targets`, or a target itself.")
    ] = None


class WebhooksOptions(OpenSection, frozen=True, kw_only=True, rename="camel"):
    """Tell other systems of events by HTTP (connector spec 9.3)."""

    targets: Annotated[dict[str, WebhookTarget], Meta(description="Receivers by name.")] = msgspec.field(
        default_factory=dict
    )
    webhooks: Annotated[tuple[Webhook, ...], Meta(description="What is sent to whom.")] = ()
    skip_tls_check: Annotated[bool, Meta(description="Do not verify the receivers' certificates.")] = False


class WebhooksV1Options(OpenSection, frozen=True, kw_only=True, rename="camel"):
    """The webhook of 2022: collected messages and relationships at intervals. Deprecated."""

    url: Annotated[str, Meta(description="Address of the receiver.")] = ""
    headers: Annotated[dict[str, str], Meta(description="Headers of every request.")] = msgspec.field(
        default_factory=dict
    )
    publish_interval: Annotated[float, Meta(gt=0, description="Pause between two requests, in seconds.")] = 60
    secret: Annotated[Secrets, Meta(description="As for a target of `webhooks`.")] = None
    delivery: Annotated[DeliverySettings | None, Meta(description="Retries and timeout.")] = None


class Broker(OpenSection, frozen=True, kw_only=True, rename="camel"):
    """A message broker that gets every event."""

    type: Annotated[str, Meta(description="`AMQP`, `MQTT`, `PubSub` or `Redis`.")]
    configuration: Annotated[
        dict[str, Any] | None,
        Meta(
            description="AMQP: `url`, `exchange`, `timeout` (ms). MQTT, Redis: `url`. "
            "PubSub: `projectId`, `topicName`, `keyFile`."
        ),
    ] = None
    secret: Annotated[
        Secrets, Meta(description="Signs each message as Standard Webhooks, where the broker has message headers.")
    ] = None
    delivery: Annotated[DeliverySettings | None, Meta(description="Retries, order and timeout.")] = None


class MessageBrokerOptions(OpenSection, frozen=True, kw_only=True, rename="camel"):
    """Publish every event to message brokers (connector spec 9.4)."""

    brokers: Annotated[tuple[Broker, ...], Meta(description="The brokers.")] = ()


class Automation(OpenSection, frozen=True, kw_only=True, rename="camel"):
    """A rule that decides incoming requests without people."""

    request_config: Annotated[dict[str, Any], Meta(description="Conditions; `{}` matches every request.")]
    response_config: Annotated[dict[str, Any], Meta(description="The decision.")]


class DeciderOptions(OpenSection, frozen=True, kw_only=True, rename="camel"):
    """Decide incoming requests by rules, or leave them to people (runtime spec 7.3)."""

    automation_config: Annotated[tuple[Automation, ...] | None, Meta(description="The rules, tried in this order.")] = (
        None
    )


class BuiltIn(msgspec.Struct, frozen=True):
    """A module that comes with the Connector."""

    kind: str
    location: str
    display_name: str
    options: type[OpenSection]
    enabled: bool = False
    required_infrastructure: tuple[str, ...] = ()
    forced: bool = False
    on_by_default_list: bool = True
    older_locations: tuple[str, ...] = ()
    summary: str = ""

    @property
    def description(self) -> str:
        """What it does, in one sentence."""
        return self.summary or re.sub(r" \([^)]*spec [^)]*\)", "", self.options.__doc__ or "")


BUILT_IN: Final[tuple[BuiltIn, ...]] = (
    BuiltIn(
        "notification",
        "@nmshd/runtime:NotificationModule",
        "Notification Module",
        NoOptions,
        enabled=True,
        summary="Apply the notifications that peers send.",
    ),
    BuiltIn("decider", "@nmshd/runtime:DeciderModule", "Decider Module", DeciderOptions, enabled=True, forced=True),
    BuiltIn(
        "request",
        "@nmshd/runtime:RequestModule",
        "Request Module",
        NoOptions,
        enabled=True,
        forced=True,
        summary="Take requests out of messages and templates, and send the responses.",
    ),
    BuiltIn(
        "autoAcceptPendingRelationships",
        "@nmshd/connector:AutoAcceptPendingRelationshipsModule",
        "Auto Accept Pending Relationships Module",
        NoOptions,
        summary="Accept every relationship that is asked for. Not for production.",
        older_locations=("autoAcceptRelationshipCreationChanges/AutoAcceptRelationshipCreationChangesModule",),
    ),
    BuiltIn(
        "autoDecomposeDeletionProposedRelationships",
        "@nmshd/connector:AutoDecomposeDeletionProposedRelationshipsModule",
        "Auto Decompose DeletionProposed Relationships Module",
        NoOptions,
        summary="Forget peers that have ended the relationship and forgotten us.",
    ),
    BuiltIn(
        "coreHttpApi",
        "@nmshd/connector:CoreHttpApiModule",
        "Core Http Api Module",
        CoreHttpApiOptions,
        enabled=True,
        required_infrastructure=("httpServer",),
        older_locations=("coreHttpApi/CoreHttpApiModule",),
    ),
    BuiltIn(
        "webhooks",
        "@nmshd/connector:WebhooksModule",
        "Webhooks Module",
        WebhooksOptions,
        older_locations=("webhooksV2/WebhooksModuleV2", "@nmshd/connector:WebhooksModuleV2"),
    ),
    BuiltIn(
        "messageBrokerPublisher",
        "@nmshd/connector:MessageBrokerPublisherModule",
        "Message Broker Publisher Module",
        MessageBrokerOptions,
        older_locations=("amqpPublisher/AMQPPublisherModule", "@nmshd/connector:AMQPPublisherModule"),
    ),
    BuiltIn(
        "sync",
        "@nmshd/connector:SyncModule",
        "Sync Module",
        SyncOptions,
        older_locations=("sync/SyncModule",),
    ),
    BuiltIn("sse", "@nmshd/connector:SseModule", "Sse Module", SseOptions),
    BuiltIn(
        "webhooksV1",
        "trio_connector:WebhooksV1Module",
        "Webhooks V1 Module",
        WebhooksV1Options,
        on_by_default_list=False,
        older_locations=("webhooks/WebhooksModule",),
    ),
    BuiltIn(
        "message",
        "@nmshd/runtime:MessageModule",
        "Message Module",
        NoOptions,
        summary="Publish received mails as events of their own.",
        on_by_default_list=False,
    ),
)
"""The built-in modules in their default order."""

BY_KIND: Final[Mapping[str, BuiltIn]] = {module.kind: module for module in BUILT_IN}

LOCATIONS: Final[Mapping[str, BuiltIn]] = {
    location: module for module in BUILT_IN for location in (module.location, *module.older_locations)
}
"""Built-in modules by every location that stands for them, those of 2022 included."""


def default_display_name(location: str) -> str:
    """The class name at ``location``, split where the case changes: ``SyncModule`` becomes ``Sync Module``."""
    if location in LOCATIONS:
        return LOCATIONS[location].display_name
    class_name = re.split(r"[:./]", location)[-1]
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", class_name)
