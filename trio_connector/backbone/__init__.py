"""The client of the Backbone's REST API (backbone spec; transport spec 2).

`Backbone` is the whole of it: one attribute per resource. Everything that goes wrong is a `BackboneRequestError` with
the code and text of transport spec 2; what the Backbone answers is checked at this border, and typed behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import httpx

import trio_connector
from trio_connector.backbone.announcements import AnnouncementActionAnswer, AnnouncementAnswer, Announcements
from trio_connector.backbone.authentication import Credentials
from trio_connector.backbone.challenges import ChallengeAnswer, Challenges
from trio_connector.backbone.connection import DEFAULT_TIMEOUT_SECONDS, Connection
from trio_connector.backbone.datawallet import (
    Datawallet,
    DatawalletAnswer,
    DatawalletModificationAnswer,
    NewDatawalletModification,
    PushAnswer,
    PushedModification,
)
from trio_connector.backbone.devices import DeviceAnswer, Devices, NewDevice, PushRegistration
from trio_connector.backbone.files import (
    FileMetadataAnswer,
    Files,
    NewFile,
    NewOwnershipToken,
    OwnershipTokenValidity,
)
from trio_connector.backbone.health import BackboneHealth, Health
from trio_connector.backbone.identities import DeletionAnswer, Identities, NewIdentity, NewIdentityDevice
from trio_connector.backbone.identity_deletion_processes import (
    IdentityDeletionProcessAnswer,
    IdentityDeletionProcesses,
)
from trio_connector.backbone.messages import (
    MessageAnswer,
    MessageAttachmentAnswer,
    MessageRecipientAnswer,
    Messages,
    NewMessage,
)
from trio_connector.backbone.notifications import Notifications
from trio_connector.backbone.public_template_references import (
    PublicTemplateReferenceAnswer,
    PublicTemplateReferences,
)
from trio_connector.backbone.relationship_templates import (
    NewRelationshipTemplate,
    RelationshipTemplateAnswer,
    RelationshipTemplates,
)
from trio_connector.backbone.relationships import (
    AuditLogEntryAnswer,
    CanCreateAnswer,
    RelationshipAnswer,
    Relationships,
)
from trio_connector.backbone.server_sent_events import EventStream, ServerSentEvents
from trio_connector.backbone.sync_runs import (
    ExternalEvent,
    ExternalEventResult,
    FinalizedSync,
    FinalizedUpgrade,
    StartedSyncRun,
    SyncRun,
    SyncRuns,
)
from trio_connector.backbone.tags import TagAnswer, TagListAnswer, Tags
from trio_connector.backbone.tokens import NewToken, TokenAnswer, Tokens
from trio_connector.backbone.version import Compatibility, Version

__all__ = [
    "AnnouncementActionAnswer",
    "AnnouncementAnswer",
    "AuditLogEntryAnswer",
    "Backbone",
    "BackboneHealth",
    "CanCreateAnswer",
    "ChallengeAnswer",
    "Compatibility",
    "Credentials",
    "DatawalletAnswer",
    "DatawalletModificationAnswer",
    "DeletionAnswer",
    "DeviceAnswer",
    "EventStream",
    "ExternalEvent",
    "ExternalEventResult",
    "FileMetadataAnswer",
    "FinalizedSync",
    "FinalizedUpgrade",
    "IdentityDeletionProcessAnswer",
    "MessageAnswer",
    "MessageAttachmentAnswer",
    "MessageRecipientAnswer",
    "NewDatawalletModification",
    "NewDevice",
    "NewFile",
    "NewIdentity",
    "NewIdentityDevice",
    "NewMessage",
    "NewOwnershipToken",
    "NewRelationshipTemplate",
    "NewToken",
    "OwnershipTokenValidity",
    "PublicTemplateReferenceAnswer",
    "PushAnswer",
    "PushRegistration",
    "PushedModification",
    "RelationshipAnswer",
    "RelationshipTemplateAnswer",
    "StartedSyncRun",
    "SyncRun",
    "TagAnswer",
    "TagListAnswer",
    "TokenAnswer",
]


class Backbone:
    """One Backbone, seen by one device; safe to use from many tasks at once."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        base_url: str,
        *,
        client_id: str,
        client_secret: str,
        credentials: Callable[[], Credentials | None],
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        additional_headers: Mapping[str, str] | None = None,
        runtime_version: str = trio_connector.__version__,
    ) -> None:
        """``client`` is made and closed by the caller, who sets TLS, proxies, redirects and connection limits there.

        ``credentials`` is asked whenever a token is fetched; ``None`` while there is no account yet.
        ``timeout_seconds`` bounds each request as a whole.
        """
        self.connection = Connection(
            client,
            base_url,
            client_id=client_id,
            client_secret=client_secret,
            credentials=credentials,
            timeout_seconds=timeout_seconds,
            additional_headers=additional_headers,
            runtime_version=runtime_version,
        )
        self.announcements = Announcements(self.connection)
        self.challenges = Challenges(self.connection)
        self.datawallet = Datawallet(self.connection)
        self.devices = Devices(self.connection)
        self.files = Files(self.connection)
        self.health = Health(self.connection)
        self.identities = Identities(self.connection)
        self.identity_deletion_processes = IdentityDeletionProcesses(self.connection)
        self.messages = Messages(self.connection)
        self.notifications = Notifications(self.connection)
        self.public_template_references = PublicTemplateReferences(self.connection)
        self.relationship_templates = RelationshipTemplates(self.connection)
        self.relationships = Relationships(self.connection)
        self.server_sent_events = ServerSentEvents(self.connection)
        self.sync_runs = SyncRuns(self.connection)
        self.tags = Tags(self.connection)
        self.tokens = Tokens(self.connection)
        self.version = Version(self.connection)

    async def check_authentication(self) -> None:
        """Find out whether the Backbone lets this device in; raises like `access_token`."""
        await self.access_token()

    async def access_token(self) -> str:
        """A token that is good for now; raises BackboneRequestError ``request.noAuthGrant`` or ``noAuthPossible``."""
        return await self.connection.tokens.current()
