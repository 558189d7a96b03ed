"""A Backbone in one process: what tests, demonstrations and small installations talk to (Backbone spec, all of it).

A house of its own: ``api`` reads requests and writes answers, ``domain`` holds the pure rules and state machines,
``store`` keeps everything in one SQLite database. It knows nothing of the Connector but ``crypto`` and ``errors``.
"""

from __future__ import annotations

from trio_connector.embedded.serving import serve_backbone
from trio_connector.embedded.settings import BackboneSettings, Quota

__all__ = ["BackboneSettings", "Quota", "serve_backbone"]
