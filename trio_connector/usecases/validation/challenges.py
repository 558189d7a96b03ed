"""Inputs of the challenge use cases (runtime spec 2.3 and 5.1).

Whether signature and challenge can be parsed at all is a rule of the use case, which has the crypto at hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from trio_connector.errors import ValidationFailed
from trio_connector.usecases.validation.input import Circumstances, Input
from trio_connector.usecases.validation.schema import Constant, Schema, Shape, any_of
from trio_connector.usecases.validation.types import RELATIONSHIP_ID, TEXT

_RELATIONSHIP: Final = Shape({"challengeType": Constant("Relationship"), "relationship": RELATIONSHIP_ID})
_IDENTITY: Final = Shape({"challengeType": Constant("Identity")})
_DEVICE: Final = Shape({"challengeType": Constant("Device")})


@dataclass(frozen=True)
class _CreateChallenge(Input):
    def check(self, request: Any, circumstances: Circumstances) -> None:
        if self.schema.violation(request) is None:
            return
        branch = _meant(request)
        if branch is None:
            raise ValidationFailed(
                "The given combination of properties in the payload is not supported.",
                "error.runtime.validation.invalidPayload",
            )
        Input(branch).check(request, circumstances)


def _meant(request: Any) -> Schema | None:
    if not isinstance(request, dict):
        return None
    match request.get("challengeType"):
        case "Relationship" if isinstance(request.get("relationship"), str):
            return _RELATIONSHIP
        case "Identity":
            return _IDENTITY
        case "Device":
            return _DEVICE
    return None


CREATE_CHALLENGE: Final[Input] = _CreateChallenge(any_of(_RELATIONSHIP, _IDENTITY, _DEVICE))
VALIDATE_CHALLENGE: Final = Input(Shape({"challengeString": TEXT, "signature": TEXT}))
