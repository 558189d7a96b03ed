"""JSON text exactly as JavaScript's ``JSON.stringify`` writes it, and strict reading (crypto spec section 1.2).

Signatures and hashes cover such text, and round trips with the official software must be equal byte by byte. Nothing is
ever written again in order to verify it: signed text travels as a string.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from json.encoder import encode_basestring
from typing import Any

from trio_connector.crypto.encoding import from_utf8, to_utf8
from trio_connector.crypto.errors import EncodingError

_SURROGATE = re.compile("[\ud800-\udfff]")
_LARGEST_EXACT = 2**53 - 1


def json_text(value: Any) -> str:
    """``value`` (``None``, booleans, numbers, strings, lists, mappings with string keys) without spaces.

    Members keep their order. Infinite and undefined numbers are written as ``null``. Raises `EncodingError` when the
    value is nested too deeply to be written.
    """
    parts: list[str] = []
    try:
        _write(value, parts)
    except RecursionError as error:
        raise EncodingError("The value is nested too deeply.") from error
    return "".join(parts)


def json_bytes(value: Any) -> bytes:
    """`json_text` in UTF-8."""
    return to_utf8(json_text(value))


def parse_json(text: str | bytes) -> Any:
    """The value of JSON ``text``; raises `EncodingError` for anything ``JSON.parse`` refuses or nested too deeply."""
    if isinstance(text, bytes):
        text = from_utf8(text)
    try:
        return _decode(text)
    except (ValueError, RecursionError) as error:
        raise EncodingError("The text is not valid JSON.") from error


def parse_json_object(text: str | bytes) -> dict[str, Any]:
    """Like `parse_json`, for text that must be a JSON object."""
    value = parse_json(text)
    if not isinstance(value, dict):
        raise EncodingError("The text is not a JSON object.")
    return value


def sorted_members(members: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The members in the order of the official serialisation (UTF-16 code units), without undefined ones.

    ``None`` stands for undefined here; a member that is to be written as ``null`` is added afterwards.
    """
    items = members.items() if isinstance(members, Mapping) else members
    return dict(sorted(((k, v) for k, v in items if v is not None), key=lambda item: member_order(item[0])))


def member_order(name: str) -> bytes:
    """The key under which member names sort."""
    return name.encode("utf-16-be", "surrogatepass")


def _write(value: Any, parts: list[str]) -> None:
    if isinstance(value, str):
        parts.append(_string(value))
    elif value is None:
        parts.append("null")
    elif value is True:
        parts.append("true")
    elif value is False:
        parts.append("false")
    elif isinstance(value, int):
        parts.append(str(value) if abs(value) <= _LARGEST_EXACT else _number(_as_float(value)))
    elif isinstance(value, float):
        parts.append(_number(value))
    elif isinstance(value, Mapping):
        separator = "{"
        for name, member in value.items():
            parts.append(f"{separator}{_string(name)}:")
            _write(member, parts)
            separator = ","
        parts.append("}" if separator == "," else "{}")
    elif isinstance(value, (list, tuple)):
        separator = "["
        for item in value:
            parts.append(separator)
            _write(item, parts)
            separator = ","
        parts.append("]" if separator == "," else "[]")
    else:
        raise TypeError(f"{type(value).__name__} has no JSON form")


def _string(text: str) -> str:
    quoted = encode_basestring(text)
    if quoted.isascii():
        return quoted
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _number(value: float) -> str:
    """The shortest text that reads back as ``value``, in JavaScript's notation."""
    if not math.isfinite(value):
        return "null"
    if value == 0:
        return "0"
    mantissa, _, exponent_text = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    exponent = int(exponent_text or 0)
    digits = (whole + fraction).lstrip("0")
    point = len(digits) - len(fraction) + exponent  # position of the decimal point within digits
    digits = digits.rstrip("0")
    sign = "-" if value < 0 else ""
    if 0 < point <= 21:
        if len(digits) <= point:
            return f"{sign}{digits}{'0' * (point - len(digits))}"
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail}e{point - 1:+d}"


def _integer(digits: str) -> int | float:
    # Beyond 2**53 JavaScript has only floating point numbers; this also bounds the work for absurdly long digits.
    return int(digits) if len(digits) <= 16 and abs(int(digits)) <= _LARGEST_EXACT else float(digits)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_decode = json.JSONDecoder(parse_constant=_no_constant, parse_int=_integer).decode
