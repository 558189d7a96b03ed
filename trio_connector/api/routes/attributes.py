"""Attributes and attribute queries (connector spec section 7)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from trio_connector.api.answer import Answer
from trio_connector.api.call import Call
from trio_connector.api.routes.inputs import (
    PEER_FLAGS,
    VERSION_FLAGS,
    check,
    checked_path,
    extended,
    filters_of,
    flag,
    picked,
    query_of,
)
from trio_connector.api.routes.outputs import stored
from trio_connector.api.routing import Accept, Answering, Kind, Route
from trio_connector.domain.attributes.creation import is_identity_attribute
from trio_connector.domain.attributes.record import ATTRIBUTES
from trio_connector.domain.query_fields import (
    ATTRIBUTE_FIELDS,
    FORWARDING_DETAILS_FIELDS,
    OWN_IDENTITY_ATTRIBUTE_FIELDS,
    PEER_ATTRIBUTE_FIELDS,
    SHARED_ATTRIBUTE_FIELDS,
)
from trio_connector.usecases.attributes.changing import (
    can_create_own_identity_attribute,
    create_own_identity_attribute,
    delete_attribute_and_notify,
    notify_peer_about_succession,
    succeed_attribute,
)
from trio_connector.usecases.attributes.querying import (
    execute_identity_attribute_query,
    execute_iql_query,
    execute_relationship_attribute_query,
    execute_third_party_relationship_attribute_query,
    validate_iql_query,
)
from trio_connector.usecases.attributes.reading import (
    list_attributes,
    list_forwarding_details,
    list_own_attributes_shared_with_peer,
    list_own_identity_attributes,
    list_peer_attributes,
    shared_versions_of_attribute,
    versions_of_attribute,
)
from trio_connector.usecases.services import Services
from trio_connector.usecases.tags import get_tag_collection
from trio_connector.usecases.validation import Input
from trio_connector.usecases.validation import attributes as inputs
from trio_connector.usecases.validation.types import ADDRESS_STRING


async def _can_create(call: Call) -> Answer:
    check(call, inputs.CAN_CREATE_OWN_IDENTITY_ATTRIBUTE, call.body)
    return call.result(await can_create_own_identity_attribute(call.services, call.body["content"]))


async def _create(call: Call) -> Answer:
    check(call, inputs.CREATE_OWN_IDENTITY_ATTRIBUTE, call.body)
    return call.result(await create_own_identity_attribute(call.services, call.body["content"]))


async def _succeed(call: Call) -> Answer:
    predecessor_id = call.path["predecessorId"]
    predecessor = call.services.store.get(ATTRIBUTES, predecessor_id)
    content: Any = {}
    if predecessor is not None:
        request = extended(call.body, predecessorId=predecessor_id)
        is_identity = is_identity_attribute(predecessor.content)
        check(
            call,
            inputs.SUCCEED_OWN_IDENTITY_ATTRIBUTE if is_identity else inputs.SUCCEED_RELATIONSHIP_ATTRIBUTE,
            request,
        )
        content = call.body["successorContent"]
    return call.result(await succeed_attribute(call.services, predecessor_id, content))


async def _notify_peer(call: Call) -> Answer:
    request = picked(call.body, ["peer"]) | {"attributeId": call.path["id"]}
    check(call, inputs.NOTIFY_PEER, request)
    return call.result(await notify_peer_about_succession(call.services, request["attributeId"], request["peer"]))


async def _list(call: Call) -> Answer:
    return call.prepared(await list_attributes(call.services, query_of(call, ATTRIBUTE_FIELDS)))


async def _list_own_identity(call: Call) -> Answer:
    query = query_of(call, OWN_IDENTITY_ATTRIBUTE_FIELDS, without=VERSION_FLAGS)
    latest = flag(call, "onlyLatestVersions", True)
    return call.prepared(await list_own_identity_attributes(call.services, query, only_latest_versions=latest))


async def _list_shared(call: Call) -> Answer:
    peer = checked_path(call, inputs.OF_PEER, peer="peer")
    query = query_of(call, SHARED_ATTRIBUTE_FIELDS, without=PEER_FLAGS)
    found = await list_own_attributes_shared_with_peer(
        call.services,
        peer,
        query,
        hide_technical=flag(call, "hideTechnical", False),
        only_latest_versions=flag(call, "onlyLatestVersions", True),
    )
    return call.prepared(found)


async def _list_peer(call: Call) -> Answer:
    peer = checked_path(call, inputs.OF_PEER, peer="peer")
    query = query_of(call, PEER_ATTRIBUTE_FIELDS, without=PEER_FLAGS)
    found = await list_peer_attributes(
        call.services,
        peer,
        query,
        hide_technical=flag(call, "hideTechnical", False),
        only_latest_versions=flag(call, "onlyLatestVersions", True),
    )
    return call.prepared(found)


async def _get(call: Call) -> Answer:
    return stored(call, ATTRIBUTES, checked_path(call, inputs.GET_ATTRIBUTE, id="id"))


async def _forwarding_details(call: Call) -> Answer:
    query = query_of(call, FORWARDING_DETAILS_FIELDS)
    return call.prepared(await list_forwarding_details(call.services, call.path["id"], query))


async def _versions(call: Call) -> Answer:
    attribute_id = checked_path(call, inputs.GET_VERSIONS_OF_ATTRIBUTE, attributeId="id")
    return call.result(await versions_of_attribute(call.services, attribute_id))


async def _shared_versions(call: Call) -> Answer:
    request = picked(call.query, ["peer"]) | {"attributeId": call.path["id"]}
    check(call, inputs.GET_VERSIONS_OF_ATTRIBUTE_SHARED_WITH_PEER, request)
    latest = flag(call, "onlyLatestVersions", True)
    found = await shared_versions_of_attribute(
        call.services, request["attributeId"], request["peer"], only_latest_versions=latest
    )
    return call.result(found)


async def _tag_collection(call: Call) -> Answer:
    return call.result(await get_tag_collection(call.services))


def _query(use_case: Callable[[Services, object], Awaitable[Any]], input_: Input | None = None) -> Answering:
    async def answer(call: Call) -> Answer:
        if input_ is not None:
            check(call, input_, call.body)
        return call.result(await use_case(call.services, call.body))

    return answer


async def _delete(call: Call) -> Answer:
    attribute_id = checked_path(call, inputs.DELETE_ATTRIBUTE_AND_NOTIFY, attributeId="id")
    return call.result(await delete_attribute_and_notify(call.services, attribute_id))


def _listing(path: str, answer: Answering, summary: str, query: Any, result: str = "LocalAttribute") -> Route:
    return Route("GET", path, answer, summary, Kind.LIST, query=query, result=result)


ATTRIBUTE_ROUTES: Final = (
    Route(
        "PUT",
        "CanCreate",
        _can_create,
        "Whether an own identity attribute could be created.",
        waits=True,
        body=inputs.CAN_CREATE_OWN_IDENTITY_ATTRIBUTE.schema,
        result="CanCreate",
    ),
    Route(
        "POST",
        "",
        _create,
        "Create an own identity attribute.",
        status=201,
        changes=True,
        body=inputs.NEW_IDENTITY_ATTRIBUTE_BODY,
        result="LocalAttribute",
    ),
    _listing("", _list, "All attributes.", filters_of(ATTRIBUTE_FIELDS)),
    _listing(
        "Own/Identity",
        _list_own_identity,
        "Own identity attributes.",
        {**VERSION_FLAGS, **filters_of(OWN_IDENTITY_ATTRIBUTE_FIELDS)},
    ),
    _listing(
        "Own/Shared/{peer}",
        _list_shared,
        "Own attributes that a peer has.",
        {**PEER_FLAGS, **filters_of(SHARED_ATTRIBUTE_FIELDS)},
    ),
    _listing(
        "Peer/{peer}",
        _list_peer,
        "Attributes that came from a peer.",
        {**PEER_FLAGS, **filters_of(PEER_ATTRIBUTE_FIELDS)},
    ),
    Route(
        "GET",
        "TagCollection",
        _tag_collection,
        "The tags that the Backbone knows.",
        waits=True,
        result="AttributeTagCollection",
    ),
    Route("GET", "{id}", _get, "One attribute.", result="LocalAttribute"),
    _listing(
        "{id}/ForwardingDetails",
        _forwarding_details,
        "To whom an attribute was forwarded.",
        filters_of(FORWARDING_DETAILS_FIELDS),
        "LocalAttributeForwardingDetails",
    ),
    _listing("{id}/Versions", _versions, "All versions of an attribute.", {}),
    Route(
        "GET",
        "{id}/Versions/Shared",
        _shared_versions,
        "The versions of an attribute that a peer has.",
        Kind.LIST,
        query={"peer": ADDRESS_STRING, **VERSION_FLAGS},
        required_query=("peer",),
        result="LocalAttribute",
    ),
    Route(
        "POST",
        "{predecessorId}/Succeed",
        _succeed,
        "Give an own attribute a successor.",
        status=201,
        changes=True,
        body=inputs.SUCCEED_BODY,
        result="Succession",
    ),
    Route(
        "POST",
        "{id}/NotifyPeer",
        _notify_peer,
        "Give a peer the latest version of an attribute.",
        status=201,
        changes=True,
        body=inputs.NOTIFY_PEER_BODY,
        result="Succession",
    ),
    Route(
        "POST",
        "ExecuteIdentityAttributeQuery",
        _query(execute_identity_attribute_query),
        "The own attributes that answer a query.",
        Kind.LIST,
        body=inputs.QUERY_BODY,
        result="LocalAttribute",
    ),
    Route(
        "POST",
        "ExecuteRelationshipAttributeQuery",
        _query(execute_relationship_attribute_query),
        "The attribute that answers a query.",
        body=inputs.QUERY_BODY,
        result="LocalAttribute",
    ),
    Route(
        "POST",
        "ExecuteThirdPartyRelationshipAttributeQuery",
        _query(execute_third_party_relationship_attribute_query),
        "The attributes that answer a query.",
        Kind.LIST,
        body=inputs.QUERY_BODY,
        result="LocalAttribute",
    ),
    Route(
        "POST",
        "ExecuteIQLQuery",
        _query(execute_iql_query, inputs.EXECUTE_IQL_QUERY),
        "The own attributes that an IQL query selects.",
        Kind.LIST,
        body=inputs.EXECUTE_IQL_QUERY.schema,
        result="LocalAttribute",
    ),
    Route(
        "POST",
        "ValidateIQLQuery",
        _query(validate_iql_query, inputs.VALIDATE_IQL_QUERY),
        "Whether an IQL query is well formed.",
        body=inputs.VALIDATE_IQL_QUERY.schema,
        result="IQLValidation",
    ),
    Route(
        "DELETE",
        "{id}",
        _delete,
        "Delete an attribute and tell those who have it.",
        accept=Accept.ANY,
        changes=True,
        result="AttributeDeletion",
    ),
)
