"""Whether the Backbone speaks our version of the protocol (backbone spec 3.3, transport spec 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec

from trio_connector.backbone.answers import Answer
from trio_connector.backbone.connection import Connection, path_to

MIN_SUPPORTED_BACKBONE_VERSION = 6
MAX_SUPPORTED_BACKBONE_VERSION = 7


class VersionAnswer(Answer, frozen=True, kw_only=True):
    """The major version of the Backbone."""

    major_version: Annotated[str, msgspec.Meta(pattern="^[0-9]{1,9}$")] | int


@dataclass(frozen=True, slots=True)
class Compatibility:
    """The outcome of the compatibility check."""

    is_compatible: bool
    backbone_version: str
    supported_min_backbone_version: int = MIN_SUPPORTED_BACKBONE_VERSION
    supported_max_backbone_version: int = MAX_SUPPORTED_BACKBONE_VERSION

    @property
    def refusal(self) -> str:
        """What is said when the start is refused because of it."""
        return (
            "The given Backbone is not compatible with this Connector version. "
            f"The version of the configured Backbone is '{self.backbone_version}' the supported min/max version is "
            f"'{self.supported_min_backbone_version}/{self.supported_max_backbone_version}'."
        )


class Version:
    """Raises BackboneRequestError throughout."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def major_version(self) -> int:
        """The Backbone's major version (anonymous)."""
        answer = await self._connection.get(path_to("Version"), VersionAnswer, anonymous=True)
        return int(answer.major_version)

    async def check_compatibility(self) -> Compatibility:
        """Compare the Backbone's version with what we speak (anonymous)."""
        version = await self.major_version()
        compatible = MIN_SUPPORTED_BACKBONE_VERSION <= version <= MAX_SUPPORTED_BACKBONE_VERSION
        return Compatibility(compatible, str(version))
