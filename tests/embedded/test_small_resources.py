"""Announcements, notifications, tags, public templates, feature flags and quotas (Backbone spec 6.6, 15)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.embedded.backbone import (
    ADMIN_KEY,
    API,
    CONTENT,
    INVALID,
    NOT_FOUND,
    SOME_ADDRESS,
    UNREADABLE,
    Backbone,
    message_of,
    refusal,
    result,
    running_backbone,
)
from trio_connector.embedded import Quota

KEY_HEADER = {"x-api-key": ADMIN_KEY}
ENGLISH = {"language": "en", "title": "Title", "body": "Body"}
GERMAN = {"language": "de", "title": "Titel", "body": "Text"}


# --- announcements -------------------------------------------------------------------------------------------------


async def announce(backbone: Backbone, **changes: Any) -> Any:
    body = {"severity": "High", "isSilent": False, "texts": [ENGLISH, GERMAN], **changes}
    return await backbone.client.post("/api/v1/Announcements", json=body, headers=KEY_HEADER)


async def test_everybody_reads_an_announcement_in_its_language_or_english(backbone: Backbone) -> None:
    identity = await backbone.identity()
    action = {"displayName": {"en": "Open", "de": "Auf"}, "link": "https://example.com"}
    id_ = result(await announce(backbone, actions=[action], expiresAt="2020-01-01T00:00:00.000Z"), 201)["id"]
    for language, title, name in (("de", "Titel", "Auf"), ("fr", "Title", "Open")):
        (announcement,) = result(await identity.get("/Announcements", language=language))
        assert announcement == {
            "id": id_,
            "createdAt": announcement["createdAt"],
            "expiresAt": "2020-01-01T00:00:00.000Z",
            "severity": "High",
            "title": title,
            "body": announcement["body"],
            "actions": [{"displayName": name, "link": "https://example.com", "iqlQuery": None}],
            "iqlQuery": None,
        }


async def test_an_announcement_may_be_for_some(backbone: Backbone) -> None:
    addressed, other = await backbone.identity(), await backbone.identity()
    result(await announce(backbone, recipients=[addressed.address]), 201)
    assert len(result(await addressed.get("/Announcements", language="en"))) == 1
    assert result(await other.get("/Announcements", language="en")) == []


@pytest.mark.parametrize("language", ["", "xx", "english"])
async def test_the_language_of_announcements_is_checked(backbone: Backbone, language: str) -> None:
    identity = await backbone.identity()
    assert refusal(await identity.get("/Announcements", language=language)) == INVALID


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"texts": [GERMAN]}, INVALID),
        ({"texts": [{**ENGLISH, "title": ""}]}, INVALID),
        ({"texts": [ENGLISH, {**GERMAN, "language": "xx"}]}, INVALID),
        ({"texts": None}, UNREADABLE),
        ({"severity": "Terrible"}, UNREADABLE),
        ({"recipients": ["nobody"]}, INVALID),
        ({"recipients": [7]}, UNREADABLE),
        ({"recipients": [SOME_ADDRESS] * 101}, INVALID),
        ({"actions": [{"displayName": {"de": "Auf"}, "link": "x"}]}, INVALID),
        ({"actions": [{"displayName": {"en": "x" * 31}, "link": "x"}]}, INVALID),
        ({"actions": [{"displayName": {"en": "a\nb"}, "link": "x"}]}, INVALID),
        ({"actions": [{"displayName": {"en": "Open"}, "link": ""}]}, INVALID),
        ({"actions": [{"displayName": "Open", "link": "x"}]}, UNREADABLE),
        ({"iqlQuery": "#x"}, (400, "error.platform.validation.nonSilentAnnouncementCannotHaveIqlQuery")),
    ],
)
async def test_announcements_are_checked(backbone: Backbone, change: dict[str, Any], refused: tuple[int, str]) -> None:
    assert refusal(await announce(backbone, **change)) == refused


async def test_announcing_needs_the_administrators_key(backbone: Backbone) -> None:
    assert (await backbone.client.post("/api/v1/Announcements", json={})).status_code == 401
    assert (await backbone.client.get("/api/v1/xsrf")).status_code == 401
    response = await backbone.client.get("/api/v1/xsrf", headers=KEY_HEADER)
    assert (response.status_code, len(response.text), "set-cookie" in response.headers) == (200, 32, True)


# --- notifications -------------------------------------------------------------------------------------------------


async def test_a_notification_needs_peers_and_a_known_code(backbone: Backbone) -> None:
    code = "error.platform.validation.notification"
    sender, peer, relationship_id = await backbone.pair()
    stranger = await backbone.identity()

    async def notify(*recipients: str, code: str = "TestCode") -> Any:
        return await sender.post("/Notifications", {"code": code, "recipients": list(recipients)})

    sent = await notify(peer.address)
    assert (sent.status_code, sent.content) == (204, b"")
    response = await notify(peer.address, stranger.address, code="Other")
    assert refusal(response) == (400, f"{code}.noRelationshipToOneOrMoreRecipientsExists")
    response = await notify(peer.address, code="Other")
    assert refusal(response) == (400, f"{code}.codeDoesNotExist")
    assert message_of(response) == "The given message code does not exist. Valid message codes are: TestCode"
    assert refusal(await notify()) == INVALID
    assert refusal(await notify("nobody")) == INVALID
    assert refusal(await notify(peer.address, code="")) == INVALID
    for operation in ("Terminate", "Decompose"):
        result(await peer.put(f"/Relationships/{relationship_id}/{operation}", {}))
    assert refusal(await notify(peer.address)) == (400, f"{code}.relationshipToRecipientIsNotInCorrectStatus")


# --- tags and public templates -------------------------------------------------------------------------------------


async def test_tags_are_open_and_cached_by_their_etag() -> None:
    tags = {"City": {"capital": {"displayNames": {"en": "Capital"}, "children": {}}}}
    async with running_backbone(tags=tags) as backbone:
        response = await backbone.client.get(f"{API}/Tags")
        assert result(response) == {"supportedLanguages": ["en"], "tagsForAttributeValueTypes": tags}
        etag = response.headers["etag"]
        again = await backbone.client.get(f"{API}/Tags", headers={"if-none-match": etag})
        assert (again.status_code, again.content) == (304, b"")
        assert (await backbone.client.get(f"{API}/Tags", headers={"if-none-match": '"x"'})).status_code == 200


async def test_public_templates_are_configured() -> None:
    path = "/api/poc/PublicRelationshipTemplateReferences"
    reference = {"title": "T", "description": "D", "truncatedReference": "R"}
    async with running_backbone(public_template_references=(reference,)) as backbone:
        identity = await backbone.identity()
        assert result(await backbone.client.get(path, headers=identity.headers)) == [reference]
        assert (await backbone.client.get(path)).status_code == 401


# --- feature flags -------------------------------------------------------------------------------------------------


async def test_feature_flags_are_for_peers_and_readers_of_templates(backbone: Backbone) -> None:
    owner, peer, _ = await backbone.pair()
    reader, stranger = await backbone.identity(), await backbone.identity()
    template_id = await owner.template()
    result(await reader.get(f"/RelationshipTemplates/{template_id}"))
    await peer.events()
    response = await owner.patch("/Identities/Self/FeatureFlags", {"first": True, "second": False})
    assert response.status_code == 204
    for who in (owner, peer, reader):
        flags = result(await who.get(f"/Identities/{owner.address}/FeatureFlags"))
        assert flags == {"first": True, "second": False}
    response = await stranger.get(f"/Identities/{owner.address}/FeatureFlags")
    assert refusal(response) == NOT_FOUND
    for who in (peer, reader):
        (event,) = await who.events()
        assert (event["type"], event["payload"]) == ("PeerFeatureFlagsChanged", {"peerAddress": owner.address})
    assert await owner.events() != [], "the acceptance's creation is told, its own flags are not"


async def test_feature_flags_are_checked_and_limited() -> None:
    async with running_backbone(max_feature_flags=2) as backbone:
        identity = await backbone.identity()
        path = "/Identities/Self/FeatureFlags"
        assert refusal(await identity.patch(path, {"x" * 201: True})) == INVALID
        assert refusal(await identity.patch(path, {"x": "yes"})) == UNREADABLE
        assert (await identity.patch(path, {"a": True, "b": True})).status_code == 204
        assert (await identity.patch(path, {"a": False})).status_code == 204
        response = await identity.patch(path, {"c": True})
        assert refusal(response) == (
            400,
            "error.platform.validation.featureFlag.maxNumberOfFeatureFlagsExceeded",
        )
        assert message_of(response) == "Only 2 feature flags can be created."
        assert result(await identity.get(f"/Identities/{identity.address}/FeatureFlags")) == {"a": False, "b": True}


# --- quotas --------------------------------------------------------------------------------------------------------


async def test_without_quotas_there_is_no_limit(backbone: Backbone) -> None:
    identity = await backbone.identity()
    assert result(await identity.get("/Quotas")) == []


async def test_a_quota_says_when_there_will_be_more() -> None:
    quota = Quota(metric="NumberOfTokens", max=1, period="Hour")
    async with running_backbone(quotas=(quota,)) as backbone:
        identity, other = await backbone.identity(), await backbone.identity()
        await identity.token()
        response = await identity.post("/Tokens", {"content": CONTENT, "expiresAt": backbone.clock.in_the_future()})
        assert refusal(response) == (429, "error.platform.quotaExhausted")
        assert response.json()["error"]["data"] == [
            {"metricKey": "NumberOfTokens", "isExhaustedUntil": "2026-01-31T13:00:00.000Z"}
        ]
        (metric,) = result(await identity.get("/Quotas"))
        assert metric == {
            "metricKey": "NumberOfTokens",
            "quotas": [{"source": "Tier", "metricKey": "NumberOfTokens", "max": 1, "usage": 1, "period": "Hour"}],
        }
        await other.token()
        backbone.clock.advance(hours=1)
        await identity.log_in()
        await identity.token()


@pytest.mark.parametrize(
    "metric",
    [
        "NumberOfSentMessages",
        "NumberOfRelationships",
        "NumberOfRelationshipTemplates",
        "NumberOfFiles",
        "UsedFileStorageSpace",
    ],
)
async def test_every_metric_has_its_limit(metric: str) -> None:
    quota = Quota(metric=metric, max=1, period="Total")
    async with running_backbone(quotas=(quota,)) as backbone:
        owner, first, second = [await backbone.identity() for _ in range(3)]
        template_id = await owner.template()
        relationship_ids = [
            result(await who.post("/Relationships", {"relationshipTemplateId": template_id}), 201)["id"]
            for who in (first, second)
        ]

        async def use() -> int:
            match metric:
                case "NumberOfSentMessages":
                    return (await first.send(owner)).status_code
                case "NumberOfRelationships":
                    path = f"/Relationships/{relationship_ids.pop(0)}/Accept"
                    return (await owner.put(path, {})).status_code
                case "NumberOfRelationshipTemplates":
                    return (await first.post("/RelationshipTemplates", {"content": CONTENT})).status_code
                case _:
                    return (await first.upload()).status_code

        assert await use() in (200, 201)
        assert await use() == 429
