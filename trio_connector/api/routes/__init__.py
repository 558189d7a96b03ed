"""The routes of ``/api/core/v1``, one table per resource (connector spec section 7)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from trio_connector.api.routes.account import ACCOUNT_ROUTES, ANNOUNCEMENT_ROUTES, BACKBONE_NOTIFICATION_ROUTES
from trio_connector.api.routes.attributes import ATTRIBUTE_ROUTES
from trio_connector.api.routes.challenges import CHALLENGE_ROUTES
from trio_connector.api.routes.files import FILE_ROUTES
from trio_connector.api.routes.identity import IDENTITY_DELETION_ROUTES, IDENTITY_METADATA_ROUTES
from trio_connector.api.routes.messages import MESSAGE_ROUTES
from trio_connector.api.routes.relationship_templates import RELATIONSHIP_TEMPLATE_ROUTES
from trio_connector.api.routes.relationships import RELATIONSHIP_ROUTES
from trio_connector.api.routes.requests import INCOMING_REQUEST_ROUTES, OUTGOING_REQUEST_ROUTES
from trio_connector.api.routes.tokens import TOKEN_ROUTES
from trio_connector.api.routing import Route

CORE_PREFIX: Final = "/api/core/v1"


class Resource:
    """The routes under one path of the API, with the roles of which one opens them."""

    def __init__(self, name: str, routes: tuple[Route, ...], *roles: str) -> None:
        self.name = name
        self.routes = tuple(replace(route, roles=roles) for route in routes)


CORE_RESOURCES: Final = (
    Resource("Account", ACCOUNT_ROUTES, "core:account"),
    Resource("Announcements", ANNOUNCEMENT_ROUTES, "core:announcements"),
    Resource("Attributes", ATTRIBUTE_ROUTES, "core:attributes"),
    Resource("BackboneNotifications", BACKBONE_NOTIFICATION_ROUTES, "core:backboneNotifications"),
    Resource("Challenges", CHALLENGE_ROUTES, "core:challenges"),
    Resource("Files", FILE_ROUTES, "core:files"),
    Resource("IdentityMetadata", IDENTITY_METADATA_ROUTES, "core:identityMetadata"),
    Resource("Messages", MESSAGE_ROUTES, "core:messages"),
    Resource("Relationships", RELATIONSHIP_ROUTES, "core:relationships"),
    Resource("RelationshipTemplates", RELATIONSHIP_TEMPLATE_ROUTES, "core:relationshipTemplates"),
    Resource("Requests/Incoming", INCOMING_REQUEST_ROUTES, "core:requests", "core:requests:incoming"),
    Resource("Requests/Outgoing", OUTGOING_REQUEST_ROUTES, "core:requests", "core:requests:outgoing"),
    Resource("Tokens", TOKEN_ROUTES, "core:tokens"),
)
DEBUG_RESOURCES: Final = (
    Resource("IdentityDeletionProcess", IDENTITY_DELETION_ROUTES, "debug:identityDeletionProcess"),
)
"""Served in debug mode only."""
