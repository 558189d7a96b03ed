"""Attributes of 6.x: repository attributes, and the copies of them that peers have (SDK 6.7.0).

The copy a peer has is told of by the attribute's forwarding details. It has no life of its own here: only what belongs
to a relationship, or came from a peer, can be deleted on one side; a repository attribute is deleted as a whole, and
everybody who has it is told.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec

from trio_connector.api.answer import Answer
from trio_connector.api.call import Call
from trio_connector.api.legacy.adapting import Json, Shape, reshaped
from trio_connector.api.legacy.attributes import FIELDS, without_validity
from trio_connector.api.legacy.shapes_6 import attribute_6, shared_attribute_6
from trio_connector.api.legacy.translating import of_body
from trio_connector.api.request import Parameters
from trio_connector.api.routes.inputs import check, flag
from trio_connector.api.routing import Accept, Answering, Kind, Route
from trio_connector.domain.attributes.record import (
    FORWARDING_DETAILS,
    OWN_IDENTITY,
    OWN_RELATIONSHIP,
    PEER_IDENTITY,
    PEER_RELATIONSHIP,
    THIRD_PARTY,
    forwarding_details_dto,
)
from trio_connector.domain.attributes.versions import versions
from trio_connector.domain.query import matches
from trio_connector.domain.query_language import ListFields, parse_query
from trio_connector.errors import ConnectorError
from trio_connector.usecases.attributes.changing import delete_attribute_and_notify
from trio_connector.usecases.attributes.reading import (
    find_attribute,
    list_own_attributes_shared_with_peer,
    list_peer_attributes,
    shared_versions_of_attribute,
)
from trio_connector.usecases.services import Services
from trio_connector.usecases.validation import attributes as inputs

ROLES: Final = ("core:attributes",)
FLAGS: Final = ("peer", "hideTechnical", "onlyLatestVersions", "onlyValid")
_SHARED_FIELDS: Final = ListFields(
    names=FIELDS.names,
    custom={"content.tags": FIELDS.custom["content.tags"]},
    strict=False,
)
"""Filters of copies, by their paths in 6.x: they are asked of what is shown."""

Listing = Callable[..., Awaitable[bytes]]


@of_body
def successor_content(body: Json) -> Json:
    """The body of a succession, whose attribute has no validity."""
    content = body.get("successorContent")
    return {**body, "successorContent": without_validity(content)} if isinstance(content, dict) else body


def shared_with(peer: str) -> Shape:
    """The shape of an attribute as ``peer`` has it."""

    def shape(services: Services, attribute: Any) -> Json:
        details = services.store.select(FORWARDING_DETAILS, attribute_id=attribute["id"], peer=peer)
        if attribute.get("peer") == peer or not details:
            return attribute_6(attribute)
        return shared_attribute_6(attribute, msgspec.to_builtins(forwarding_details_dto(details[-1])))

    return shape


def _shared_list(path: str, listing: Listing, successor: str) -> Route:
    async def answer(call: Call) -> Answer:
        peer = call.query.get("peer")
        check(call, inputs.OF_PEER, {} if peer is None else {"peer": peer})
        query = parse_query(_filters(call.query), _SHARED_FIELDS)
        found = await listing(
            call.services,
            peer,
            hide_technical=flag(call, "hideTechnical", False),
            only_latest_versions=flag(call, "onlyLatestVersions", True),
        )
        given = await reshaped(call.services, call.prepared(found), shared_with(str(peer)))
        if not query.conditions:
            return given
        shown = msgspec.json.decode(given.body)["result"]
        return call.result([attribute for attribute in shown if matches(query, attribute)])

    return Route("GET", path, answer, "Attributes that were shared.", Kind.LIST, roles=ROLES, successor=successor)


def _filters(parameters: Parameters) -> Mapping[str, str | list[str]]:
    """The filters among the parameters; clients of 6.x write ``query.`` before their names."""
    return {name.removeprefix("query."): value for name, value in parameters.items() if name not in FLAGS}


async def _shared_versions(call: Call) -> Answer:
    attribute_id = call.path["id"]
    check(call, inputs.GET_VERSIONS_OF_ATTRIBUTE, {"attributeId": attribute_id})
    attribute = find_attribute(call.services, attribute_id)
    latest = flag(call, "onlyLatestVersions", True)
    store = call.services.store
    holders = dict.fromkeys(
        details.peer
        for version in versions(store, attribute)
        for details in store.select(FORWARDING_DETAILS, attribute_id=version.id)
    )
    given = call.query.get("peers", call.query.get("peers[]"))
    wanted = holders if given is None else [given] if isinstance(given, str) else given
    shown: list[Json] = []
    for peer in wanted:
        found = await shared_versions_of_attribute(call.services, attribute_id, peer, only_latest_versions=latest)
        shown += [shared_with(peer)(call.services, msgspec.to_builtins(version)) for version in found]
    return call.result(shown)


# --- deleting ------------------------------------------------------------------------------------------------------


def copy_cannot_be_deleted(attribute_id: str) -> ConnectorError:
    """A peer's copy is the attribute itself."""
    return ConnectorError(
        "error.connector.legacy.copyCannotBeDeleted",
        f"What a peer has of the Attribute '{attribute_id}' is no copy any more and cannot be deleted on its own. "
        "Delete the Attribute, or ask the peer with a DeleteAttributeRequestItem.",
    )


def _wrong_kind(name: str, shown: str, attribute_id: str) -> ConnectorError:
    return ConnectorError(f"error.runtime.attributes.isNot{name}", f"Attribute '{attribute_id}' is not {shown}.")


def _deleting(name: str, shown: str, *kinds: str) -> Answering:
    async def answer(call: Call) -> Answer:
        attribute_id = call.path["id"]
        check(call, inputs.DELETE_ATTRIBUTE_AND_NOTIFY, {"attributeId": attribute_id})
        attribute = find_attribute(call.services, attribute_id)
        if attribute.kind not in kinds:
            if OWN_RELATIONSHIP in kinds and attribute.kind == OWN_IDENTITY and attribute.number_of_forwards:
                raise copy_cannot_be_deleted(attribute_id)
            raise _wrong_kind(name, shown, attribute_id)
        notifications = (await delete_attribute_and_notify(call.services, attribute_id)).notification_ids
        if call.route.status == 204:
            return call.nothing()
        # There is one peer to tell, or none that could be told.
        return call.result({"notificationId": notifications[0]} if notifications else {})

    return answer


def _deletion(path: str, answer: Answering, status: int = 200) -> Route:
    return Route(
        "DELETE",
        path,
        answer,
        "Delete an attribute.",
        Kind.NOTHING if status == 204 else Kind.JSON,
        status,
        Accept.ANY,
        changes=True,
        roles=ROLES,
        successor="Attributes/{id}",
    )


SHARED_ATTRIBUTE_ROUTES: Final = (
    _shared_list(
        "Attributes/Own/Shared/Identity", list_own_attributes_shared_with_peer, "Attributes/Own/Shared/{peer}"
    ),
    _shared_list("Attributes/Peer/Shared/Identity", list_peer_attributes, "Attributes/Peer/{peer}"),
    Route(
        "GET",
        "Attributes/{id}/Versions/Shared",
        _shared_versions,
        "The versions of an attribute that peers have.",
        Kind.LIST,
        roles=ROLES,
        successor="Attributes/{id}/Versions/Shared",
    ),
    _deletion(
        "Attributes/Own/Shared/{id}", _deleting("OwnSharedAttribute", "an own shared Attribute", OWN_RELATIONSHIP)
    ),
    _deletion(
        "Attributes/Peer/Shared/{id}",
        _deleting("PeerSharedAttribute", "a peer shared Attribute", PEER_IDENTITY, PEER_RELATIONSHIP),
    ),
    _deletion(
        "Attributes/ThirdParty/{id}",
        _deleting("ThirdPartyRelationshipAttribute", "a ThirdPartyRelationshipAttribute", THIRD_PARTY),
    ),
    _deletion("Attributes/{id}", _deleting("RepositoryAttribute", "a RepositoryAttribute", OWN_IDENTITY), 204),
)
