"""Every type, member, limit, rule and hint is the one in the catalogue."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.content.catalogue import (
    CATALOGUE,
    TYPES,
    WITH_EXAMPLE,
    WITH_MEMBERS,
    example_input,
    members,
    with_value_lists,
)
from trio_connector.content import (
    IDENTITY_VALUE_NAMES,
    MESSAGE_CONTENTS,
    RELATIONSHIP_VALUE_NAMES,
    UNEDITABLE_VALUE_NAMES,
    class_of,
    hints,
    parse,
    to_json,
)
from trio_connector.content.attributes import IdentityAttribute
from trio_connector.content.codes import COUNTRIES, LANGUAGES
from trio_connector.content.model import REGISTRY, plan
from trio_connector.content.object_kinds import OneOf
from trio_connector.errors import ConnectorError

ENUMS: dict[str, list[str]] = CATALOGUE["enums"]

Case = tuple[str, dict[str, Any]]
MEMBERS: list[Case] = [(name, member) for name in WITH_MEMBERS for member in members(name)]
OPTIONAL = [case for case in MEMBERS if not case[1]["required"]]


def case_ids(cases: list[Case]) -> list[str]:
    return [f"{name}.{member['name']}" for name, member in cases]


def refusal(value: Any) -> str | None:
    """The text with which ``value`` is refused, ``None`` when it is read."""
    try:
        parse(value)
    except ConnectorError as error:
        return error.message
    return None


def changed(type_name: str, member: str, value: Any) -> dict[str, Any]:
    return {**example_input(type_name), member: value}


def test_the_types_are_exactly_those_of_the_catalogue() -> None:
    assert len(CATALOGUE["types"]) == 137
    beyond = {"TokenReference", "RelationshipTemplateReference"}  # known to the official software as well
    assert set(REGISTRY) == set(TYPES) | beyond


@pytest.mark.parametrize("type_name", WITH_EXAMPLE)
def test_an_example_prints_as_in_the_catalogue(type_name: str) -> None:
    entry = TYPES[type_name]
    printed = to_json(parse(entry.get("exampleInput", entry["example"])))
    assert json.dumps(printed) == json.dumps(entry["example"])


@pytest.mark.parametrize("type_name", WITH_MEMBERS)
def test_members_are_read_in_the_order_of_the_catalogue(type_name: str) -> None:
    cls = class_of(type_name)
    assert cls is not None
    declared = [(member.name, member.required) for member in plan(cls).members]
    assert declared == [(member["name"], member["required"]) for member in members(type_name)]


@pytest.mark.parametrize("type_name", WITH_MEMBERS)
def test_the_first_missing_member_is_the_one_that_is_reported(type_name: str) -> None:
    required = [member["name"] for member in members(type_name) if member["required"]]
    if type_name == "ThirdPartyRelationshipAttributeQuery":
        assert required == ["key", "owner", "thirdParty"]
    expected = f"{type_name}.{required[0]} :: Value is not defined" if required else None
    assert refusal({"@type": type_name}) == expected


@pytest.mark.parametrize(("type_name", "member"), MEMBERS, ids=case_ids(MEMBERS))
def test_a_required_member_must_be_there_and_an_optional_one_may_be_away(
    type_name: str, member: dict[str, Any]
) -> None:
    value = example_input(type_name)
    value.pop(member["name"], None)
    if type_name in ("Consent", "ConsentRequestItem") and member["name"] == "link":
        value.pop("linkDisplayText", None)
    expected = f"{type_name}.{member['name']} :: Value is not defined" if member["required"] else None
    assert refusal(value) == expected
    if member["required"]:
        assert refusal(changed(type_name, member["name"], None)) == expected


NULL_TEXTS = {
    "string": "Value is not a string",
    "boolean": "Value is not a boolean",
    "number": "Value is not a number.",
}


@pytest.mark.parametrize(("type_name", "member"), OPTIONAL, ids=case_ids(OPTIONAL))
def test_null_is_kept_where_the_catalogue_says_so(type_name: str, member: dict[str, Any]) -> None:
    value = changed(type_name, member["name"], None)
    if member["nullAccepted"]:
        printed = to_json(parse(value))
        is_default = "default" in member or member["name"] == "propertyHints"
        assert printed[member["name"]] == (member.get("default", {}) if is_default else None)
    elif member["json"] == "array":
        assert refusal(value) == "Value is not an Array."
    elif "|" in member["json"]:
        assert refusal(value) == f"{type_name}.{member['name']} :: Value is not an allowed type."
    else:
        assert refusal(value) == f"{type_name}.{member['name']} :: {NULL_TEXTS[member['json']]}"


WRONG: dict[str, tuple[Any, str]] = {
    "string": (5, "Value is not a string"),
    "number": ("5", "Value is not a number."),
    "boolean": ("true", "Value is not a boolean"),
}
PRIMITIVE = [case for case in MEMBERS if case[1]["json"] in WRONG and not {"format", "childValueType"} & set(case[1])]


@pytest.mark.parametrize(("type_name", "member"), PRIMITIVE, ids=case_ids(PRIMITIVE))
def test_a_primitive_of_the_wrong_json_type_is_refused(type_name: str, member: dict[str, Any]) -> None:
    wrong, reason = WRONG[member["json"]]
    assert refusal(changed(type_name, member["name"], wrong)) == f"{type_name}.{member['name']} :: {reason}"


BOOLEAN_NUMBERS = [case for case in PRIMITIVE if case[1]["json"] == "number"]


@pytest.mark.parametrize(("type_name", "member"), BOOLEAN_NUMBERS, ids=case_ids(BOOLEAN_NUMBERS))
def test_a_boolean_is_no_number(type_name: str, member: dict[str, Any]) -> None:
    text = f"{type_name}.{member['name']} :: Value is not a number."
    assert refusal(changed(type_name, member["name"], True)) == text


LONGEST = [case for case in MEMBERS if "maxLength" in case[1]]
SHORTEST = [case for case in MEMBERS if "minLength" in case[1]]


@pytest.mark.parametrize(("type_name", "member"), LONGEST, ids=case_ids(LONGEST))
def test_the_longest_text_has_the_length_of_the_catalogue(type_name: str, member: dict[str, Any]) -> None:
    limit, name = member["maxLength"], member["name"]
    too_long = f"{type_name}.{name} :: Value is longer than {limit} characters"
    assert refusal(changed(type_name, name, "x" * (limit + 1))) == too_long
    assert refusal(changed(type_name, name, "😀" * (limit // 2 + 1))) == too_long  # two code units each
    shaped = "regexRef" in member or "rules" in member
    for longest in ("x" * limit, "😀" * (limit // 2)):
        text = refusal(changed(type_name, name, longest))
        assert text is None or (shaped and "longer" not in text)


@pytest.mark.parametrize(("type_name", "member"), SHORTEST, ids=case_ids(SHORTEST))
def test_the_shortest_text_has_the_length_of_the_catalogue(type_name: str, member: dict[str, Any]) -> None:
    limit, name = member["minLength"], member["name"]
    text = f"{type_name}.{name} :: Value is shorter than {limit} characters"
    assert refusal(changed(type_name, name, "x" * (limit - 1))) == text
    assert refusal(changed(type_name, name, "x" * limit)) != text


RANGED = [case for case in MEMBERS if "minimum" in case[1]]


@pytest.mark.parametrize(("type_name", "member"), RANGED, ids=case_ids(RANGED))
def test_numbers_have_the_range_of_the_catalogue(type_name: str, member: dict[str, Any]) -> None:
    name, least, most = member["name"], member["minimum"], member["maximum"]
    where = f"{type_name}.{name} :: Value is"
    assert refusal(changed(type_name, name, least - 1)) == f"{where} below threshold of {least}"
    assert refusal(changed(type_name, name, most + 1)) == f"{where} above threshold of {most}"
    assert refusal(changed(type_name, name, least)) is None
    assert refusal(changed(type_name, name, most)) is None


SHAPED = [case for case in MEMBERS if "regexRef" in case[1]]


@pytest.mark.parametrize(("type_name", "member"), SHAPED, ids=case_ids(SHAPED))
def test_a_text_of_the_wrong_shape_is_refused_with_the_official_expression(
    type_name: str, member: dict[str, Any]
) -> None:
    regex = CATALOGUE["regexes"][member["regexRef"]]
    expected = (
        f"{type_name}.{member['name']} :: Value does not match regular expression /{regex['js']}/{regex['flags']}"
    )
    assert refusal(changed(type_name, member["name"], "\u2603 \u2603 \u2603")) == expected


SAMPLES = {
    "email": [
        "peter123@inwänd.it",
        "a.b+c@example.org",
        "aSurname@gmx",
        ".a@gmx.de",
        "test@.address",
        "a@b..c",
        "a@b.de\n",
    ],
    "url": [
        "www.google.com",
        "https://inwänd.it",
        "https://example.org:8080/mein/ordner/bericht",
        "http://my.url",
        "google-.de",
        "www.google",
        "www.-google",
        "https://inwind.test it",
        "http://my.url\n",
    ],
    "phoneNumber": ["+49 6221 12346", "(0)1-2#*", "12", "abc", "١٢٣", "123\n"],
    "hexColor": ["#abc", "#AABBCC", "#aabbc", "abcd", "#ggg", "#abc\n"],
    "schemaURL": ["https://example.com/schema.json", "www.example.com", "example", "https://exämple.com", "http:a b"],
    "consentLink": ["https://example.com/terms", "HTTPS://EXAMPLE.COM?a=b#c", "terms", "https://exämple.com"],
}


@pytest.mark.parametrize(("type_name", "member"), SHAPED, ids=case_ids(SHAPED))
def test_texts_match_or_not_as_with_the_expression_of_the_catalogue(type_name: str, member: dict[str, Any]) -> None:
    regex = CATALOGUE["regexes"][member["regexRef"]]
    flags = re.ASCII | (re.IGNORECASE if "IGNORECASE" in regex["pythonFlags"] else 0)
    outcomes = set()
    for sample in SAMPLES[member["regexRef"]]:
        text = refusal(changed(type_name, member["name"], sample))
        matches = re.search(regex["python"], sample, flags) is not None
        short_or_long = text is not None and ("shorter" in text or "longer" in text)
        assert short_or_long or (text is None) == matches, sample
        outcomes.add(matches)
    assert outcomes == {True, False}


LABELS = {"string": "String", "number": "Number", "array": "Array", "boolean": "Boolean"}
RULES = [
    (name, {**member, "rule": rule})
    for name, member in MEMBERS
    for rule in member.get("rules", ())
    if "message" in rule
]


def breaking(rule: dict[str, Any]) -> list[Any]:
    """Values that break exactly this rule."""
    match rule["rule"]:
        case "enum" | "enum-or-prefix":
            return ["xx"] if rule["enumRef"] == "languages" else ["??", "de", "GivenNames"]
        case "non-empty-array":
            return [[]]
        case "integer":
            return [5.5]
        case "integer-range":
            return [rule["min"] - 1, rule["max"] + 1, 1.5]
        case "unique-items":
            return [["x:a", "x:b", "x:a"]]
        case "max-items":
            return [[f"x:{index}" for index in range(rule["max"] + 1)]]
        case "max-item-length":
            return [["x" * (rule["max"] + 1)], ["😀" * (rule["max"] // 2 + 1)]]
        case "item-length":
            return [[""], ["a", "x" * (rule["max"] + 1)]]
        case "json-length" if rule["max"] < 10_000:
            return [{"a": "x" * (rule["max"] - 7)}, "x" * (rule["max"] - 1)]
        case "json-length":
            return []  # 50 MiB: see test_refusals
        case "string-length":
            return ["x" * (rule["max"] + 1)] + ([""] if rule.get("min") else [])
        case "array-of-strings":
            return [["a", 1], [None]]
        case "iban":
            return ["DE02500105170137075031", "de02500105170137075030"]
        case "bic":
            return ["INGDZZFF", "INGDDEFFX"]
        case "iql-syntax":
            return ["GivenName||Surname"]
    raise AssertionError(rule)


def rule_text(type_name: str, member: dict[str, Any]) -> str:
    rule = member["rule"]
    message: str = rule["message"]
    if "enumRef" in rule:
        codes = ENUMS[rule["enumRef"]]
        message = message.replace("<all codes joined by ','>", ",".join(codes))
        message = message.replace("<values joined by ','>", ",".join(codes))
        message = message.replace("<JSON array of the type names>", json.dumps(codes, separators=(",", ":")))
    message = message.replace("<start.column, 1-based>", "10")
    return f"{type_name}.{member['name']}:{LABELS.get(member['json'], 'Object')} :: {message}"


@pytest.mark.parametrize(
    ("type_name", "member"), RULES, ids=[f"{name}.{member['name']}-{member['rule']['rule']}" for name, member in RULES]
)
def test_a_broken_rule_is_reported_with_its_text(type_name: str, member: dict[str, Any]) -> None:
    expected = rule_text(type_name, member)
    for value in breaking(member["rule"]):
        assert refusal(changed(type_name, member["name"], value)) == expected


CHOICES = [case for case in RULES if case[1]["rule"].get("enumRef")]


@pytest.mark.parametrize(("type_name", "member"), CHOICES, ids=case_ids(CHOICES))
def test_every_value_of_a_list_is_accepted(type_name: str, member: dict[str, Any]) -> None:
    for choice in ENUMS[member["rule"]["enumRef"]]:
        assert refusal(changed(type_name, member["name"], choice)) is None


UNIONS = [case for case in MEMBERS if "oneOfTypes" in case[1]]


@pytest.mark.parametrize(("type_name", "member"), UNIONS, ids=case_ids(UNIONS))
def test_a_member_of_several_types_refuses_all_others(type_name: str, member: dict[str, Any]) -> None:
    names = member["oneOfTypes"]
    allowed = f"({'|'.join(names)})"
    text = f"{type_name}.{member['name']} :: Parsed object is not an instance of any allowed types {allowed}."
    others: list[Any] = [{"@type": "City", "value": "Rome"}, {}, [], "text", {"value": "Ada"}]
    for other in others:
        assert refusal(changed(type_name, member["name"], other)) == text
    cls = class_of(type_name)
    assert cls is not None
    kind = next(found.kind for found in plan(cls).members if found.name == member["name"])
    assert isinstance(kind, OneOf)
    assert list(kind.names) == names


NESTED = [case for case in MEMBERS if "nested" in case[1]]


@pytest.mark.parametrize(("type_name", "member"), NESTED, ids=case_ids(NESTED))
def test_a_member_of_one_type_takes_it_with_and_without_its_name(type_name: str, member: dict[str, Any]) -> None:
    inner = TYPES[member["nested"]]
    content = dict(inner.get("exampleInput", inner["example"]))
    named = changed(type_name, member["name"], {**content, "@type": member["nested"]})
    content.pop("@type", None)
    bare = changed(type_name, member["name"], content)
    assert parse(named) == parse(bare)
    printed = to_json(parse(bare))[member["name"]]
    assert ("@type" in printed) == member["typeEmitted"]
    expected = (
        f"{type_name}.{member['name']} :: Parsed object is not an instance of any allowed types {member['nested']}."
    )
    assert refusal(changed(type_name, member["name"], {"@type": "City", "value": "Rome"})) == expected


CHILDREN = [case for case in MEMBERS if "childValueType" in case[1]]


@pytest.mark.parametrize(("type_name", "member"), CHILDREN, ids=case_ids(CHILDREN))
def test_a_part_of_a_complex_value_comes_in_three_forms_and_prints_as_primitive(
    type_name: str, member: dict[str, Any]
) -> None:
    child, name = member["childValueType"], member["name"]
    value = TYPES[child]["example"]["value"]
    forms = (value, {"value": value}, {"@type": child, "value": value})
    assert {json.dumps(to_json(parse(changed(type_name, name, form)))[name]) for form in forms} == {json.dumps(value)}
    wrong = "x" if isinstance(value, int) else 5
    reason = "Value is not a number." if isinstance(value, int) else "Value is not a string"
    assert refusal(changed(type_name, name, wrong)) == f"{child}.value :: {reason}"
    expected = f"{type_name}.{name} :: Parsed object is not an instance of any allowed types {child}."
    assert refusal(changed(type_name, name, {"@type": "GivenName", "value": "Ada"})) == expected


HINTED = [name for name, entry in TYPES.items() if "renderHints" in entry]


@pytest.mark.parametrize("type_name", HINTED)
def test_hints_are_those_of_the_catalogue(type_name: str) -> None:
    entry, found = TYPES[type_name], hints(type_name)
    assert found.render_hints == entry["renderHints"]
    assert found.value_hints == with_value_lists(entry["valueHints"])
    assert found.editable == entry.get("editable", False)


def test_types_that_are_no_values_have_no_hints() -> None:
    for name in ("Mail", "Nonsense"):
        with pytest.raises(KeyError):
            hints(name)


def test_lists_of_types_and_codes_are_those_of_the_catalogue() -> None:
    assert list(IDENTITY_VALUE_NAMES) == ENUMS["identityAttributeValueTypes"]
    assert list(RELATIONSHIP_VALUE_NAMES) == ENUMS["relationshipAttributeValueTypes"]
    assert sorted(UNEDITABLE_VALUE_NAMES) == ENUMS["uneditableIdentityAttributeValueTypes"]
    assert [cls.__name__ for cls in MESSAGE_CONTENTS] == ENUMS["messageContentTypes"]
    assert list(COUNTRIES) == ENUMS["countries"]
    assert list(LANGUAGES) == ENUMS["languages"]
    value = plan(IdentityAttribute).members[0].kind
    assert isinstance(value, OneOf)
    assert list(value.names) == ENUMS["identityAttributeUnionOrder"]


@pytest.mark.parametrize("type_name", [entry["@type"] for entry in CATALOGUE["removedTypes"]])
def test_types_that_were_removed_are_unknown(type_name: str) -> None:
    with pytest.raises(ConnectorError) as caught:
        parse({"@type": type_name})
    assert caught.value.code == "error.runtime.unknownType"
