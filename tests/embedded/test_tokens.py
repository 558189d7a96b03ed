"""Tokens (Backbone spec section 8)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.embedded.backbone import (
    API,
    CONTENT,
    FORBIDDEN,
    INVALID,
    NOT_FOUND,
    UNREADABLE,
    Backbone,
    message_of,
    refusal,
    result,
)
from trio_connector.crypto.encoding import to_base64, to_base64url
from trio_connector.embedded.domain.tokens import MAX_FAILED_ATTEMPTS

LOCKED = (400, "error.platform.token.tooManyFailedPasswordAttempts")
PASSWORD = b"a password"
RIGHT = {"password": to_base64(PASSWORD)}
WRONG = {"password": to_base64(b"wrong")}
PROTECTED = {"password": to_base64url(PASSWORD)}


async def empty_token(backbone: Backbone, **changes: Any) -> str:
    body = {"expiresAt": backbone.clock.in_the_future(minutes=2), **changes}
    return str(result(await backbone.client.post(f"{API}/Tokens", json=body), 201)["id"])


async def test_everybody_reads_a_token_as_it_was_made(backbone: Backbone) -> None:
    creator = await backbone.identity()
    token_id = await creator.token()
    token = result(await backbone.client.get(f"{API}/Tokens/{token_id}"))
    assert token == {
        "id": token_id,
        "createdBy": creator.address,
        "createdByDevice": creator.device_id,
        "forIdentity": None,
        "createdAt": token["createdAt"],
        "expiresAt": "2026-02-01T12:00:00.000Z",
        "content": CONTENT,
        "isPasswordProtected": False,
    }


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"expiresAt": None}, UNREADABLE),
        ({"expiresAt": "2020-01-01"}, INVALID),
        ({"expiresAt": 7}, UNREADABLE),
        ({"forIdentity": "nobody"}, INVALID),
        ({"password": ""}, INVALID),
        ({"password": to_base64url(b"p" * 201)}, INVALID),
        ({"content": "###"}, UNREADABLE),
    ],
)
async def test_wrong_properties_are_refused(
    backbone: Backbone, change: dict[str, Any], refused: tuple[int, str]
) -> None:
    creator = await backbone.identity()
    body = {"content": CONTENT, "expiresAt": backbone.clock.in_the_future(), **change}
    assert refusal(await creator.post("/Tokens", body)) == refused


async def test_nobody_in_particular_makes_empty_tokens_that_live_shortly(backbone: Backbone) -> None:
    token_id = await empty_token(backbone)
    token = result(await backbone.client.get(f"{API}/Tokens/{token_id}"))
    assert (token["createdBy"], token["createdByDevice"], token["content"]) == (None, None, None)
    for wrong in (
        {"expiresAt": backbone.clock.in_the_future(minutes=6)},
        {"content": CONTENT, "expiresAt": backbone.clock.in_the_future(minutes=2)},
    ):
        assert refusal(await backbone.client.post(f"{API}/Tokens", json=wrong)) == INVALID


async def test_an_identity_makes_empty_tokens_too(backbone: Backbone) -> None:
    creator = await backbone.identity()
    token_id = await creator.token(content=None)
    assert result(await creator.get(f"/Tokens/{token_id}"))["content"] is None


async def test_an_empty_token_is_filled_once_by_its_new_creator(backbone: Backbone) -> None:
    token_id = await empty_token(backbone, **PROTECTED)
    writer, other = await backbone.identity(), await backbone.identity()
    body = {"newContent": CONTENT, **RIGHT}
    filled = result(await writer.post(f"/Tokens/{token_id}/UpdateContent", body))
    assert (filled["createdBy"], filled["createdByDevice"]) == (writer.address, writer.device_id)
    assert "content" not in filled
    response = await other.post(f"/Tokens/{token_id}/UpdateContent", body)
    assert refusal(response) == (400, "error.platform.token.contentUpdateNotPossibleBecauseContentAlreadyExists")
    assert result(await writer.get(f"/Tokens/{token_id}"))["content"] == CONTENT
    anonymous = await backbone.client.get(f"{API}/Tokens/{token_id}", params=RIGHT)
    assert result(anonymous)["content"] == CONTENT
    assert refusal(await backbone.client.get(f"{API}/Tokens/{token_id}")) == NOT_FOUND


async def test_filling_asks_for_the_password_and_content(backbone: Backbone) -> None:
    token_id = await empty_token(backbone, **PROTECTED)
    writer = await backbone.identity()
    path = f"/Tokens/{token_id}/UpdateContent"
    assert refusal(await writer.post(path, {"newContent": CONTENT, **WRONG})) == NOT_FOUND
    assert refusal(await writer.post(path, {"newContent": CONTENT})) == NOT_FOUND
    assert refusal(await writer.post(path, {"newContent": "", **RIGHT})) == INVALID
    assert refusal(await writer.post(path, RIGHT)) == UNREADABLE


async def test_an_expired_empty_token_cannot_be_filled(backbone: Backbone) -> None:
    token_id = await empty_token(backbone)
    writer = await backbone.identity()
    backbone.clock.advance(minutes=3)
    assert refusal(await writer.post(f"/Tokens/{token_id}/UpdateContent", {"newContent": CONTENT})) == NOT_FOUND


async def test_who_has_read_a_token_may_read_it_for_ever(backbone: Backbone) -> None:
    creator, reader, late = [await backbone.identity() for _ in range(3)]
    path = f"/Tokens/{await creator.token(expiresAt=backbone.clock.in_the_future(minutes=1), **PROTECTED)}"
    result(await reader.get(path, **RIGHT))
    backbone.clock.advance(minutes=2)
    for who in (creator, reader):
        result(await who.get(path))
    assert refusal(await late.get(path, **RIGHT)) == NOT_FOUND
    assert refusal(await backbone.client.get(API + path, params=RIGHT)) == NOT_FOUND


async def test_a_personal_token_is_for_one_identity(backbone: Backbone) -> None:
    creator, reader, stranger = [await backbone.identity() for _ in range(3)]
    path = f"/Tokens/{await creator.token(forIdentity=reader.address)}"
    result(await reader.get(path))
    result(await creator.get(path))
    response = await stranger.get(path)
    assert refusal(response) == NOT_FOUND
    assert message_of(response).startswith("Token not found.")
    assert refusal(await backbone.client.get(API + path)) == NOT_FOUND


async def test_a_password_that_is_not_asked_for_is_ignored(backbone: Backbone) -> None:
    creator = await backbone.identity()
    result(await backbone.client.get(f"{API}/Tokens/{await creator.token()}", params=WRONG))


async def test_the_hundredth_wrong_password_locks_the_token_and_tells_its_creator_once(backbone: Backbone) -> None:
    creator, reader = await backbone.identity(), await backbone.identity()
    token_id = await creator.token(**PROTECTED)
    path = f"/Tokens/{token_id}"
    for _ in range(MAX_FAILED_ATTEMPTS - 1):
        assert refusal(await backbone.client.get(API + path, params=WRONG)) == NOT_FOUND
    assert await creator.event_types() == []
    response = await reader.get(path, **WRONG)
    assert refusal(response) == LOCKED
    assert message_of(response) == "Too many wrong password attempts, the token is locked."
    for params in (WRONG, RIGHT):
        assert refusal(await reader.get(path, **params)) == LOCKED
    (event,) = await creator.events()
    assert (event["type"], event["payload"]) == ("TokenLocked", {"tokenId": token_id})
    result(await creator.get(path))


async def test_only_the_creator_deletes_a_token(backbone: Backbone) -> None:
    creator, reader = await backbone.identity(), await backbone.identity()
    path = f"/Tokens/{await creator.token()}"
    assert refusal(await reader.delete(path)) == FORBIDDEN
    assert (await creator.delete(path)).status_code == 204
    assert refusal(await creator.delete(path)) == NOT_FOUND


async def test_lists_hold_own_tokens_and_those_read_before(backbone: Backbone) -> None:
    creator, reader = await backbone.identity(), await backbone.identity()
    read, unread = await creator.token(), await creator.token()
    result(await reader.get(f"/Tokens/{read}"))
    own = await reader.token()
    listed = result(await reader.get("/Tokens", ids=[read, unread, own]))
    assert [token["id"] for token in listed] == [read, own]
    assert [token["id"] for token in result(await reader.get("/Tokens", **{"tokens.0.id": own}))] == [own]
    assert refusal(await reader.get("/Tokens")) == INVALID
