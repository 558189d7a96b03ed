"""What can be set for the embedded Backbone. The defaults are those of the official test set-up."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Period = Literal["Hour", "Day", "Week", "Month", "Year", "Total"]

METRICS = (
    "NumberOfSentMessages",
    "NumberOfRelationships",
    "NumberOfRelationshipTemplates",
    "NumberOfFiles",
    "UsedFileStorageSpace",
    "NumberOfTokens",
)


@dataclass(frozen=True, kw_only=True)
class Quota:
    """At most ``max`` of ``metric`` per identity and ``period`` (Backbone spec 15.5); storage space is in bytes."""

    metric: str
    max: int
    period: Period

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise ValueError(f"'{self.metric}' is no metric; the metrics are {', '.join(METRICS)}")
        if self.max < 0:
            raise ValueError("a quota cannot be lower than zero")


@dataclass(frozen=True, kw_only=True)
class BackboneSettings:
    """Everything `serve_backbone` needs. Durations are in seconds."""

    host: str = "127.0.0.1"
    port: int = 8090
    """0 takes a free port."""
    folder: Path | None = None
    """Where the data is kept; ``None`` keeps it in memory only."""
    client_id: str = "test"
    client_secret: str = field(default="test", repr=False)
    max_identities: int | None = None
    """How many identities the client may create; ``None`` is unlimited."""
    did_domain_name: str = "localhost"
    """Part of every address; clients expect the host name of their ``baseUrl`` or their override here."""
    admin_api_key: str | None = field(default=None, repr=False)
    """Opens the administration routes (``/api/v1``) for requests with this ``x-api-key``; ``None`` keeps them shut."""
    access_token_lifetime: int = 300
    lockout_duration: int = 60
    """How long a device is locked after three wrong passwords in a row."""
    strict_passwords: bool = False
    """Ask for ten characters of four kinds, as the public Backbones do."""
    max_message_recipients: int = 5
    max_unreceived_messages: int = 20
    """How many messages of one sender may wait for one recipient."""
    max_feature_flags: int = 200
    notification_codes: tuple[str, ...] = ("TestCode",)
    tags: dict[str, Any] = field(default_factory=dict)
    """``{value type: {tag: {"displayNames": {language: text}, "children": {...}}}}``"""
    tag_languages: tuple[str, ...] = ("en",)
    public_template_references: tuple[dict[str, str], ...] = ()
    """``{"title", "description", "truncatedReference"}`` each."""
    quotas: tuple[Quota, ...] = ()
    """For every identity alike."""
    deletion_job_interval: float = 24 * 3600
    """How often identities whose grace period is over are deleted, and old rows are swept."""
    keep_alive_interval: float = 240
    """How often an idle event stream gets a ``keep-alive``."""
    keep_alive_timeout: float = 130
    """How long an unused connection stays open."""
    graceful_timeout: float = 5
    """How long open requests may go on after the shutdown event."""
