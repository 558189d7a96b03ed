"""Relationship templates (Backbone spec section 7)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.embedded.backbone import (
    CONTENT,
    FORBIDDEN,
    INVALID,
    NOT_FOUND,
    SOME_ADDRESS,
    UNREADABLE,
    Backbone,
    message_of,
    refusal,
    result,
)
from trio_connector.crypto.encoding import to_base64, to_base64url

EXHAUSTED = (400, "error.platform.validation.relationshipTemplate.maxNumberOfAllocationsExhausted")
PASSWORD = bytes(range(224, 256))
"""Its base64 contains characters that a query string has to escape."""


async def test_everybody_reads_a_template_as_it_was_made(backbone: Backbone) -> None:
    owner, reader = await backbone.identity(), await backbone.identity()
    template_id = await owner.template()
    template = result(await reader.get(f"/RelationshipTemplates/{template_id}"))
    assert template == {
        "id": template_id,
        "createdBy": owner.address,
        "createdByDevice": owner.device_id,
        "maxNumberOfAllocations": None,
        "expiresAt": None,
        "content": CONTENT,
        "createdAt": template["createdAt"],
        "forIdentity": None,
    }


async def test_content_is_returned_as_base64url_however_it_came(backbone: Backbone) -> None:
    owner = await backbone.identity()
    content = bytes(range(256))
    for sent in (to_base64(content), to_base64url(content), to_base64url(content) + "=="):
        template_id = await owner.template(content=sent)
        assert result(await owner.get(f"/RelationshipTemplates/{template_id}"))["content"] == to_base64url(content)


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"content": None}, UNREADABLE),
        ({"content": "###"}, UNREADABLE),
        ({"content": 7}, UNREADABLE),
        ({"maxNumberOfAllocations": 0}, INVALID),
        ({"maxNumberOfAllocations": 1.5}, UNREADABLE),
        ({"maxNumberOfAllocations": True}, UNREADABLE),
        ({"maxNumberOfAllocations": 10**12}, UNREADABLE),
        ({"expiresAt": "2026-01-31T11:59:59.000Z"}, INVALID),
        ({"expiresAt": "tomorrow"}, UNREADABLE),
        ({"forIdentity": "did:e:localhost:dids:3a29ae5c1f591bbd9a2aab"}, INVALID),
        ({"forIdentity": "me"}, INVALID),
        ({"password": ""}, INVALID),
        ({"password": to_base64url(b"p" * 201)}, INVALID),
    ],
)
async def test_wrong_properties_are_refused(
    backbone: Backbone, change: dict[str, Any], refused: tuple[int, str]
) -> None:
    owner = await backbone.identity()
    body = {"content": CONTENT, **change}
    assert refusal(await owner.post("/RelationshipTemplates", body)) == refused


async def test_property_names_are_read_without_case_and_unknown_ones_ignored(backbone: Backbone) -> None:
    owner = await backbone.identity()
    body = {"Content": CONTENT, "MAXNUMBEROFALLOCATIONS": 3, "somethingElse": {}}
    template_id = result(await owner.post("/RelationshipTemplates", body), 201)["id"]
    assert result(await owner.get(f"/RelationshipTemplates/{template_id}"))["maxNumberOfAllocations"] == 3


async def test_each_reader_takes_one_allocation_and_the_owner_none(backbone: Backbone) -> None:
    owner, first, second, third = [await backbone.identity() for _ in range(4)]
    path = f"/RelationshipTemplates/{await owner.template(maxNumberOfAllocations=2)}"
    for reader in (owner, first, first, second, first):
        result(await reader.get(path))
    response = await third.get(path)
    assert refusal(response) == EXHAUSTED
    assert message_of(response).startswith("The maximum number of allocations (maxNumberOfAllocations)")
    assert await owner.event_types() == ["RelationshipTemplateAllocationsExhausted"]


async def test_the_last_allocation_is_reported_once(backbone: Backbone) -> None:
    owner, reader = await backbone.identity(), await backbone.identity()
    template_id = await owner.template(maxNumberOfAllocations=1)
    for _ in range(2):
        result(await reader.get(f"/RelationshipTemplates/{template_id}"))
    (event,) = await owner.events()
    assert event["payload"] == {"relationshipTemplateId": template_id}


async def test_an_expired_template_is_gone_for_all_but_those_it_brought_together(backbone: Backbone) -> None:
    owner, requester, stranger = [await backbone.identity() for _ in range(3)]
    template_id = await owner.template(expiresAt=backbone.clock.in_the_future(minutes=1))
    lonely_id = await owner.template(expiresAt=backbone.clock.in_the_future(minutes=1))
    result(await requester.post("/Relationships", {"relationshipTemplateId": template_id}), 201)
    backbone.clock.advance(minutes=2)
    for who in (owner, requester):
        result(await who.get(f"/RelationshipTemplates/{template_id}"))
    assert refusal(await stranger.get(f"/RelationshipTemplates/{template_id}")) == NOT_FOUND
    assert refusal(await owner.get(f"/RelationshipTemplates/{lonely_id}")) == NOT_FOUND


async def test_a_personal_template_is_for_one_identity(backbone: Backbone) -> None:
    owner, reader, stranger = [await backbone.identity() for _ in range(3)]
    path = f"/RelationshipTemplates/{await owner.template(forIdentity=reader.address)}"
    result(await owner.get(path))
    assert result(await reader.get(path))["forIdentity"] == reader.address
    response = await stranger.get(path)
    assert refusal(response) == NOT_FOUND
    assert message_of(response) == (
        "RelationshipTemplate not found. Make sure the ID exists and the record is not expired. If a password is "
        "required to fetch the record, make sure you passed the correct one."
    )


async def test_a_password_is_asked_for_until_it_was_given_once(backbone: Backbone) -> None:
    owner, reader = await backbone.identity(), await backbone.identity()
    path = f"/RelationshipTemplates/{await owner.template(password=to_base64url(PASSWORD))}"
    result(await owner.get(path))
    assert refusal(await reader.get(path)) == NOT_FOUND
    assert refusal(await reader.get(f"{path}?password={quote(to_base64(b'wrong'), safe='')}")) == NOT_FOUND
    result(await reader.get(f"{path}?password={quote(to_base64(PASSWORD), safe='')}"))
    result(await reader.get(path))


async def test_a_wrong_password_takes_no_allocation(backbone: Backbone) -> None:
    owner, reader = await backbone.identity(), await backbone.identity()
    template_id = await owner.template(password=to_base64url(b"right"), maxNumberOfAllocations=1)
    assert refusal(await reader.get(f"/RelationshipTemplates/{template_id}")) == NOT_FOUND
    assert await owner.event_types() == []


@pytest.mark.parametrize("id_", ["RLTaaaaaaaaaaaaaaaaaa", "TOKaaaaaaaaaaaaaaaaa", "RLT", "RLTaaaa%20aaa", "RLT-"])
async def test_an_id_is_checked(backbone: Backbone, id_: str) -> None:
    reader = await backbone.identity()
    response = await reader.get(f"/RelationshipTemplates/{id_}")
    assert refusal(response) == INVALID
    assert message_of(response) == (
        "'id': The ID or Address is not valid. Check length, prefix and the used characters."
    )


async def test_only_the_owner_deletes_a_template(backbone: Backbone) -> None:
    owner, reader = await backbone.identity(), await backbone.identity()
    path = f"/RelationshipTemplates/{await owner.template()}"
    assert refusal(await reader.delete(path)) == FORBIDDEN
    assert (await owner.delete(path)).status_code == 204
    assert refusal(await owner.delete(path)) == NOT_FOUND


async def test_a_relationship_outlives_its_template(backbone: Backbone) -> None:
    owner, requester = await backbone.identity(), await backbone.identity()
    relationship_id = await requester.request_relationship(owner)
    template_id = result(await owner.get(f"/Relationships/{relationship_id}"))["relationshipTemplateId"]
    await owner.delete(f"/RelationshipTemplates/{template_id}")
    assert result(await owner.get(f"/Relationships/{relationship_id}"))["relationshipTemplateId"] is None


async def test_lists_leave_out_what_the_caller_may_not_read_and_allocate_nothing(backbone: Backbone) -> None:
    owner, reader = await backbone.identity(), await backbone.identity()
    plain = await owner.template(maxNumberOfAllocations=1)
    protected = await owner.template(password=to_base64url(PASSWORD))
    personal = await owner.template(forIdentity=SOME_ADDRESS)
    listed = result(await reader.get("/RelationshipTemplates", ids=[plain, protected, personal]))
    assert [template["id"] for template in listed] == [plain]
    assert await owner.event_types() == []
    query = {
        "templates.0.id": protected,
        "templates.0.password": to_base64(PASSWORD),
        "templates.1.id": plain,
    }
    listed = result(await reader.get("/RelationshipTemplates", **query))
    assert {template["id"] for template in listed} == {plain, protected}
    assert refusal(await reader.get("/RelationshipTemplates")) == INVALID
