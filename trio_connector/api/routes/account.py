"""The own identity, synchronisation, announcements and backbone notifications (connector spec section 7)."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from trio_connector.api.answer import Answer
from trio_connector.api.call import Call
from trio_connector.api.routes.inputs import check, picked
from trio_connector.api.routing import Kind, Route
from trio_connector.backbone import AnnouncementAnswer
from trio_connector.usecases.announcements import get_announcements
from trio_connector.usecases.backbone_notifications import send_backbone_notification
from trio_connector.usecases.sync import sync_info
from trio_connector.usecases.validation import account as inputs

_ANNOUNCEMENT: Final = ("id", "createdAt", "expiresAt", "severity", "title", "body", "actions")


async def _identity_info(call: Call) -> Answer:
    return call.prepared(call.parts.identity_info)


async def _sync_info(call: Call) -> Answer:
    return call.result(sync_info(call.services))


async def _sync(call: Call) -> Answer:
    await call.services.synchronizer.sync_everything()
    return call.nothing()


async def _announcements(call: Call) -> Answer:
    request = picked(call.query, ["language"])
    check(call, inputs.GET_ANNOUNCEMENTS, request)
    announcements = await get_announcements(call.services, request["language"])
    return call.result([shown_announcement(announcement) for announcement in announcements])


def shown_announcement(announcement: AnnouncementAnswer) -> dict[str, Any]:
    """An announcement as API users see it; what is absent is left out."""
    shown: dict[str, Any] = msgspec.to_builtins(announcement)
    return {name: shown[name] for name in _ANNOUNCEMENT if shown.get(name) is not None}


async def _notify(call: Call) -> Answer:
    check(call, inputs.SEND_BACKBONE_NOTIFICATION, call.body)
    await send_backbone_notification(call.services, call.body["recipients"], call.body["code"])
    return call.nothing()


ACCOUNT_ROUTES: Final = (
    Route("GET", "IdentityInfo", _identity_info, "Address and public key of the own identity.", result="IdentityInfo"),
    Route("GET", "SyncInfo", _sync_info, "When the last synchronisation ended.", result="SyncInfo"),
    Route(
        "POST",
        "Sync",
        _sync,
        "Fetch what is new from the Backbone; calls that come meanwhile share the run.",
        Kind.NOTHING,
        204,
        # Not shielded: the run belongs to the daemon and goes on without its callers.
        waits=True,
    ),
)
ANNOUNCEMENT_ROUTES: Final = (
    Route(
        "GET",
        "",
        _announcements,
        "What the operator of the Backbone wants everybody to know.",
        Kind.LIST,
        waits=True,
        query=inputs.GET_ANNOUNCEMENTS_QUERY,
        required_query=("language",),
        result="Announcement",
    ),
)
BACKBONE_NOTIFICATION_ROUTES: Final = (
    Route(
        "POST",
        "",
        _notify,
        "Make the Backbone send a push notification to peers.",
        Kind.NOTHING,
        204,
        changes=True,
        body=inputs.SEND_BACKBONE_NOTIFICATION.schema,
    ),
)
