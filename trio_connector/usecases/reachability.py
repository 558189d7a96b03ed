"""Telling a Backbone that is away from one that refuses."""

from __future__ import annotations

from trio_connector.errors import BackboneRequestError

_REFUSALS_FOR_NOW = (401, 408, 429)


def is_unreachable(error: BaseException) -> bool:
    """Whether the Backbone, or the way to it, is at fault, so that the same can succeed later."""
    return isinstance(error, BackboneRequestError) and (
        error.backbone_status >= 500
        or error.backbone_status in _REFUSALS_FOR_NOW
        or error.code.startswith("error.transport.request.")
    )
