"""Uploads, downloads and QR codes (connector spec section 6)."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from tests.api.served import CORE, ServedApi, error_of

FILES = f"{CORE}/Files"
INVALID = "error.runtime.validation.invalidPropertyValue"


async def uploaded(api: ServedApi, **options: Any) -> dict[str, Any]:
    options.setdefault("files", {"file": ("ä b.txt", b"content", "text/plain")})
    response = await api.client.post(f"{FILES}/Own", **options)
    assert response.status_code == 201, response.text
    result: dict[str, Any] = response.json()["result"]
    return result


async def test_a_file_is_uploaded_read_and_downloaded(api: ServedApi) -> None:
    file = await uploaded(api, data={"title": "t", "description": "d", "tags": ["x:a", "x:b"]})
    assert {name: file[name] for name in ("filename", "filesize", "mimetype", "title", "description", "tags")} == {
        "filename": "ä b.txt",
        "filesize": 7,
        "mimetype": "text/plain",
        "title": "t",
        "description": "d",
        "tags": ["x:a", "x:b"],
    }
    assert file["expiresAt"] == "9999-12-31T00:00:00.000Z"
    for id_or_reference in (file["id"], file["reference"]["truncated"]):
        assert (await api.client.get(f"{FILES}/{id_or_reference}")).json()["result"] == file
    download = await api.client.get(f"{FILES}/{file['id']}/Download")
    assert (download.status_code, download.content) == (200, b"content")
    assert download.headers["content-type"] == "text/plain"
    assert download.headers["content-disposition"] == "attachment;filename=%C3%A4%20b.txt"
    assert (await api.client.get(FILES, params={"filename": "ä b.txt"})).json()["result"] == [file]
    assert (await api.client.delete(f"{FILES}/{file['id']}")).status_code == 204
    assert error_of(await api.client.get(f"{FILES}/{file['id']}"))[0] == 404


async def test_an_empty_file_is_a_file(api: ServedApi) -> None:
    file = await uploaded(api, files={"file": ("empty", b"")})
    assert (await api.client.get(f"{FILES}/{file['id']}/Download")).content == b""


async def test_one_tag_is_a_list_of_one(api: ServedApi) -> None:
    assert (await uploaded(api, data={"tags": "x:a"}))["tags"] == ["x:a"]
    assert (await uploaded(api, data={"tags": ["x:a"], "tags[]": "x:b"}))["tags"] == ["x:a", "x:b"]
    response = await api.client.post(
        f"{FILES}/Own", files={"file": ("a", b"a")}, data={"tags": ["x:a", "x:b", "x:a", "x:b"]}
    )
    assert error_of(response)[2] == "tags must NOT have duplicate items (items ## 3 and 1 are identical)"


async def test_a_file_may_be_as_long_as_allowed_and_not_longer(api: ServedApi) -> None:
    # Encrypted and written as text it is longer, and must still fit the Backbone's limit.
    content = bytes(range(256)) * 4 * 1024 * 7
    file = await uploaded(api, files={"file": ("big", content)})
    assert (await api.client.get(f"{FILES}/{file['id']}/Download")).content == content
    too_long = b"x" * (10 * 1024 * 1024 + 1)
    response = await api.client.post(f"{FILES}/Own", files={"file": ("big", too_long)})
    assert error_of(response) == (400, INVALID, "'content' is too large")


async def test_without_a_file_the_content_is_missing(api: ServedApi) -> None:
    for options in ({}, {"json": {"title": "t"}}, {"data": {"title": "t"}}, {"files": {"title": (None, "t")}}):
        response = await api.client.post(f"{FILES}/Own", **options)
        assert error_of(response) == (400, INVALID, "must have required property 'content'")


@pytest.mark.parametrize(
    "options",
    [
        {"files": {"other": ("a", b"a")}},
        {"files": [("file", ("a", b"a")), ("file", ("b", b"b"))]},
        {"content": b"x", "headers": {"Content-Type": "multipart/form-data"}},
        {"content": b"x", "headers": {"Content-Type": "multipart/form-data; boundary=b"}},
        {
            "content": b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nnever ends',
            "headers": {"Content-Type": "multipart/form-data; boundary=b"},
        },
        {
            "content": b"--b\r\nNo-Disposition: 1\r\n\r\nx\r\n--b--\r\n",
            "headers": {"Content-Type": "multipart/form-data; boundary=b"},
        },
        {
            "content": b'--b\r\nContent-Disposition: form-data; name="file"; filename="\xff"\r\n\r\nx\r\n--b--\r\n',
            "headers": {"Content-Type": "multipart/form-data; boundary=b"},
        },
    ],
)
async def test_a_form_that_is_none_is_refused(api: ServedApi, options: dict[str, Any]) -> None:
    status, code, _ = error_of(await api.client.post(f"{FILES}/Own", **options))
    assert (status, code) == (400, INVALID)


async def test_a_text_field_named_file_is_ignored(api: ServedApi) -> None:
    file = await uploaded(api, files=[("file", (None, "text")), ("file", ("a.txt", b"a"))])
    assert file["filename"] == "a.txt"


async def test_text_fields_have_a_limit_together(api: ServedApi) -> None:
    response = await api.client.post(
        f"{FILES}/Own", files={"file": ("a", b"a")}, data={f"f{number}": "x" * 300_000 for number in range(4)}
    )
    assert error_of(response)[0] == 413


@pytest.mark.parametrize(
    ("expires_at", "message"),
    [
        ("", "expiresAt must match ISO8601 datetime format"),
        ("1970", "'expiresAt' must be in the future"),
        ("2099-02-30", "An error was thrown in a UseCase: The date is invalid."),
    ],
)
async def test_a_file_expires_in_the_future(api: ServedApi, expires_at: str, message: str) -> None:
    response = await api.client.post(f"{FILES}/Own", files={"file": ("a", b"a")}, data={"expiresAt": expires_at})
    assert error_of(response)[2] == message


async def test_a_type_that_cannot_stand_in_a_header_is_not_passed_on(api: ServedApi) -> None:
    file = await uploaded(api, files={"file": ("a", b"a", "no type")})
    assert file["mimetype"] == "no type"
    download = await api.client.get(f"{FILES}/{file['id']}/Download")
    assert download.headers["content-type"] == "application/octet-stream"


async def test_what_is_neither_id_nor_reference_is_refused(api: ServedApi) -> None:
    for text in ("nonsense", "VE9L", "%C3%A4", "FIL1"):
        assert error_of(await api.client.get(f"{FILES}/{text}"))[:2] == (400, INVALID)


async def test_qr_codes_are_png_images_of_the_reference(api: ServedApi) -> None:
    file = await uploaded(api)
    png = {"Accept": "image/png"}
    response = await api.client.get(f"{FILES}/{file['id']}", headers=png)
    assert (response.status_code, response.headers["content-type"]) == (200, "image/png")
    assert response.headers["content-disposition"] == f"attachment;filename={file['id']}.png"
    assert response.content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", response.content[16:24])
    # Modules of 4 pixels and a quiet zone of 4 modules; a code has 4 * version + 17 modules.
    assert width == height
    assert (width // 4 - 8 - 17) % 4 == 0
    token = await api.client.post(f"{FILES}/{file['id']}/Token", headers=png)
    assert (token.status_code, token.headers["location"]) == (201, "_")
    assert token.headers["content-type"] == "image/png"
    # A token that is handed out as an image is not kept.
    assert (await api.client.get(f"{CORE}/Tokens/Own")).json()["result"] == []
    for accept in ("image/*", "application/json;q=0.5, image/png"):
        response = await api.client.get(f"{FILES}/{file['id']}", headers={"Accept": accept})
        assert response.headers["content-type"] == "image/png"
    response = await api.client.get(f"{FILES}/FILaaaaaaaaaaaaaaaaa", headers=png)
    assert error_of(response)[0] == 404


async def test_a_token_for_a_file_ignores_what_it_does_not_know(api: ServedApi) -> None:
    file = await uploaded(api)
    response = await api.client.post(f"{FILES}/{file['id']}/Token", json={"unknown": 1, "ephemeral": False})
    assert response.status_code == 201
    token = response.json()["result"]
    assert (token["isEphemeral"], token["content"]["fileId"]) == (False, file["id"])
    assert (await api.client.get(f"{CORE}/Tokens/{token['id']}")).json()["result"] == token
    response = await api.client.post(f"{FILES}/{file['id']}/Token", json={"ephemeral": "yes"})
    assert error_of(response)[2] == "ephemeral must be boolean"
