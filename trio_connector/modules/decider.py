"""The ``decider`` module: decides requests as configured, and leaves the rest to people (runtime spec 7.3). Always on.

The decision, the status it leads to and the event that tells of it are one unit with the cursor. Only files are claimed
at the Backbone before; that is found done when the reaction is repeated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import structlog

from trio_connector.domain.changes import Changes
from trio_connector.domain.identity import Json
from trio_connector.domain.relationship import RELATIONSHIPS
from trio_connector.domain.requests.automation import AutomationRule, any_accepted, check_rules, decide_by_rules
from trio_connector.domain.requests.expiry import current_request
from trio_connector.domain.requests.incoming import decision_result, require_manual_decision
from trio_connector.domain.requests.record import (
    INCOMING_REQUEST_STATUS_CHANGED,
    REQUESTS,
    LocalRequest,
    request_dto,
)
from trio_connector.errors import ConnectorError
from trio_connector.events.model import Event
from trio_connector.modules.options import WrongOption
from trio_connector.modules.told import tell_source_processed, told_request
from trio_connector.usecases.consumption import Reaction, react
from trio_connector.usecases.reachability import is_unreachable
from trio_connector.usecases.requests.incoming import PreparedDecision, prepare_decision
from trio_connector.usecases.services import Services

NAME = "decider"
PATTERNS = (INCOMING_REQUEST_STATUS_CHANGED,)

_MISMATCH = "error.runtime.decide.requestConfigDoesNotMatchResponseConfig"

log = structlog.get_logger("DeciderModule")


def rules_of(options: Mapping[str, Any]) -> tuple[AutomationRule, ...]:
    """The module's ``automationConfig``. Raises WrongOption when a rule cannot work; called at the start."""
    try:
        rules = msgspec.convert(options.get("automationConfig") or [], tuple[AutomationRule, ...])
    except msgspec.ValidationError as error:
        message = f"The automationConfig of the decider module is invalid: {error}"
        raise WrongOption("automationConfig", message, _MISMATCH) from error
    for index, rule in enumerate(rules):
        try:
            check_rules((rule,))
        except ConnectorError as error:
            raise WrongOption(f"automationConfig[{index}]", error.message, error.code) from error
    return rules


async def react_to(services: Services, rules: Sequence[AutomationRule], event: Event) -> None:
    """Decide the request that needs a decision, or hand it to people.

    Raises BackboneRequestError when the Backbone is needed and away; the reaction is then to be repeated.
    """
    request_id, status = told_request(event)
    request = services.store.get(REQUESTS, request_id)
    if status != "DecisionRequired" or request is None or request.status != "DecisionRequired":
        return
    prepared = await _prepared(services, rules, request)
    problems: list[str] = []

    def decide(changes: Changes) -> None:
        current = current_request(changes, request_id, own=False)
        if prepared is not None and current.status == "DecisionRequired":
            problem = _decide(changes, current, prepared)
            if problem is None:
                tell_source_processed(services, changes, current, "RequestAutomaticallyDecided")
                return
            problems.append(problem)
        try:
            require_manual_decision(changes, request_id)
        except ConnectorError as error:
            problems.append(error.message)
            tell_source_processed(services, changes, current, "Error")
        else:
            tell_source_processed(services, changes, current, "ManualRequestDecisionRequired")

    tags = None if prepared is None else prepared.tags
    await react(services, Reaction(NAME, event.position), decide, tags=tags)
    for problem in problems:
        log.error("A request could not be decided as configured", request=request_id, error=problem)


async def _prepared(
    services: Services, rules: Sequence[AutomationRule], request: LocalRequest
) -> PreparedDecision | None:
    shown: Json = msgspec.to_builtins(request_dto(request))
    exists = bool(services.store.select(RELATIONSHIPS, peer=request.peer))
    entries = decide_by_rules(shown, rules, relationship_exists=exists)
    if entries is None:
        return None
    accepting = any_accepted(entries)
    try:
        return await prepare_decision(services, request.id, {"items": entries}, accepting=accepting, automatically=True)
    except ConnectorError as error:
        if is_unreachable(error):
            raise
        log.error("A request could not be decided as configured", request=request.id, error=error.message)
        return None


def _decide(changes: Changes, request: LocalRequest, prepared: PreparedDecision) -> str | None:
    """Decide as configured, or say why that cannot be; then nothing is changed."""
    attempt = changes.nested()
    try:
        result = decision_result(attempt, request, prepared.params, accepting=prepared.accepting, files=prepared.files)
        if not result.is_success:
            return result.message or ""
        prepared.decide(attempt)
    except ConnectorError as error:
        return error.message
    changes.absorb(attempt)
    return None
