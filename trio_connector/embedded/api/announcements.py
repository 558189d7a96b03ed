"""Announcements, tags and public template references (Backbone spec 15)."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import msgspec

from trio_connector.embedded.api.call import JSON, Call, Reply, Routes, result
from trio_connector.embedded.domain import rules
from trio_connector.embedded.domain.announcements import Announcement
from trio_connector.embedded.domain.errors import invalid_property
from trio_connector.embedded.domain.moments import written, written_or_none
from trio_connector.embedded.store.announcements import announcements_for

ROUTES = Routes()
PUBLIC_ROUTES = Routes("/api/poc")


@ROUTES.add("GET", "/Announcements", reads=True)
def list_announcements(call: Call) -> Reply:
    """What is announced to all, and to the caller, in one language or else in English."""
    language = call.query.text("language")
    rules.not_empty("language", language)
    if language is None or language not in rules.LANGUAGES:
        raise invalid_property(rules.NOT_A_LANGUAGE)
    return result([_dto(announcement, language) for announcement in announcements_for(call.tx, call.me)])


@ROUTES.add("GET", "/Tags", anonymous=True, reads=True)
def list_tags(call: Call) -> Reply:
    """The configured tags; nothing when the client has them already."""
    body = msgspec.json.encode(
        {
            "result": {
                "supportedLanguages": call.settings.tag_languages,
                "tagsForAttributeValueTypes": call.settings.tags,
            }
        }
    )
    tag = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest())
    headers = ((b"etag", b'"%s"' % tag),)
    known = call.request.headers.get(b"if-none-match", b"").strip().removeprefix(b"W/").strip(b'"')
    return Reply(304, headers=headers) if known == tag else Reply(200, body, JSON, headers)


@PUBLIC_ROUTES.add("GET", "/PublicRelationshipTemplateReferences", reads=True)
def list_public_template_references(call: Call) -> Reply:
    """The configured templates for everybody."""
    return result(
        [
            {name: reference.get(name) for name in ("title", "description", "truncatedReference")}
            for reference in call.settings.public_template_references
        ]
    )


def _dto(announcement: Announcement, language: str) -> dict[str, Any]:
    text = announcement.text_in(language)
    return {
        "id": announcement.id,
        "createdAt": written(announcement.created_at),
        "expiresAt": written_or_none(announcement.expires_at),
        "severity": announcement.severity,
        "title": text.title,
        "body": text.body,
        "actions": [
            {"displayName": action.name_in(language), "link": action.link, "iqlQuery": None}
            for action in announcement.actions
        ],
        "iqlQuery": announcement.iql_query,
    }
