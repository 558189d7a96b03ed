"""Parts of old calls in the words of today: contents, references, limits, query parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from trio_connector.api.call import Call
from trio_connector.api.legacy.adapting import Json, Translation, translated
from trio_connector.crypto.ciphers import SecretKey
from trio_connector.crypto.ids import is_id
from trio_connector.crypto.references import Reference
from trio_connector.errors import ConnectorError, ValidationFailed

RELATIONSHIP_LIMIT = "maxNumberOfRelationships"
ALLOCATION_LIMIT = "maxNumberOfAllocations"


def of_body(translate: Callable[[Json], Json]) -> Translation:
    """A translation of the body; one that is no object stays as it is and is refused by its schema."""

    def apply(call: Call) -> Call:
        return translated(call, body=translate(call.body)) if isinstance(call.body, dict) else call

    return apply


def of_query(names: Mapping[str, str], values: Mapping[str, Mapping[str, str]] | None = None) -> Translation:
    """Query parameters under their names of today; ``values`` are, per name of today, texts that are others today."""
    values = values or {}

    def apply(call: Call) -> Call:
        parameters: dict[str, Any] = {}
        for given_name, given in call.query.items():
            name = names.get(given_name, given_name)
            texts = values.get(name, {})
            parameters[name] = (
                texts.get(given, given) if isinstance(given, str) else [texts.get(text, text) for text in given]
            )
        return translated(call, parameters=parameters)

    return apply


def wrapping(member: str, known: frozenset[str], arbitrary: str, convert: Callable[[Any], Any]) -> Translation:
    """The content at ``member``: converted, and wrapped into ``arbitrary`` when its ``@type`` is none of ``known``.

    Earlier Connectors took any JSON here. ``null`` is left to the schema.
    """

    def apply(body: Json) -> Json:
        if body.get(member) is None:
            return body
        content = convert(body[member])
        kind = content.get("@type") if isinstance(content, dict) else None
        is_known = isinstance(kind, str) and kind in known
        return {**body, member: content if is_known else {"@type": arbitrary, "value": content}}

    return of_body(apply)


def referenced(kind: type[Reference]) -> Translation:
    """``{id, secretKey}`` as the reference that it is; a body with a ``reference`` stays as it is."""

    def apply(body: Json) -> Json:
        if "reference" in body or not ("id" in body or "secretKey" in body):
            return body
        return {
            **{name: value for name, value in body.items() if name not in ("id", "secretKey")},
            "reference": _reference(kind, body.get("id"), body.get("secretKey")),
        }

    return of_body(apply)


def _reference(kind: type[Reference], id_: object, secret_key: object) -> str:
    if not isinstance(id_, str) or not isinstance(secret_key, str):
        raise ValidationFailed("id and secretKey must be given together, or a reference.")
    if not is_id(kind.PREFIX, id_):
        raise ValidationFailed("id must match pattern " + f"{kind.PREFIX}[A-Za-z0-9]{{17}}")
    try:
        key = SecretKey.from_base64(secret_key)
    except ConnectorError as error:
        raise ValidationFailed("secretKey must be the secret key that belongs to the id.") from error
    return kind(id=id_, key=key).truncated()


def limited_relationships(body: Json) -> Json:
    """A limit of relationships as one of allocations, without which there is no relationship; the smaller one counts.

    What is no number is left to the schema.
    """
    if RELATIONSHIP_LIMIT not in body:
        return body
    rest = {name: value for name, value in body.items() if name != RELATIONSHIP_LIMIT}
    limits = [limit for limit in (body[RELATIONSHIP_LIMIT], body.get(ALLOCATION_LIMIT)) if limit is not None]
    if not limits:
        return rest
    numbers = all(isinstance(limit, int | float) and not isinstance(limit, bool) for limit in limits)
    return rest | {ALLOCATION_LIMIT: min(limits) if numbers else limits[0]}
