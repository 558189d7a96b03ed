"""Valid JSON of every type of content, generated from the catalogue (not from our declarations)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from typing import Any

from hypothesis import strategies as st

from tests.content.catalogue import CATALOGUE, example_input, members
from trio_connector.crypto.dates import iso

Strategy = st.SearchStrategy[Any]

ADDRESSES = st.sampled_from(
    ["did:e:example.com:dids:0123456789abcdef012345", "did:e:localhost:dids:fedcba9876543210fedcba", ""]
)
IDS = st.from_regex(r"\A[A-Z]{3}[A-Za-z0-9]{17}\Z")
DATES = st.datetimes(timezones=st.just(UTC)).map(iso)
NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
JSON_VALUES = JSON.filter(lambda value: value is not None)
JSON_OBJECTS = st.dictionaries(st.text(max_size=8).filter(lambda name: name != "@type"), JSON, max_size=3)
TAGS = st.lists(st.text(max_size=20).map("x:{}".format), unique=True, max_size=20)

SHAPED: dict[str, Strategy] = {
    "email": st.sampled_from(["ada@example.com", "peter123@inwänd.it", "a.b+c@example.org"]),
    "url": st.sampled_from(["www.google.com", "https://inwänd.it", "https://example.org:8080/mein/ordner/bericht"]),
    "phoneNumber": st.text("0123456789+-x#*()/[] ", min_size=3, max_size=100),
    "hexColor": st.from_regex(r"\A#([0-9A-Fa-f]{3}){1,2}\Z"),
    "schemaURL": st.sampled_from(["https://example.com/schema.json", "www.example.com"]),
    "consentLink": st.sampled_from(["https://example.com/terms", "HTTPS://EXAMPLE.COM?a=b#c"]),
}

RULED: dict[str, Strategy] = {
    "iban": st.sampled_from(["DE02500105170137075030", "NO9386011117947", "FR1420041010050500013M02606"]),
    "bic": st.sampled_from(["INGDDEFF", "INGDDEFFXXX", "ingdDEff"]),
    "iql-syntax": st.sampled_from(["EMailAddress && #x:primary", "!( Surname=Hugo || value.city? )"]),
}

_COUPLED: dict[str, Callable[[dict[str, Any]], bool]] = {
    "Consent": lambda value: "link" in value or "linkDisplayText" not in value,
    "ConsentRequestItem": lambda value: "link" in value or "linkDisplayText" not in value,
}

_FIXED = ("ProposeAttributeRequestItem", "BirthDate", "Statement", "TransferFileOwnershipRequestItem")
"""Types with rules across members: their own examples, other members varied."""


def content(type_name: str) -> Strategy:
    """JSON of the type, with its ``@type``."""
    if type_name == "BirthDate":
        return st.dates().map(lambda day: {"@type": "BirthDate", "day": day.day, "month": day.month, "year": day.year})
    required: dict[str, Strategy] = {"@type": st.just(type_name)}
    optional: dict[str, Strategy] = {}
    for member in members(type_name):
        if type_name in _FIXED and member["json"] not in ("boolean", "any") and "maxLength" not in member:
            value: Strategy = st.just(example_input(type_name).get(member["name"]))
            if member["name"] not in example_input(type_name):
                continue
        else:
            value = _member(member)
        (required if member["required"] else optional)[member["name"]] = value
        if member["nullAccepted"]:
            optional[member["name"]] = value | st.none()
    return st.fixed_dictionaries(required, optional=optional).filter(_COUPLED.get(type_name, lambda value: True))


def _member(member: dict[str, Any]) -> Strategy:
    name = member["name"]
    if "oneOfTypes" in member:
        return st.sampled_from(member["oneOfTypes"]).flatmap(_nested)
    if "nested" in member:
        return _nested(member["nested"])
    if "childValueType" in member:
        return _child(member["childValueType"])
    if name == "propertyHints":
        return st.just({}) | st.just({"part": {"max": 3, "technicalType": "Integer", "editType": "InputLike"}})
    match member["json"]:
        case "array":
            return _array(member)
        case "object":
            return JSON_OBJECTS
        case "boolean":
            return st.booleans()
        case "number":
            return _number(member)
        case "any":
            return _any(member)
        case "string":
            return _text(member)
        case _:
            return st.text(max_size=50) | st.booleans() | NUMBERS  # number|string|boolean


def _nested(type_name: str) -> Strategy:
    return content(type_name)


def _child(type_name: str) -> Strategy:
    return content(type_name) | content(type_name).map(lambda value: value["value"])


_ITEMS = {
    "Request": ("ReadAttributeRequestItem", "FormFieldRequestItem", "RequestItemGroup"),
    "RequestItemGroup": ("AuthenticationRequestItem", "ShareAttributeRequestItem"),
    "Response": ("AcceptResponseItem", "ReadAttributeAcceptResponseItem", "ResponseItemGroup"),
    "ResponseItemGroup": ("RejectResponseItem", "FormFieldAcceptResponseItem"),
    "NotificationItem": ("PeerAttributeSucceededNotificationItem", "OwnAttributeDeletedByOwnerNotificationItem"),
}


def _array(member: dict[str, Any]) -> Strategy:
    items = member["items"]
    least = 1 if any(rule["rule"] == "non-empty-array" for rule in member.get("rules", ())) else 0
    if member["name"] == "tags":
        return TAGS
    if member["name"] == "options":
        return st.lists(st.text(min_size=1, max_size=20), max_size=5)
    if items.get("format") == "address":
        return st.lists(ADDRESSES, min_size=least, max_size=3)
    if items.get("nested"):
        return st.lists(content(items["nested"]), min_size=least, max_size=3)
    if items.get("baseClass"):
        element = st.sampled_from(_ITEMS["NotificationItem"]).flatmap(content)
    elif kinds := items.get("expectedKinds"):
        owner = {
            ("request-item", "request-item-group"): "Request",
            ("request-item",): "RequestItemGroup",
            ("response-item", "response-item-group"): "Response",
            ("response-item",): "ResponseItemGroup",
        }[tuple(kinds)]
        element = st.sampled_from(_ITEMS[owner]).flatmap(content)
    else:
        element = JSON_OBJECTS | content("GivenName")
    return st.lists(element, min_size=least, max_size=3)


def _number(member: dict[str, Any]) -> Strategy:
    rules = {rule["rule"]: rule for rule in member.get("rules", ())}
    if "integer-range" in rules:
        return st.integers(rules["integer-range"]["min"], rules["integer-range"]["max"])
    if "minimum" in member:
        return st.integers(member["minimum"], member["maximum"])
    return st.integers(-(2**53) + 1, 2**53 - 1) if "integer" in rules else NUMBERS


def _any(member: dict[str, Any]) -> Strategy:
    if "allowedJsonTypes" in member:
        return st.text(min_size=1, max_size=50) | NUMBERS | st.booleans() | st.lists(st.text(max_size=10), max_size=3)
    return JSON_VALUES


def _text(member: dict[str, Any]) -> Strategy:
    match member.get("format"):
        case "id":
            return IDS | IDS.map(lambda id_: {"id": id_})
        case "address":
            return ADDRESSES
        case "date-time":
            return DATES
    for rule in member.get("rules", ()):
        if rule["rule"] in RULED:
            return RULED[rule["rule"]]
        if "enumRef" in rule:
            return st.sampled_from(CATALOGUE["enums"][rule["enumRef"]])
    if "enum" in member:
        return st.sampled_from(member["enum"])
    if "regexRef" in member:
        return SHAPED[member["regexRef"]]
    longest = min(member.get("maxLength", 40), 80)
    return st.text(min_size=member.get("minLength", 0), max_size=max(longest // 2, member.get("minLength", 0)))
