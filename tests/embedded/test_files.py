"""Files and their ownership (Backbone spec section 11)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.embedded.backbone import (
    CONTENT,
    FORBIDDEN,
    INVALID,
    NOT_FOUND,
    UNREADABLE,
    Backbone,
    Identity,
    message_of,
    refusal,
    result,
)
from trio_connector.crypto.encoding import to_base64url

MEBIBYTE = 1024 * 1024


async def uploaded(owner: Identity, **changes: Any) -> dict[str, Any]:
    file: dict[str, Any] = result(await owner.upload(**changes), 201)
    return file


async def metadata(who: Identity, file_id: str) -> Any:
    return result(await who.get(f"/Files/{file_id}/metadata"))


async def test_everybody_reads_a_file_as_it_was_uploaded(backbone: Backbone) -> None:
    owner, reader = await backbone.identity(), await backbone.identity()
    content = bytes(range(256)) * 10
    file = await uploaded(owner, content=content)
    assert (file["createdBy"], file["owner"], file["cipherSize"]) == (owner.address, owner.address, 2560)
    assert len(file["ownershipToken"]) == 20
    response = await reader.get(f"/Files/{file['id']}")
    assert (response.content, response.headers["content-type"]) == (content, "application/octet-stream")
    seen = await metadata(reader, file["id"])
    assert (seen["encryptedProperties"], seen["ownershipIsLocked"]) == (CONTENT, False)
    assert "ownershipToken" not in seen


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"content": b""}, (400, "InclusiveBetweenValidator")),
        ({"content": b"x" * (10 * MEBIBYTE + 1)}, (400, "InclusiveBetweenValidator")),
        ({"cipherHash": ""}, INVALID),
        ({"cipherHash": to_base64url(b"h" * 129)}, INVALID),
        ({"cipherHash": "###"}, UNREADABLE),
        ({"ownerSignature": to_base64url(b"s" * 513)}, INVALID),
        ({"expiresAt": "2020-01-01T00:00:00.000Z"}, INVALID),
        ({"expiresAt": "soon"}, UNREADABLE),
        ({"encryptedProperties": to_base64url(b"p" * (MEBIBYTE + 1))}, INVALID),
    ],
)
async def test_wrong_parts_are_refused(backbone: Backbone, change: dict[str, Any], refused: tuple[int, str]) -> None:
    owner = await backbone.identity()
    assert refusal(await owner.upload(**change)) == refused


async def test_the_largest_file_fits(backbone: Backbone) -> None:
    owner = await backbone.identity()
    file = await uploaded(owner, content=b"x" * (10 * MEBIBYTE))
    assert len((await owner.get(f"/Files/{file['id']}")).content) == 10 * MEBIBYTE


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=x", b"no parts"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="content"\r\n\r\n'),
        ("multipart/form-data; boundary=" + "x" * 1000, b""),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 100 + b"--x--\r\n",
        ),
    ],
)
async def test_what_is_no_form_is_refused(backbone: Backbone, content_type: str, body: bytes) -> None:
    owner = await backbone.identity()
    response = await owner.request("POST", "/Files", content=body, headers={"content-type": content_type})
    assert refusal(response) == UNREADABLE


async def test_an_expired_file_is_gone_on_every_path(backbone: Backbone) -> None:
    owner = await backbone.identity()
    file = await uploaded(owner, expiresAt=backbone.clock.in_the_future(minutes=1))
    backbone.clock.advance(minutes=2)
    path, token = f"/Files/{file['id']}", {"ownershipToken": file["ownershipToken"]}
    for response in (
        await owner.get(path),
        await owner.get(f"{path}/metadata"),
        await owner.delete(path),
        await owner.post(f"{path}/ValidateOwnershipToken", token),
        await owner.patch(f"{path}/RegenerateOwnershipToken"),
        await owner.patch(f"{path}/ClaimOwnership", token),
    ):
        assert refusal(response) == NOT_FOUND
        assert message_of(response).startswith("File not found.")
    assert result(await owner.get("/Files")) == []


async def test_only_the_creator_deletes_and_lists_a_file(backbone: Backbone) -> None:
    creator, other = await backbone.identity(), await backbone.identity()
    first, second = await uploaded(creator), await uploaded(creator)
    listed = result(await creator.get("/Files"))
    assert [file["id"] for file in listed] == [first["id"], second["id"]]
    assert [file["id"] for file in result(await creator.get("/Files", ids=[second["id"]]))] == [second["id"]]
    assert result(await other.get("/Files")) == []
    assert refusal(await other.delete(f"/Files/{first['id']}")) == FORBIDDEN
    assert (await creator.delete(f"/Files/{first['id']}")).status_code == 204
    assert refusal(await creator.get(f"/Files/{first['id']}")) == NOT_FOUND


async def validate(who: Identity, file_id: str, token: str) -> bool:
    response = await who.post(f"/Files/{file_id}/ValidateOwnershipToken", {"ownershipToken": token})
    return bool(result(response)["isValid"])


async def test_a_wrong_guess_of_somebody_else_locks_the_file_once(backbone: Backbone) -> None:
    owner, other = await backbone.identity(), await backbone.identity()
    file = await uploaded(owner)
    file_id, token = file["id"], file["ownershipToken"]
    assert await validate(other, file_id, token)
    assert not await validate(owner, file_id, "wrong")
    assert await validate(other, file_id, token), "the owner's own mistake locks nothing"
    for _ in range(2):
        assert not await validate(other, file_id, "wrong")
    assert not await validate(other, file_id, token)
    assert (await metadata(other, file_id))["ownershipIsLocked"] is True
    (event,) = await owner.events()
    assert (event["type"], event["payload"]) == ("FileOwnershipLocked", {"fileId": file_id})


async def test_a_new_token_unlocks_the_file(backbone: Backbone) -> None:
    owner, other = await backbone.identity(), await backbone.identity()
    file = await uploaded(owner)
    await validate(other, file["id"], "wrong")
    assert refusal(await other.patch(f"/Files/{file['id']}/RegenerateOwnershipToken")) == FORBIDDEN
    token = result(await owner.patch(f"/Files/{file['id']}/RegenerateOwnershipToken"))["newOwnershipToken"]
    assert token != file["ownershipToken"]
    assert await validate(other, file["id"], token)


async def claim(who: Identity, file_id: str, token: str) -> Any:
    return await who.patch(f"/Files/{file_id}/ClaimOwnership", {"ownershipToken": token})


async def test_the_right_token_moves_the_ownership(backbone: Backbone) -> None:
    owner, heir = await backbone.identity(), await backbone.identity()
    file = await uploaded(owner)
    new_token = result(await claim(heir, file["id"], file["ownershipToken"]))["newOwnershipToken"]
    assert new_token != file["ownershipToken"]
    seen = await metadata(owner, file["id"])
    assert (seen["owner"], seen["createdBy"]) == (heir.address, owner.address)
    (event,) = await owner.events()
    assert (event["type"], event["payload"]) == (
        "FileOwnershipClaimed",
        {"fileId": file["id"], "newOwnerAddress": heir.address},
    )
    assert (await claim(owner, file["id"], new_token)).status_code == 200, "and back again"


async def test_a_claim_with_a_wrong_token_locks_and_tells_once(backbone: Backbone) -> None:
    owner, other = await backbone.identity(), await backbone.identity()
    file = await uploaded(owner)
    for token in ("wrong", file["ownershipToken"]):
        assert refusal(await claim(other, file["id"], token)) == FORBIDDEN
    assert await owner.event_types() == ["FileOwnershipLocked"]
    assert (await metadata(owner, file["id"]))["ownershipIsLocked"] is True


async def test_nobody_claims_its_own_file(backbone: Backbone) -> None:
    owner = await backbone.identity()
    file = await uploaded(owner)
    response = await claim(owner, file["id"], file["ownershipToken"])
    assert refusal(response) == (400, "error.platform.validation.file.cannotClaimOwnershipOfOwnFile")


@pytest.mark.parametrize("token", ["", "x" * 21, "with space", "ümlaut", None])
async def test_what_cannot_be_a_token_is_refused(backbone: Backbone, token: str | None) -> None:
    owner, other = await backbone.identity(), await backbone.identity()
    file = await uploaded(owner)
    for response in (
        await other.post(f"/Files/{file['id']}/ValidateOwnershipToken", {"ownershipToken": token}),
        await other.patch(f"/Files/{file['id']}/ClaimOwnership", {"ownershipToken": token}),
    ):
        assert refusal(response) == INVALID
        assert message_of(response) == "Invalid ownership token."
    assert await owner.event_types() == []
