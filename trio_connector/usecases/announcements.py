"""Announcements of the Backbone's operator (transport spec section 15, runtime spec section 3)."""

from __future__ import annotations

from trio_connector.backbone import AnnouncementAnswer
from trio_connector.usecases.services import Services


async def get_announcements(services: Services, language: str) -> list[AnnouncementAnswer]:
    """What the operator of the Backbone wants everybody to know, in ``language`` (ISO 639-1)."""
    return await services.backbone.announcements.list(language)
