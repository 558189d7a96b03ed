"""Relationship templates (Backbone spec section 7)."""

from __future__ import annotations

from typing import Any

from trio_connector.embedded.api.call import Call, Reply, Routes, created, no_content, paged, result, text_of
from trio_connector.embedded.api.quotas import check_quotas
from trio_connector.embedded.domain import errors, rules
from trio_connector.embedded.domain import templates as domain
from trio_connector.embedded.domain.moments import written, written_or_none
from trio_connector.embedded.domain.templates import Reader, Template
from trio_connector.embedded.store import templates as store
from trio_connector.embedded.store.database import Transaction
from trio_connector.embedded.store.events import add_event

_MAX_CONTENT_BYTES = 10 * rules.MEBIBYTE

ROUTES = Routes()


@ROUTES.add("POST", "/RelationshipTemplates")
def create_template(call: Call) -> Reply:
    """A new template of the caller."""
    fields = call.fields
    template = Template(
        id=call.tx.new_id("RLT"),
        created_by=call.me,
        created_by_device=call.caller.device_id,
        created_at=call.now,
        expires_at=fields.optional_moment("expiresAt"),
        max_allocations=fields.optional_integer("maxNumberOfAllocations"),
        for_identity=fields.optional_text("forIdentity"),
        password=fields.optional_data("password"),
        content=fields.data("content"),
    )
    rules.bytes_between("content", template.content, 0, _MAX_CONTENT_BYTES)
    if template.max_allocations is not None and template.max_allocations <= 0:
        raise errors.invalid_property("'maxNumberOfAllocations' must be greater than '0'.")
    if template.expires_at is not None:
        rules.in_the_future("expiresAt", template.expires_at, call.now)
    if template.for_identity is not None:
        rules.valid_address("forIdentity", template.for_identity)
    rules.password_size("password", template.password)
    check_quotas(call, "NumberOfRelationshipTemplates")
    store.insert_template(call.tx, template)
    return created({"id": template.id, "createdAt": written(template.created_at)})


@ROUTES.add("GET", "/RelationshipTemplates/{}")
def get_template(call: Call) -> Reply:
    """Read a template, which takes one of its allocations the first time."""
    id_, password = call.id_("RLT"), call.query.data("password")
    rules.password_size("password", password)
    template, reader = visible_template(call.tx, id_, call.me)
    if not domain.password_fits(template, reader, password):
        raise errors.not_found("RelationshipTemplate")
    allocate(call.tx, template, reader)
    return result(_dto(template))


@ROUTES.add("DELETE", "/RelationshipTemplates/{}")
def delete_template(call: Call) -> Reply:
    """Only the owner may."""
    template, _ = visible_template(call.tx, call.id_("RLT"), call.me)
    if template.created_by != call.me:
        raise errors.forbidden()
    store.delete_template(call.tx, template.id)
    return no_content()


@ROUTES.add("GET", "/RelationshipTemplates", reads=True)
def list_templates(call: Call) -> Reply:
    """Several templates, without those the caller may not read; allocates nothing."""
    wanted: list[tuple[str, bytes | None]] = [(id_, None) for id_ in call.query.texts("ids")]
    wanted += [(item.text("id"), item.optional_data("password")) for item in call.query.indexed("templates")]
    rules.not_empty("queryItems", wanted)
    found = []
    for id_, password in dict(wanted).items():
        rules.valid_id("id", id_, "RLT")
        rules.password_size("password", password)
        template = store.template(call.tx, id_)
        if template is None:
            continue
        reader = store.reader_of(call.tx, id_, call.me)
        if domain.is_visible(template, reader, call.now) and domain.password_fits(template, reader, password):
            found.append(template)
    found.sort(key=lambda template: template.created_at)
    page = call.page
    items = [_dto(template) for template in found[page.offset : page.offset + page.size]]
    return paged(items, len(found), page)


def visible_template(tx: Transaction, id_: str, address: str) -> tuple[Template, Reader]:
    """The template and the reader's ties to it; raises PlatformError when it does not exist for the reader."""
    template = store.template(tx, id_)
    reader = store.reader_of(tx, id_, address)
    if template is None or not domain.is_visible(template, reader, tx.now):
        raise errors.not_found("RelationshipTemplate")
    return template, reader


def allocate(tx: Transaction, template: Template, reader: Reader) -> None:
    """Count the reader; raises PlatformError when the template is used up. Its owner hears of the last allocation."""
    allocations = store.count_allocations(tx, template.id)
    if not domain.needs_allocation(template, reader, allocations):
        return
    store.allocate_template(tx, template.id, reader.address)
    if allocations + 1 == template.max_allocations:
        payload = {"relationshipTemplateId": template.id}
        add_event(tx, template.created_by, domain.ALLOCATIONS_EXHAUSTED, payload)


def _dto(template: Template) -> dict[str, Any]:
    return {
        "id": template.id,
        "createdBy": template.created_by,
        "createdByDevice": template.created_by_device,
        "maxNumberOfAllocations": template.max_allocations,
        "expiresAt": written_or_none(template.expires_at),
        "content": text_of(template.content),
        "createdAt": written(template.created_at),
        "forIdentity": template.for_identity,
    }
