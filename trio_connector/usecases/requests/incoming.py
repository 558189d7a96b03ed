"""Incoming requests: read, check, accept, reject, delete (runtime spec 5.7, consumption spec 1.3)."""

from __future__ import annotations

from trio_connector.domain.attributes.tags import TagCollection
from trio_connector.domain.changes import Changes
from trio_connector.domain.query import EVERYTHING, Query
from trio_connector.domain.requests.incoming import check_deletable, decide, decision_result
from trio_connector.domain.requests.items.processor import FileFacts
from trio_connector.domain.requests.parameters import parsed_items
from trio_connector.domain.requests.record import (
    REQUESTS,
    LocalRequest,
    LocalRequestDTO,
    request_dto,
    request_not_found,
)
from trio_connector.domain.validation_result import ValidationResult
from trio_connector.usecases.consumption import change, current_view, tags_in, tags_to_check
from trio_connector.usecases.requests.files import claim_files, facts_for_acceptance
from trio_connector.usecases.requests.reading import expire_request, list_requests, read_request
from trio_connector.usecases.services import Services


async def get_incoming_request(services: Services, request_id: str) -> LocalRequestDTO:
    """One incoming request. Raises ``error.runtime.recordNotFound``."""
    return request_dto(await read_request(services, request_id, own=False))


async def list_incoming_requests(services: Services, query: Query = EVERYTHING) -> bytes:
    """The DTOs of all incoming requests that ``query`` asks for, as a JSON array."""
    return await list_requests(services, query, own=False)


async def can_accept_incoming_request(services: Services, request_id: str, params: object) -> ValidationResult:
    """Whether the request can be accepted with ``params`` (``{items: [...]}``).

    Raises ``error.transport.recordNotFound``, and what keeps the request from being decided at all.
    """
    return await _check(services, request_id, params, accepting=True)


async def can_reject_incoming_request(services: Services, request_id: str, params: object) -> ValidationResult:
    """Whether the request can be rejected with ``params``; raises like ``can_accept_incoming_request``."""
    return await _check(services, request_id, params, accepting=False)


async def accept_incoming_request(services: Services, request_id: str, params: object) -> LocalRequestDTO:
    """Accept the request: it is Decided, and what its items ask for is done, in one unit.

    Files are claimed at the Backbone before; a repetition after a crash finds them claimed. Raises
    ``error.runtime.recordNotFound``, UnexpectedCondition, DeserializationError, BackboneRequestError.
    """
    await read_request(services, request_id, own=False)
    prepared = await prepare_decision(services, request_id, params, accepting=True)
    return request_dto(await change(services, prepared.decide, tags=prepared.tags))


async def reject_incoming_request(services: Services, request_id: str, params: object) -> LocalRequestDTO:
    """Reject the request; raises like ``accept_incoming_request``."""
    await read_request(services, request_id, own=False)
    prepared = await prepare_decision(services, request_id, params, accepting=False)
    return request_dto(await change(services, prepared.decide, tags=prepared.tags))


async def delete_incoming_request(services: Services, request_id: str) -> None:
    """Delete an incoming request that is Expired."""
    request = await read_request(services, request_id, own=False)
    check_deletable(request)

    def delete(changes: Changes) -> None:
        known = changes.get(REQUESTS, request_id)
        if known is not None:
            check_deletable(known)
            changes.delete(REQUESTS, request_id)

    await change(services, delete)


class PreparedDecision:
    """A decision for which the Backbone was asked what had to be asked: ``decide`` completes it inside a unit."""

    def __init__(
        self, request: LocalRequest, params: object, *, accepting: bool, automatically: bool, tags: TagCollection
    ) -> None:
        self.request = request
        self.params = params
        self.accepting = accepting
        self.automatically = automatically
        self.tags = tags
        self.files: dict[str, FileFacts] = {}

    def decide(self, changes: Changes) -> LocalRequest:
        """Accept or reject; see ``domain.requests.incoming.decide``."""
        return decide(
            changes,
            self.request.id,
            self.params,
            accepting=self.accepting,
            files=self.files,
            automatically=self.automatically,
        )


async def prepare_decision(
    services: Services, request_id: str, params: object, *, accepting: bool, automatically: bool = False
) -> PreparedDecision:
    """Ask for tags and files, and claim the files of a decision that will succeed.

    Raises RecordNotFound and DeserializationError; what else is wrong comes out when it is decided.
    """
    request, prepared = await _prepare(services, request_id, params, accepting=accepting, automatically=automatically)
    if accepting and prepared.files:
        view = current_view(services, prepared.tags)
        result = decision_result(view, request, params, accepting=True, files=prepared.files)
        if result.is_success:
            prepared.files = await claim_files(services, request, parsed_items(params), prepared.files)
    return prepared


async def _check(services: Services, request_id: str, params: object, *, accepting: bool) -> ValidationResult:
    request, prepared = await _prepare(services, request_id, params, accepting=accepting)
    view = current_view(services, prepared.tags)
    return decision_result(view, request, params, accepting=accepting, files=prepared.files)


async def _prepare(
    services: Services, request_id: str, params: object, *, accepting: bool, automatically: bool = False
) -> tuple[LocalRequest, PreparedDecision]:
    entries = parsed_items(params)
    await expire_request(services, request_id, own=False)
    request = services.store.get(REQUESTS, request_id)
    if request is None or request.is_own:
        raise request_not_found(request_id)
    tags = await tags_to_check(services, tags_in([request.content["items"], entries]) if accepting else ())
    prepared = PreparedDecision(request, params, accepting=accepting, automatically=automatically, tags=tags)
    if accepting and request.status in ("DecisionRequired", "ManualDecisionRequired"):
        prepared.files = await facts_for_acceptance(services, request, entries)
    return request, prepared
