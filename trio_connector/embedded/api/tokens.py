"""Tokens (Backbone spec section 8)."""

from __future__ import annotations

from typing import Any

from trio_connector.embedded.api.call import Call, Reply, Routes, created, no_content, paged, result, text_of
from trio_connector.embedded.api.quotas import check_quotas
from trio_connector.embedded.domain import errors, rules
from trio_connector.embedded.domain import tokens as domain
from trio_connector.embedded.domain.errors import PlatformError
from trio_connector.embedded.domain.moments import MINUTE, written
from trio_connector.embedded.domain.tokens import Access, Token
from trio_connector.embedded.store import tokens as store
from trio_connector.embedded.store.events import add_event

_MAX_CONTENT_BYTES = 10 * rules.MEBIBYTE
_MAX_ANONYMOUS_LIFETIME = 5 * MINUTE

ROUTES = Routes()


@ROUTES.add("POST", "/Tokens", anonymous=True)
def create_token(call: Call) -> Reply:
    """A token; nobody in particular may make an empty one that does not live long."""
    fields, caller = call.fields, call.request.caller
    token = Token(
        id=call.tx.new_id("TOK"),
        created_by=None if caller is None else caller.address,
        created_by_device=None if caller is None else caller.device_id,
        created_at=call.now,
        expires_at=fields.moment("expiresAt"),
        for_identity=fields.optional_text("forIdentity"),
        password=fields.optional_data("password"),
        failed_attempts=0,
        content=fields.optional_data("content"),
    )
    if token.for_identity is not None:
        rules.valid_address("forIdentity", token.for_identity)
    rules.password_size("password", token.password)
    rules.in_the_future("expiresAt", token.expires_at, call.now)
    if caller is None:
        if token.content is not None:
            raise errors.invalid_property("'content' must be empty.")
        latest = call.now + _MAX_ANONYMOUS_LIFETIME
        if token.expires_at >= latest:
            raise errors.invalid_property(f"'expiresAt' must be less than '{written(latest)}'.")
    else:
        rules.bytes_between("content", token.content, 0, _MAX_CONTENT_BYTES)
        check_quotas(call, "NumberOfTokens")
    store.insert_token(call.tx, token)
    return created({"id": token.id, "createdAt": written(token.created_at)})


@ROUTES.add("GET", "/Tokens/{}", anonymous=True)
def get_token(call: Call) -> Reply:
    """Read a token; who has read it once may always read it."""
    id_, password = call.id_("TOK"), call.query.data("password")
    rules.password_size("password", password)
    token = _existing(call, id_)
    reader = None if call.request.caller is None else call.request.caller.address
    has_allocated = reader is not None and store.has_allocated_token(call.tx, id_, reader)
    access = domain.reading(token, reader, password, has_allocated, call.now)
    refusal = _refusal(call, token, access)
    if refusal is not None:
        return call.refused(refusal)
    if access is Access.GRANTED_WITH_ALLOCATION and reader is not None:
        store.allocate_token(call.tx, id_, reader)
    return result({**_dto(token), "content": text_of(token.content)})


@ROUTES.add("POST", "/Tokens/{}/UpdateContent")
def update_token_content(call: Call) -> Reply:
    """Fill an empty token, and become its creator."""
    id_ = call.id_("TOK", name="tokenId")
    content, password = call.fields.data("newContent"), call.fields.optional_data("password")
    rules.bytes_between("newContent", content, 1, _MAX_CONTENT_BYTES)
    rules.password_size("password", password)
    token = _existing(call, id_)
    refusal = _refusal(call, token, domain.filling(token, call.me, password, call.now))
    if refusal is not None:
        return call.refused(refusal)
    if token.content is not None:
        raise errors.token_content_already_exists()
    store.fill_token(call.tx, id_, content, call.me, call.caller.device_id)
    return result(_dto(_existing(call, id_)))


@ROUTES.add("DELETE", "/Tokens/{}")
def delete_token(call: Call) -> Reply:
    """Only the creator may."""
    token = _existing(call, call.id_("TOK"))
    if token.created_by != call.me:
        raise errors.forbidden()
    store.delete_token(call.tx, token.id)
    return no_content()


@ROUTES.add("GET", "/Tokens", reads=True)
def list_tokens(call: Call) -> Reply:
    """Of the tokens asked for, the caller's own and those it has read before."""
    ids = call.query.texts("ids") + [item.text("id") for item in call.query.indexed("tokens")]
    rules.not_empty("ids", ids)
    found = []
    for id_ in dict.fromkeys(ids):
        rules.valid_id("ids", id_, "TOK")
        token = store.token(call.tx, id_)
        if token is not None and (token.created_by == call.me or store.has_allocated_token(call.tx, id_, call.me)):
            found.append(token)
    found.sort(key=lambda token: token.created_at)
    page = call.page
    items = [
        {**_dto(token), "content": text_of(token.content)} for token in found[page.offset : page.offset + page.size]
    ]
    return paged(items, len(found), page)


def _existing(call: Call, id_: str) -> Token:
    token = store.token(call.tx, id_)
    if token is None:
        raise errors.not_found("Token")
    return token


def _refusal(call: Call, token: Token, access: Access) -> PlatformError | None:
    """The error for a denied access. Wrong passwords are counted, and the one too many locks and is reported."""
    if access is Access.WRONG_PASSWORD:
        if store.count_failed_attempt(call.tx, token.id) < domain.MAX_FAILED_ATTEMPTS:
            return errors.not_found("Token")
        if token.created_by is not None:
            add_event(call.tx, token.created_by, domain.TOKEN_LOCKED, {"tokenId": token.id})
            call.tx.signal(token.created_by, domain.TOKEN_LOCKED)
        return errors.token_is_locked()
    if access is Access.LOCKED:
        return errors.token_is_locked()
    return errors.not_found("Token") if access is Access.NOT_FOUND else None


def _dto(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "createdBy": token.created_by,
        "createdByDevice": token.created_by_device,
        "forIdentity": token.for_identity,
        "createdAt": written(token.created_at),
        "expiresAt": written(token.expires_at),
        "isPasswordProtected": token.password is not None,
    }
