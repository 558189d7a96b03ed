"""Every use case refuses its input as the official one does (runtime spec 2.3, 2.4 and 5)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from trio_connector.errors import ConnectorError, ValidationFailed
from trio_connector.usecases.validation import (
    Circumstances,
    Input,
    account,
    attributes,
    challenges,
    files,
    messages,
    relationship_templates,
    relationships,
    requests,
    tokens,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CIRCUMSTANCES = Circumstances(now=NOW, max_file_bytes=10)
INVALID = "error.runtime.validation.invalidPropertyValue"
FUTURE = "2026-01-02T03:04:06.000Z"
ADDRESS = "did:e:localhost:dids:0123456789abcdef012345"
RELATIONSHIP = "REL" + "a" * 17
TEMPLATE = "RLT" + "a" * 17
FILE = "FIL" + "a" * 17
ATTRIBUTE = "ATT" + "a" * 17


def refusal(input_: Input, request: Any) -> str | None:
    try:
        input_.check(request, CIRCUMSTANCES)
    except ValidationFailed as error:
        return error.message if (error.code, error.status) == (INVALID, 400) else repr(error)
    return None


def token(**more: Any) -> dict[str, Any]:
    return {"content": {}, "expiresAt": FUTURE, "ephemeral": False, **more}


PIN = (
    "'passwordProtection.passwordIsPin' is true, hence 'passwordProtection.password' "
    "must consist of 4 to 16 digits from 0 to 9."
)
LOCATION = (
    "must be a number from 50 to 99 or one of the following strings: "
    "Self, Letter, RegistrationLetter, Email, SMS, Website"
)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (token(), None),
        (token(content=None), None),
        ({}, "must have required property 'content'"),
        (None, "must be object"),
        (token(expiresAt=""), "expiresAt must match ISO8601 datetime format"),
        (token(expiresAt=5), "expiresAt must match ISO8601 datetime format"),
        (token(expiresAt="2026-01-02T03:04:05.000Z"), "'expiresAt' must be in the future"),
        (token(expiresAt="1970"), "'expiresAt' must be in the future"),
        (token(expiresAt="1970-02-30"), None),  # looks like a date; reading it later refuses it
        (
            token(forIdentity="x"),
            r"forIdentity must match pattern "
            r"did:e:((([A-Za-z0-9]+(-[A-Za-z0-9]+)*)\.)+[a-z]{2,}|localhost):dids:[0-9a-f]{22}",
        ),
        (token(passwordProtection={}), "passwordProtection must have required property 'password'"),
        (
            token(passwordProtection={"password": ""}),
            "passwordProtection/password must NOT have fewer than 1 characters",
        ),
        (
            token(passwordProtection={"password": "1", "passwordIsPin": False}),
            "passwordProtection/passwordIsPin must be equal to constant",
        ),
        (token(passwordProtection={"password": "12a4", "passwordIsPin": True}), PIN),
        (token(passwordProtection={"password": "123", "passwordIsPin": True}), PIN),
        (token(passwordProtection={"password": "1234", "passwordIsPin": True}), None),
        (token(passwordProtection={"password": "p", "passwordLocationIndicator": 49}), LOCATION),
        (token(passwordProtection={"password": "p", "passwordLocationIndicator": 50}), None),
        (token(passwordProtection={"password": "p", "passwordLocationIndicator": 99}), None),
        (token(passwordProtection={"password": "p", "passwordLocationIndicator": 100}), LOCATION),
        (token(passwordProtection={"password": "p", "passwordLocationIndicator": None}), LOCATION),
        (token(passwordProtection={"password": "p", "passwordLocationIndicator": "RecoveryKit"}), LOCATION),
        (token(passwordProtection={"password": "p", "passwordLocationIndicator": "Letter"}), None),
    ],
)
def test_creating_a_token(request_: Any, message: str | None) -> None:
    assert refusal(tokens.CREATE_OWN_TOKEN, request_) == message


def test_a_reference_that_is_none_is_refused_in_one_sentence_whatever_is_wrong() -> None:
    for request in ({"reference": "x"}, {}, {"reference": 5, "ephemeral": "no"}, {"other": 1}):
        assert refusal(tokens.LOAD_PEER_TOKEN, request) == "token reference invalid"
        assert refusal(files.GET_OR_LOAD_FILE, request) == "token / file reference invalid"
        assert (
            refusal(relationship_templates.LOAD_PEER_RELATIONSHIP_TEMPLATE, request)
            == "token / relationship template reference invalid"
        )
    assert refusal(tokens.LOAD_PEER_TOKEN, {"reference": "VE9L" + "a" * 84, "ephemeral": True}) is None


def test_templates_allow_at_least_one_allocation() -> None:
    request = {"content": {}, "expiresAt": FUTURE, "maxNumberOfAllocations": 0}
    create = relationship_templates.CREATE_OWN_RELATIONSHIP_TEMPLATE
    assert refusal(create, request) == "maxNumberOfAllocations must be >= 1"
    assert refusal(create, {**request, "maxNumberOfAllocations": 1}) is None


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({}, None),
        ({"content": b""}, None),
        ({"content": b"x" * 11}, "'content' is too large"),
        ({"expiresAt": ""}, "expiresAt must match ISO8601 datetime format"),
        ({"expiresAt": "1970-01-01"}, "'expiresAt' must be in the future"),
        ({"tags": "a"}, "tags must be array"),
        (
            {"tags": ["a", "b", "a", "b"]},
            "tags must NOT have duplicate items (items ## 3 and 1 are identical)",
        ),
        ({"title": 1}, "title must be string"),
    ],
)
def test_uploading_a_file(more: dict[str, Any], message: str | None) -> None:
    request = {"filename": "f", "mimetype": "text/plain", "content": b"x", **more}
    assert refusal(files.UPLOAD_OWN_FILE, request) == message


def test_an_upload_without_file_lacks_its_content() -> None:
    assert refusal(files.UPLOAD_OWN_FILE, {}) == "must have required property 'content'"


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({}, "must have required property 'content'"),
        ({"content": {}}, "must have required property 'recipients'"),
        ({"content": {}, "recipients": []}, "recipients must NOT have fewer than 1 items"),
        (
            {"content": {}, "recipients": [ADDRESS] * 3},
            "recipients must NOT have duplicate items (items ## 1 and 2 are identical)",
        ),
        (
            {"content": {}, "recipients": [ADDRESS], "attachments": ["x"]},
            "attachments/0 must match pattern FIL[A-Za-z0-9]{17}",
        ),
        ({"content": {}, "recipients": [ADDRESS], "attachments": [FILE]}, None),
    ],
)
def test_sending_a_message(request_: Any, message: str | None) -> None:
    assert refusal(messages.SEND_MESSAGE, request_) == message


def test_ids_are_named_as_the_use_case_names_them() -> None:
    assert refusal(relationships.CHANGE_RELATIONSHIP, {"relationshipId": "x"}) == (
        "relationshipId must match pattern REL[A-Za-z0-9]{17}"
    )
    assert refusal(relationships.GET_RELATIONSHIP, {"id": RELATIONSHIP}) is None
    assert refusal(tokens.DELETE_TOKEN, {"tokenId": "x"}) == "tokenId must match pattern TOK[A-Za-z0-9]{17}"
    assert refusal(relationships.CREATE_RELATIONSHIP, {"templateId": TEMPLATE}) == (
        "must have required property 'creationContent'"
    )


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"challengeType": "Identity"}, None),
        ({"challengeType": "Device"}, None),
        ({"challengeType": "Relationship", "relationship": RELATIONSHIP}, None),
        ({"challengeType": "Relationship", "relationship": "x"}, "relationship must match pattern REL[A-Za-z0-9]{17}"),
        ({"challengeType": "Identity", "x": 1}, "must NOT have additional properties"),
    ],
)
def test_creating_a_challenge(request_: Any, message: str | None) -> None:
    assert refusal(challenges.CREATE_CHALLENGE, request_) == message


@pytest.mark.parametrize("request_", [{}, None, {"challengeType": "Other"}, {"challengeType": "Relationship"}])
def test_a_challenge_of_no_kind_is_an_invalid_payload(request_: Any) -> None:
    with pytest.raises(ValidationFailed) as caught:
        challenges.CREATE_CHALLENGE.check(request_, CIRCUMSTANCES)
    assert caught.value.code == "error.runtime.validation.invalidPayload"
    assert caught.value.message == "The given combination of properties in the payload is not supported."


def test_announcements_need_a_language_of_iso_639() -> None:
    assert len(account.LANGUAGES) == 183
    assert refusal(account.GET_ANNOUNCEMENTS, {}) == "must have required property 'language'"
    assert refusal(account.GET_ANNOUNCEMENTS, {"language": "xx"}) == (
        "language must be equal to one of the allowed values"
    )
    assert refusal(account.GET_ANNOUNCEMENTS, {"language": "zu"}) is None


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"@type": "GivenName", "value": "Ada"}, None),
        ({"@type": "GivenName", "value": 1}, "GivenName :: value must be string"),
        ({"@type": "GivenName"}, "GivenName :: must have required property 'value'"),
        ({"@type": "GivenName", "value": "", "x": 1}, "GivenName :: must NOT have additional properties"),
        ({"@type": "BirthDate", "day": 1, "month": 1}, "BirthDate :: must have required property 'year'"),
        ({"@type": "StreetAddress"}, "StreetAddress :: must have required property 'city'"),
        ({"@type": "ProprietaryString", "value": ""}, attributes.UNKNOWN_VALUE_TYPE),
        ({"@type": ["GivenName"]}, attributes.UNKNOWN_VALUE_TYPE),
        ({}, attributes.UNKNOWN_VALUE_TYPE),
        (None, attributes.UNKNOWN_VALUE_TYPE),
        ("x", attributes.UNKNOWN_VALUE_TYPE),
    ],
)
def test_the_value_of_a_new_identity_attribute(value: Any, message: str | None) -> None:
    assert attributes.identity_value_violation(value) == message
    assert refusal(attributes.CREATE_OWN_IDENTITY_ATTRIBUTE, {"content": {"value": value}}) == message
    assert refusal(attributes.CAN_CREATE_OWN_IDENTITY_ATTRIBUTE, {"content": {"value": value}}) is None


def test_a_successor_of_no_known_kind_is_refused_as_the_first_kind() -> None:
    request = {"predecessorId": ATTRIBUTE, "successorContent": {"value": {"@type": "X", "value": 1}}}
    assert refusal(attributes.SUCCEED_OWN_IDENTITY_ATTRIBUTE, request) == (
        "successorContent/value must have required property 'organization'"
    )
    assert refusal(attributes.SUCCEED_RELATIONSHIP_ATTRIBUTE, request) == (
        "successorContent/value must have required property 'title'"
    )


def test_only_the_decider_says_that_it_decided() -> None:
    requests.refuse_decided_by_automation({"items": []})
    requests.refuse_decided_by_automation({"decidedByAutomation": False})
    requests.refuse_decided_by_automation(None)
    with pytest.raises(ConnectorError) as caught:
        requests.refuse_decided_by_automation({"decidedByAutomation": True})
    assert caught.value.code == "error.connector.incomingRequests.decidedByAutomation"
    assert caught.value.message == "Decided by automation is not allowed for this endpoint."
