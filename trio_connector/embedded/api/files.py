"""Files (Backbone spec section 11)."""

from __future__ import annotations

from typing import Any

from trio_connector.embedded.api.call import Call, Reply, Routes, created, no_content, paged, result, text_of
from trio_connector.embedded.api.fields import Fields
from trio_connector.embedded.api.multipart import parts_of
from trio_connector.embedded.api.quotas import check_quotas
from trio_connector.embedded.domain import errors, rules
from trio_connector.embedded.domain import files as domain
from trio_connector.embedded.domain.files import Claim, File
from trio_connector.embedded.domain.moments import written
from trio_connector.embedded.store import files as store
from trio_connector.embedded.store.events import add_event

_MAX_CONTENT_BYTES = 10 * rules.MEBIBYTE
_OCTETS = "application/octet-stream"

ROUTES = Routes()


@ROUTES.add("POST", "/Files")
def upload_file(call: Call) -> Reply:
    """A new file of the caller, as ``multipart/form-data``."""
    parts = parts_of(call.request.headers.get(b"content-type", b""), call.request.body)
    content = parts.pop("content", None)
    if content is None:
        raise errors.cannot_be_parsed("content", "The property is required.")
    fields = Fields({name: part.decode("utf-8", "replace") for name, part in parts.items()})
    cipher_hash, signature = fields.data("cipherHash"), fields.data("ownerSignature")
    expires_at = fields.moment("expiresAt")
    properties = fields.optional_data("encryptedProperties") or b""
    if not 1 <= len(content) <= _MAX_CONTENT_BYTES:
        raise errors.rule_broken(
            "InclusiveBetweenValidator",
            f"'Content Length' must be between 1 and {_MAX_CONTENT_BYTES}. You entered {len(content)}.",
        )
    rules.bytes_between("cipherHash", cipher_hash, 1, 128)
    rules.in_the_future("expiresAt", expires_at, call.now)
    rules.bytes_between("ownerSignature", signature, 1, 512)
    rules.bytes_between("encryptedProperties", properties, 0, rules.MEBIBYTE)
    check_quotas(call, "NumberOfFiles", "UsedFileStorageSpace")
    device_id = call.caller.device_id
    file = File(
        id=call.tx.new_id("FIL"),
        created_at=call.now,
        created_by=call.me,
        created_by_device=device_id,
        modified_at=call.now,
        modified_by=call.me,
        modified_by_device=device_id,
        owner=call.me,
        owner_signature=signature,
        ownership_token=domain.new_ownership_token(call.tx.random),
        ownership_is_locked=False,
        cipher_size=len(content),
        cipher_hash=cipher_hash,
        expires_at=expires_at,
        encrypted_properties=properties,
    )
    store.insert_file(call.tx, file, content)
    return created(
        {
            "id": file.id,
            "createdAt": written(file.created_at),
            "createdBy": file.created_by,
            "createdByDevice": file.created_by_device,
            "modifiedAt": written(file.modified_at),
            "modifiedBy": file.modified_by,
            "modifiedByDevice": file.modified_by_device,
            "deletedAt": None,
            "deletedBy": None,
            "deletedByDevice": None,
            "owner": file.owner,
            "ownerSignature": text_of(file.owner_signature),
            "ownershipToken": file.ownership_token,
            "cipherSize": file.cipher_size,
            "cipherHash": text_of(file.cipher_hash),
            "expiresAt": written(file.expires_at),
        }
    )


@ROUTES.add("GET", "/Files/{}", reads=True)
def download_file(call: Call) -> Reply:
    """The bytes, for everybody who knows the id."""
    return Reply(200, store.file_content(call.tx, _existing(call).id), _OCTETS)


@ROUTES.add("GET", "/Files/{}/Metadata", reads=True)
def get_file_metadata(call: Call) -> Reply:
    """Everything but the bytes, for everybody who knows the id."""
    return result(_metadata(_existing(call)))


@ROUTES.add("GET", "/Files", reads=True)
def list_files(call: Call) -> Reply:
    """The files created by the caller, or of those the ones asked for."""
    ids = call.query.texts("ids")
    for id_ in ids:
        rules.valid_id("ids", id_, "FIL")
    page = call.page
    total = store.count_files_created_by(call.tx, call.me, ids)
    files = store.files_created_by(call.tx, call.me, ids, page.offset, page.size)
    return paged([_metadata(file) for file in files], total, page)


@ROUTES.add("DELETE", "/Files/{}")
def delete_file(call: Call) -> Reply:
    """Only the creator may."""
    file = _existing(call)
    if file.created_by != call.me:
        raise errors.forbidden()
    store.delete_file(call.tx, file.id)
    return no_content()


@ROUTES.add("POST", "/Files/{}/ValidateOwnershipToken")
def validate_ownership_token(call: Call) -> Reply:
    """Whether the token is right. A wrong guess of somebody else locks the file."""
    token = domain.check_ownership_token(call.fields.optional_text("ownershipToken"))
    file = _existing(call)
    is_valid, is_to_be_locked = domain.validated(file, token, call.me)
    if is_to_be_locked:
        _lock(call, file)
    return result({"isValid": is_valid})


@ROUTES.add("PATCH", "/Files/{}/RegenerateOwnershipToken")
def regenerate_ownership_token(call: Call) -> Reply:
    """A new token, and no lock any more; only the owner may."""
    file = _existing(call)
    if file.owner != call.me:
        raise errors.forbidden()
    token = domain.new_ownership_token(call.tx.random)
    store.update_ownership(call.tx, domain.with_token(file, token))
    return result({"newOwnershipToken": token})


@ROUTES.add("PATCH", "/Files/{}/ClaimOwnership")
def claim_ownership(call: Call) -> Reply:
    """Become the owner with the right token. A wrong one locks the file."""
    token = domain.check_ownership_token(call.fields.optional_text("ownershipToken"))
    before = _existing(call)
    claim, file = domain.claimed(before, token, call.me, domain.new_ownership_token(call.tx.random))
    match claim:
        case Claim.OWN_FILE:
            raise errors.cannot_claim_own_file()
        case Claim.REFUSED:
            raise errors.forbidden()
        case Claim.LOCKED_NOW:
            _lock(call, before)
            return call.refused(errors.forbidden())
        case Claim.GRANTED:
            store.update_ownership(call.tx, file)
            payload = {"fileId": file.id, "newOwnerAddress": call.me}
            add_event(call.tx, before.owner, domain.OWNERSHIP_CLAIMED, payload)
            return result({"newOwnershipToken": file.ownership_token})


def _lock(call: Call, file: File) -> None:
    store.update_ownership(call.tx, domain.locked(file))
    add_event(call.tx, file.owner, domain.OWNERSHIP_LOCKED, {"fileId": file.id})


def _existing(call: Call) -> File:
    file = store.file(call.tx, call.id_("FIL", name="fileId"))
    if file is None:
        raise errors.not_found("File")
    return file


def _metadata(file: File) -> dict[str, Any]:
    return {
        "id": file.id,
        "createdAt": written(file.created_at),
        "createdBy": file.created_by,
        "createdByDevice": file.created_by_device,
        "modifiedAt": written(file.modified_at),
        "modifiedBy": file.modified_by,
        "modifiedByDevice": file.modified_by_device,
        "deletedAt": None,
        "deletedBy": None,
        "deletedByDevice": None,
        "owner": file.owner,
        "ownerSignature": text_of(file.owner_signature),
        "ownershipIsLocked": file.ownership_is_locked,
        "cipherSize": file.cipher_size,
        "cipherHash": text_of(file.cipher_hash),
        "expiresAt": written(file.expires_at),
        "encryptedProperties": text_of(file.encrypted_properties),
    }
