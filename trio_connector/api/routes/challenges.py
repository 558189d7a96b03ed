"""Challenges (connector spec section 7)."""

from __future__ import annotations

from typing import Final

from trio_connector.api.answer import Answer
from trio_connector.api.call import Call
from trio_connector.api.routes.inputs import check
from trio_connector.api.routing import Route
from trio_connector.usecases.challenges import create_challenge, validate_challenge
from trio_connector.usecases.validation import challenges as inputs


async def _create(call: Call) -> Answer:
    check(call, inputs.CREATE_CHALLENGE, call.body)
    return call.result(await create_challenge(call.services, call.body["challengeType"], call.body.get("relationship")))


async def _validate(call: Call) -> Answer:
    check(call, inputs.VALIDATE_CHALLENGE, call.body)
    return call.result(await validate_challenge(call.services, call.body["challengeString"], call.body["signature"]))


CHALLENGE_ROUTES: Final = (
    Route(
        "POST",
        "",
        _create,
        "Sign a fresh challenge of the Backbone.",
        status=201,
        changes=True,
        body=inputs.CREATE_CHALLENGE.schema,
        result="Challenge",
    ),
    Route(
        "POST",
        "Validate",
        _validate,
        "Whether a peer signed a challenge.",
        waits=True,
        body=inputs.VALIDATE_CHALLENGE.schema,
        result="ChallengeValidationResult",
    ),
)
