"""What an operator may do, and the official test suites: announce something, run the deletion job (Backbone spec 15.6).

These routes exist only where an administration key is set, and want it in ``x-api-key``.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

from trio_connector.crypto.addresses import backbone_pseudonym
from trio_connector.embedded.api.call import Call, Reply, Request, Routes, created, result
from trio_connector.embedded.api.fields import Fields
from trio_connector.embedded.domain import rules
from trio_connector.embedded.domain.announcements import DEFAULT_LANGUAGE, SEVERITIES, Action, Announcement, Text
from trio_connector.embedded.domain.errors import PlatformError, invalid_property
from trio_connector.embedded.domain.moments import written, written_or_none
from trio_connector.embedded.settings import BackboneSettings
from trio_connector.embedded.store.announcements import active_addresses, insert_announcement
from trio_connector.embedded.store.database import Database
from trio_connector.embedded.store.deletion import delete_next_identity, remind, sweep

if TYPE_CHECKING:
    from trio_connector.embedded.api.app import BackboneApp

_MAX_RECIPIENTS = 100
_MAX_LINK = 300
_MAX_DISPLAY_NAME = 30
_NEW_ANNOUNCEMENT = "NewAnnouncement"
_REFUSED = Reply(401)

ROUTES = Routes("/api/v1")


@ROUTES.add("GET", "/xsrf", anonymous=True, reads=True)
def get_xsrf_token(call: Call) -> Reply:
    """Clients of the official administration send it back; the key in its own header makes it superfluous here."""
    if not _is_allowed(call.settings, call.request):
        return _REFUSED
    token = call.tx.random(16).hex().encode()
    return Reply(200, token, "text/plain", ((b"set-cookie", b"XSRF=%s; HttpOnly; SameSite=Strict" % token),))


@ROUTES.add("POST", "/Announcements", anonymous=True)
def announce(call: Call) -> Reply:
    """To all, or to the given recipients."""
    if not _is_allowed(call.settings, call.request):
        return _REFUSED
    announcement = _announcement(call)
    insert_announcement(call.tx, announcement)
    if not announcement.is_silent:
        for address in announcement.recipients or active_addresses(call.tx):
            call.tx.signal(address, _NEW_ANNOUNCEMENT)
    return created(_dto(announcement))


@ROUTES.free("POST", "/IdentityDeletionJob", anonymous=True)
async def run_deletion_job_now(app: BackboneApp, request: Request) -> Reply:
    """Do at once what happens once a day."""
    if not _is_allowed(app.settings, request):
        return _REFUSED
    return result({"deletedIdentities": await run_deletion_job(app.database, app.settings.did_domain_name)})


async def run_deletion_job(database: Database, did_domain_name: str) -> int:
    """Delete every identity whose grace period is over, each in a transaction of its own; how many these were.

    Others that are leaving are reminded, and what is long over is swept out.
    """
    anonymized = backbone_pseudonym(did_domain_name)
    deleted = 0
    while await database.write(lambda tx: delete_next_identity(tx, anonymized)) is not None:
        deleted += 1
    await database.write(remind)
    await database.write(sweep)
    return deleted


def _is_allowed(settings: BackboneSettings, request: Request) -> bool:
    given = request.headers.get(b"x-api-key", b"")
    return settings.admin_api_key is not None and hmac.compare_digest(given, settings.admin_api_key.encode())


def _announcement(call: Call) -> Announcement:
    fields = call.fields
    texts = tuple(
        Text(item.text("language"), item.text("title"), item.text("body"))
        for item in fields.items("texts", required=True)
    )
    actions = tuple(_action(item) for item in fields.items("actions"))
    recipients = tuple(fields.texts("recipients"))
    if not any(text.language == DEFAULT_LANGUAGE for text in texts):
        raise invalid_property("There must be a text for English.")
    rules.number_between("recipients.Count", len(recipients), 0, _MAX_RECIPIENTS)
    for text in texts:
        if text.language not in rules.LANGUAGES:
            raise invalid_property(rules.NOT_A_LANGUAGE)
        rules.not_empty("title", text.title)
        rules.not_empty("body", text.body)
    for address in recipients:
        rules.valid_address("recipients", address)
    is_silent, query = fields.flag("isSilent"), fields.optional_text("iqlQuery")
    if query is not None and not is_silent:
        raise PlatformError(
            "error.platform.validation.nonSilentAnnouncementCannotHaveIqlQuery",
            "An announcement with an IQL query must be silent.",
        )
    return Announcement(
        id=call.tx.new_id("ANC"),
        created_at=call.now,
        expires_at=fields.optional_moment("expiresAt"),
        severity=fields.choice("severity", SEVERITIES),
        is_silent=is_silent,
        iql_query=query,
        texts=texts,
        actions=actions,
        recipients=recipients,
    )


def _action(item: Fields) -> Action:
    action = Action(item.texts_by_name("displayName"), item.text("link"))
    rules.not_empty("link", action.link)
    rules.at_most_characters("link", action.link, _MAX_LINK)
    if DEFAULT_LANGUAGE not in action.display_name:
        raise invalid_property("An action must have a display name for English.")
    for name in action.display_name.values():
        if not 1 <= len(name) <= _MAX_DISPLAY_NAME:
            raise invalid_property(f"A display name must have between 1 and {_MAX_DISPLAY_NAME} characters.")
        if "\n" in name or "\r" in name:
            raise invalid_property("A display name must not contain line breaks.")
    return action


def _dto(announcement: Announcement) -> dict[str, Any]:
    return {
        "id": announcement.id,
        "createdAt": written(announcement.created_at),
        "expiresAt": written_or_none(announcement.expires_at),
        "severity": announcement.severity,
        "texts": announcement.texts,
        "recipients": announcement.recipients,
        "actions": announcement.actions,
        "iqlQuery": announcement.iql_query,
        "isSilent": announcement.is_silent,
    }
