"""What the Backbone is asked about files that are to change hands, and the claim itself (consumption spec 3.10)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import structlog
from msgspec.structs import replace

from trio_connector.crypto.ciphers import SecretKey
from trio_connector.crypto.references import FileReference
from trio_connector.domain.contents import is_group
from trio_connector.domain.file import File
from trio_connector.domain.identity import Json
from trio_connector.domain.requests.items.processor import FileFacts
from trio_connector.domain.requests.items.transfer_file_ownership import file_id_of
from trio_connector.domain.requests.parameters import accepts
from trio_connector.domain.requests.record import LocalRequest
from trio_connector.errors import BackboneRequestError, ConnectorError
from trio_connector.usecases.files import (
    claim_ownership,
    load_file,
    refreshed_file,
    regenerate_ownership_token,
    validate_ownership_token,
)
from trio_connector.usecases.services import Services

FILE_CLAIMS = "FileClaims"
"""Map from file id to the request because of which its ownership is being claimed."""

_TRANSFER = "TransferFileOwnershipRequestItem"

log = structlog.get_logger("Consumption.RequestsController")


def transfer_items(items: Sequence[Json]) -> list[Json]:
    """The items of a request that are about the ownership of files."""
    return [item for item in _singles(items) if item.get("@type") == _TRANSFER]


def accepted_transfers(items: Sequence[Json], entries: Sequence[Json]) -> list[Json]:
    """The items about files that a decision accepts; a decision of the wrong shape accepts what it can."""
    found: list[Json] = []
    for item, entry in zip(items, entries, strict=False):
        inner = entry.get("items")
        if is_group(item):
            found += accepted_transfers(item["items"], inner if isinstance(inner, list) else [])
        elif item.get("@type") == _TRANSFER and accepts(entry):
            found.append(item)
    return found


def _singles(items: Sequence[Json]) -> Iterator[Json]:
    for item in items:
        if is_group(item):
            yield from _singles(item["items"])
        else:
            yield item


async def facts_for_creation(services: Services, items: Sequence[Json]) -> dict[str, FileFacts]:
    """What must be known before own files can be offered. A token is asked about only where the rest is right."""
    facts: dict[str, FileFacts] = {}
    for item in transfer_items(items):
        file_id = file_id_of(item)
        file = services.store.get(services.collections.files, file_id)
        valid = False
        if file is not None and file.is_own and services.now() <= file.expires_at:
            valid = await _token_is_valid(services, file_id, item["ownershipToken"])
        facts[file_id] = FileFacts(file=file, token_is_valid=valid)
    return facts


async def facts_for_acceptance(
    services: Services, request: LocalRequest, entries: Sequence[Json]
) -> dict[str, FileFacts]:
    """What must be known before a peer's files can be taken; unknown ones are loaded and stored."""
    facts: dict[str, FileFacts] = {}
    for item in accepted_transfers(request.content["items"], entries):
        file_id = file_id_of(item)
        file = await _loaded(services, item["fileReference"])
        if file is None:
            facts[file_id] = FileFacts(file=None)
            continue
        file, claimed = await _claimed_before(services, request, file)
        valid = False
        if not file.is_own and file.owner == request.peer and services.now() <= file.expires_at:
            valid = await _token_is_valid(services, file_id, item["ownershipToken"])
        facts[file_id] = FileFacts(
            file=file, token_is_valid=valid, claimed=claimed, truncated_reference=_truncated(services, file)
        )
    return facts


async def claim_files(
    services: Services, request: LocalRequest, entries: Sequence[Json], facts: Mapping[str, FileFacts]
) -> dict[str, FileFacts]:
    """Become the owner of all files that the decision takes; the facts afterwards.

    That we do so because of this request is stored first: a repetition after a crash finds the files claimed.
    """
    after = dict(facts)
    for item in accepted_transfers(request.content["items"], entries):
        file_id = file_id_of(item)
        known = after[file_id]
        if known.claimed:
            continue
        await services.store.transact(
            lambda unit, file_id=file_id: unit.put_value(FILE_CLAIMS, file_id, request.id)  # type: ignore[misc]
        )
        file = await claim_ownership(services, file_id, item["ownershipToken"])
        after[file_id] = replace_facts(known, file)
    return after


def replace_facts(facts: FileFacts, file: File) -> FileFacts:
    """The facts once the file is ours."""
    return FileFacts(file=file, token_is_valid=False, claimed=True, truncated_reference=facts.truncated_reference)


async def _claimed_before(services: Services, request: LocalRequest, file: File) -> tuple[File, bool]:
    if services.store.value(FILE_CLAIMS, file.id) != request.id:
        return file, False
    if not file.is_own:
        refreshed = await refreshed_file(services, file)
        if not refreshed.is_own:
            return file, False
        # The claim reached the Backbone but its answer, with the new token, was never recorded.
        await services.store.transact(lambda unit: unit.put(services.collections.files, replace(refreshed)))
        file = await regenerate_ownership_token(services, file.id)
    return file, True


async def _loaded(services: Services, reference: str) -> File | None:
    try:
        return await load_file(services, FileReference.of_text(reference))
    except BackboneRequestError as error:
        if error.code == "error.platform.recordNotFound":
            return None
        raise
    except ConnectorError as error:
        log.warning("A file that a peer offers cannot be read", code=error.code)
        return None


async def _token_is_valid(services: Services, file_id: str, token: str) -> bool:
    try:
        return await validate_ownership_token(services, file_id, token)
    except BackboneRequestError as error:
        if error.code == "error.platform.recordNotFound":
            return False
        raise


def _truncated(services: Services, file: File) -> str:
    reference = FileReference(id=file.id, key=SecretKey.from_json(file.secret_key), backbone_base_url=services.base_url)
    return reference.truncated()
