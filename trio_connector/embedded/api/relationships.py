"""Relationships (Backbone spec section 9)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from trio_connector.crypto.addresses import backbone_pseudonym
from trio_connector.embedded.api.call import Call, Reply, Routes, created, paged, result, text_of
from trio_connector.embedded.api.quotas import check_quotas
from trio_connector.embedded.api.templates import allocate, visible_template
from trio_connector.embedded.domain import errors, rules
from trio_connector.embedded.domain import relationships as domain
from trio_connector.embedded.domain.deletion import ACTIVE
from trio_connector.embedded.domain.moments import written
from trio_connector.embedded.domain.relationships import Actor, Relationship
from trio_connector.embedded.store import relationships as store
from trio_connector.embedded.store.consequences import spread
from trio_connector.embedded.store.events import add_event
from trio_connector.embedded.store.identities import identity_status

_MAX_CONTENT_BYTES = 10 * rules.MEBIBYTE
_WITH_RESPONSE = ("Accept", "Reject", "Revoke")

ROUTES = Routes()


@ROUTES.add("GET", "/Relationships/CanCreate", reads=True)
def can_create_relationship(call: Call) -> Reply:
    """Whether the caller could ask ``peer`` for a relationship."""
    peer = call.query.text("peer") or ""
    rules.valid_address("peerAddress", peer)
    code = _obstacle(call, peer)
    return result({"canCreate": code is None, "code": code})


@ROUTES.add("POST", "/Relationships")
def create_relationship(call: Call) -> Reply:
    """Ask the owner of a template for a relationship."""
    fields = call.fields
    template_id, content = fields.text("relationshipTemplateId"), fields.optional_data("creationContent")
    rules.valid_id("relationshipTemplateId", template_id, "RLT")
    rules.bytes_between("creationContent", content, 0, _MAX_CONTENT_BYTES)
    check_quotas(call, "NumberOfRelationships")
    template, reader = visible_template(call.tx, template_id, call.me)
    allocate(call.tx, template, reader)
    owner = template.created_by
    code = _obstacle(call, owner) if owner != call.me else None
    if code == errors.PEER_IS_TO_BE_DELETED:
        raise errors.peer_is_to_be_deleted()
    if code == errors.RELATIONSHIP_TO_TARGET_ALREADY_EXISTS:
        raise errors.relationship_to_target_already_exists()
    if owner == call.me:
        raise errors.cannot_create_relationship_with_yourself()
    relationship = domain.created(call.tx.new_id("REL"), template.id, _actor(call), owner, call.now)
    store.insert_relationship(call.tx, relationship, content)
    add_event(call.tx, owner, domain.STATUS_CHANGED, {"relationshipId": relationship.id})
    return created(_metadata(relationship))


@ROUTES.add("GET", "/Relationships/{}", reads=True)
def get_relationship(call: Call) -> Reply:
    """One of the caller's relationships, with its contents."""
    relationship = _of_caller(call)
    domain.check_may_read(relationship, call.me)
    return result(_full(call, relationship))


@ROUTES.add("GET", "/Relationships", reads=True)
def list_relationships(call: Call) -> Reply:
    """Of the relationships asked for, those of the caller that it has not decomposed."""
    ids = call.query.texts("ids")
    if not ids:
        raise errors.invalid_property("'Ids' must not be empty.")
    found = []
    for id_ in dict.fromkeys(ids):
        rules.valid_id("ids", id_, "REL")
        relationship = store.relationship_of(call.tx, id_, call.me)
        if relationship is not None and not relationship.decomposed_by(call.me):
            found.append(relationship)
    found.sort(key=lambda relationship: relationship.created_at)
    page = call.page
    items = [_full(call, relationship) for relationship in found[page.offset : page.offset + page.size]]
    return paged(items, len(found), page)


def _operation(name: str) -> Callable[[Call], Reply]:
    return partial(_carry_out, name)


def _carry_out(operation: str, call: Call) -> Reply:
    content = None
    if operation in _WITH_RESPONSE:
        content = call.optional_fields.optional_data("creationResponseContent")
        rules.bytes_between("creationResponseContent", content, 0, _MAX_CONTENT_BYTES)
    if operation == "Accept":
        check_quotas(call, "NumberOfRelationships")
    before = _of_caller(call)
    after, event = domain.carried_out(operation, before, _actor(call), call.now)
    store.update_relationship(call.tx, after)
    if operation in _WITH_RESPONSE:
        store.set_response_content(call.tx, after.id, content or b"")
    anonymized = backbone_pseudonym(call.settings.did_domain_name)
    spread(call.tx, after, call.me, before.peer_of(call.me), event, anonymized)
    return result(_metadata(after))


for _name in domain.OPERATIONS:
    ROUTES.add("PUT", f"/Relationships/{{}}/{_name}")(_operation(_name))


def _obstacle(call: Call, peer: str) -> str | None:
    """The code of what stands between the caller and a relationship to ``peer``; raises when there is no peer."""
    status = identity_status(call.tx, peer)
    if status is None:
        raise errors.not_found("Identity")
    if status != ACTIVE:
        return errors.PEER_IS_TO_BE_DELETED
    existing = store.relationships_between(call.tx, call.me, peer)
    if any(relationship.status in domain.BLOCKING_A_NEW_ONE for relationship in existing):
        return errors.RELATIONSHIP_TO_TARGET_ALREADY_EXISTS
    return None


def _of_caller(call: Call) -> Relationship:
    relationship = store.relationship_of(call.tx, call.id_("REL", name="relationshipId"), call.me)
    if relationship is None:
        raise errors.not_found("Relationship")
    return relationship


def _actor(call: Call) -> Actor:
    return Actor(call.me, call.caller.device_id)


def _metadata(relationship: Relationship) -> dict[str, Any]:
    return {
        "id": relationship.id,
        "relationshipTemplateId": relationship.template_id,
        "from": relationship.from_address,
        "to": relationship.to_address,
        "createdAt": written(relationship.created_at),
        "status": relationship.status,
        "auditLog": [
            {
                "createdAt": written(entry.created_at),
                "createdBy": entry.created_by,
                "createdByDevice": entry.created_by_device,
                "reason": entry.reason,
                "oldStatus": entry.old_status,
                "newStatus": entry.new_status,
            }
            for entry in relationship.audit_log
        ],
    }


def _full(call: Call, relationship: Relationship) -> dict[str, Any]:
    creation, response = store.relationship_contents(call.tx, relationship.id)
    return {
        **_metadata(relationship),
        "creationContent": text_of(creation),
        "creationResponseContent": text_of(response),
    }
