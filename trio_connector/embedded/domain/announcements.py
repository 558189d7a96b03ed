"""Announcements in several languages (Backbone spec 15.1)."""

from __future__ import annotations

import msgspec

from trio_connector.embedded.domain.moments import Moment

DEFAULT_LANGUAGE = "en"
SEVERITIES = ("Low", "Medium", "High")


class Text(msgspec.Struct, frozen=True):
    """Title and body in one language."""

    language: str
    title: str
    body: str


class Action(msgspec.Struct, frozen=True, rename="camel"):
    """Something to click on, with its name in several languages."""

    display_name: dict[str, str]
    link: str

    def name_in(self, language: str) -> str:
        """In this language, else in English."""
        return self.display_name.get(language) or self.display_name[DEFAULT_LANGUAGE]


class Announcement(msgspec.Struct, frozen=True):
    """What an operator tells everybody (``recipients`` is empty) or some identities."""

    id: str
    created_at: Moment
    expires_at: Moment | None
    severity: str
    is_silent: bool
    iql_query: str | None
    texts: tuple[Text, ...]
    actions: tuple[Action, ...]
    recipients: tuple[str, ...] = ()

    def text_in(self, language: str) -> Text:
        """In this language, else in English."""
        by_language = {text.language: text for text in self.texts}
        return by_language.get(language) or by_language[DEFAULT_LANGUAGE]
