"""Rules about single properties, with the Backbone's texts (Backbone spec 1.5)."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable

from trio_connector.crypto.addresses import is_address
from trio_connector.embedded.domain.errors import invalid_property
from trio_connector.embedded.domain.moments import Moment

MEBIBYTE = 1024 * 1024
MAX_PASSWORD_BYTES = 200
MAX_ID_LENGTH = 20

# ISO 639-1, as the Backbone lists it.
LANGUAGES = frozenset(
    """
    aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo es
    et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki
    kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no
    nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te
    tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
    """.split()  # noqa: SIM905  # a table of 184 string literals would be longer and no clearer
)
NOT_A_LANGUAGE = "This language is not a valid two letter ISO language name."


def not_empty(name: str, value: Collection[object] | None) -> None:
    """At least one character, byte or item."""
    if not value:
        raise invalid_property(f"'{name}' must not be empty.")


def bytes_between(name: str, value: bytes | None, minimum: int, maximum: int) -> None:
    """A length in bytes; absent counts as empty where empty is allowed."""
    size = len(value or b"")
    if size > maximum or size < minimum:
        raise invalid_property(
            f"'{name}' must be between {minimum} and {maximum} bytes long. You entered {size} bytes."
        )


def number_between(name: str, value: int, minimum: int, maximum: int) -> None:
    """Both ends included."""
    if not minimum <= value <= maximum:
        raise invalid_property(f"'{name}' must be between {minimum} and {maximum}. You entered {value}.")


def at_most_characters(name: str, value: str | None, maximum: int) -> None:
    """A length in characters."""
    if value is not None and len(value) > maximum:
        raise invalid_property(
            f"The length of '{name}' must be {maximum} characters or fewer. You entered {len(value)} characters."
        )


def in_the_future(name: str, value: Moment, now: Moment) -> None:
    """Later than now."""
    if value <= now:
        raise invalid_property(f"'{name}' must be in the future.")


def one_of(name: str, value: object, allowed: Iterable[str]) -> None:
    """One of a few words."""
    choices = list(allowed)
    if value not in choices:
        raise invalid_property(f"'{name}' must have one of the following values: [{', '.join(choices)}]")


def unique(values: Iterable[Hashable]) -> None:
    """No two are equal."""
    seen: set[Hashable] = set()
    for value in values:
        if value in seen:
            raise invalid_property("The same item cannot be added more than once.")
        seen.add(value)


def is_id(prefix: str, value: str) -> bool:
    """The Backbone's rule: prefix, characters, at most 20 of them."""
    return (
        value.startswith(prefix)
        and len(prefix) < len(value) <= MAX_ID_LENGTH
        and value.isascii()
        and value[len(prefix) :].isalnum()
    )


def valid_id(name: str, value: str, prefix: str) -> None:
    """An id of the kind ``prefix`` stands for."""
    if not is_id(prefix, value):
        raise _not_an_id(name)


def valid_address(name: str, value: str) -> None:
    """An address in full, with its checksum."""
    if not is_address(value):
        raise _not_an_id(name)


def password_size(name: str, value: bytes | None) -> None:
    """Passwords of templates and tokens: 1 to 200 bytes, or none."""
    if value is not None:
        bytes_between(name, value, 1, MAX_PASSWORD_BYTES)


def _not_an_id(name: str) -> Exception:
    return invalid_property(f"'{name}': The ID or Address is not valid. Check length, prefix and the used characters.")
