"""Identity metadata, and deleting the own identity in debug mode (connector spec section 7)."""

from __future__ import annotations

from typing import Any, Final

from trio_connector.api.answer import Answer
from trio_connector.api.call import Call
from trio_connector.api.routes.inputs import check, number, picked
from trio_connector.api.routing import Accept, Kind, Route
from trio_connector.domain.identity_deletion import identity_deletion_process_dto
from trio_connector.usecases.identity_deletion import (
    cancel_identity_deletion,
    get_active_identity_deletion_process,
    initiate_identity_deletion,
)
from trio_connector.usecases.identity_metadata import (
    delete_identity_metadata,
    get_identity_metadata,
    upsert_identity_metadata,
)
from trio_connector.usecases.validation import account as inputs
from trio_connector.usecases.validation.types import ADDRESS_STRING, NUMBER, TEXT

_QUERY: Final = {"reference": ADDRESS_STRING, "key": TEXT}


def _reference_and_key(call: Call) -> tuple[str, str | None]:
    request: dict[str, Any] = picked(call.query, ["reference", "key"])
    check(call, inputs.IDENTITY_METADATA, request)
    return request["reference"], request.get("key")


async def _upsert(call: Call) -> Answer:
    check(call, inputs.UPSERT_IDENTITY_METADATA, call.body)
    metadata = await upsert_identity_metadata(
        call.services, reference=call.body["reference"], key=call.body.get("key"), value=call.body["value"]
    )
    return call.result(metadata)


async def _get(call: Call) -> Answer:
    return call.result(await get_identity_metadata(call.services, *_reference_and_key(call)))


async def _delete(call: Call) -> Answer:
    await delete_identity_metadata(call.services, *_reference_and_key(call))
    return call.nothing()


async def _initiate_deletion(call: Call) -> Answer:
    process = await initiate_identity_deletion(call.services, number(call, "lengthOfGracePeriodInDays"))
    return call.result(identity_deletion_process_dto(process))


async def _active_deletion(call: Call) -> Answer:
    return call.result(identity_deletion_process_dto(get_active_identity_deletion_process(call.services)))


async def _cancel_deletion(call: Call) -> Answer:
    return call.result(identity_deletion_process_dto(await cancel_identity_deletion(call.services)))


IDENTITY_METADATA_ROUTES: Final = (
    Route(
        "PUT",
        "",
        _upsert,
        "Note something down about the own identity or a peer.",
        changes=True,
        body=inputs.UPSERT_IDENTITY_METADATA.schema,
        result="IdentityMetadata",
    ),
    Route(
        "GET",
        "",
        _get,
        "What was noted down about an identity.",
        accept=Accept.ANY,
        query=_QUERY,
        required_query=("reference",),
        result="IdentityMetadata",
    ),
    Route(
        "DELETE",
        "",
        _delete,
        "Forget what was noted down about an identity.",
        Kind.NOTHING,
        204,
        Accept.ANY,
        changes=True,
        query=_QUERY,
        required_query=("reference",),
    ),
)
IDENTITY_DELETION_ROUTES: Final = (
    Route(
        "POST",
        "",
        _initiate_deletion,
        "Start to delete the own identity.",
        changes=True,
        query={"lengthOfGracePeriodInDays": NUMBER},
        result="IdentityDeletionProcess",
    ),
    Route("GET", "", _active_deletion, "The deletion process that runs.", result="IdentityDeletionProcess"),
    Route(
        "DELETE",
        "",
        _cancel_deletion,
        "Cancel the deletion process that runs.",
        changes=True,
        result="IdentityDeletionProcess",
    ),
)
