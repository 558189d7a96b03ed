"""Sync runs and external events: nothing is lost, nothing comes twice (Backbone spec section 12)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.embedded.backbone import (
    INVALID,
    NOT_FOUND,
    UNREADABLE,
    Backbone,
    Identity,
    message_of,
    refusal,
    result,
)

CODE = "error.platform.validation.syncRun"
RUNNING = (400, f"{CODE}.cannotStartSyncRunWhenAnotherSyncRunIsRunning")
FINALIZED = (400, f"{CODE}.syncRunAlreadyFinalized")
INSUFFICIENT = (400, "error.platform.validation.datawallet.insufficientSupportedDatawalletVersion")


async def told(backbone: Backbone, events: int = 1) -> Identity:
    """An identity with a datawallet for which some events wait."""
    identity, teller = await backbone.identity(), await backbone.identity()
    await identity.make_datawallet()
    for _ in range(events):
        template_id = await identity.template(maxNumberOfAllocations=1)
        result(await teller.get(f"/RelationshipTemplates/{template_id}"))
    return identity


async def run_of(identity: Identity, **changes: Any) -> dict[str, Any]:
    run: dict[str, Any] = result(await identity.start_sync(**changes), 201)["syncRun"]
    return run


async def events_of(identity: Identity, run: dict[str, Any]) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = result(await identity.get(f"/SyncRuns/{run['id']}/ExternalEvents"))
    return events


async def finalize(identity: Identity, run: dict[str, Any], results: list[dict[str, Any]]) -> Any:
    body = {"externalEventResults": results, "datawalletModifications": []}
    return await identity.put(f"/SyncRuns/{run['id']}/FinalizeExternalEventSync", body)


def processed(events: list[dict[str, Any]], error_code: str | None = None) -> list[dict[str, Any]]:
    return [{"externalEventId": event["id"], "errorCode": error_code} for event in events]


async def test_without_events_there_is_no_run(backbone: Backbone) -> None:
    identity = await told(backbone, events=0)
    assert result(await identity.start_sync(), 200) == {"status": "NoNewEvents", "syncRun": None}


async def test_a_run_takes_all_events_in_order(backbone: Backbone) -> None:
    identity = await told(backbone, events=3)
    started = result(await identity.start_sync(), 201)
    run = started["syncRun"]
    assert started["status"] == "Created"
    assert (run["type"], run["index"], run["eventCount"]) == ("ExternalEventSync", 1, 3)
    assert (run["createdBy"], run["createdByDevice"]) == (identity.address, identity.device_id)
    events = await events_of(identity, run)
    assert [(event["index"], event["syncErrorCount"]) for event in events] == [(0, 0), (1, 0), (2, 0)]
    answer = result(await finalize(identity, run, processed(events)))
    assert answer == {
        "newDatawalletModificationIndex": None,
        "datawalletModifications": [],
        "newUnsyncedExternalEventsExist": False,
    }
    assert result(await identity.start_sync())["status"] == "NoNewEvents"


async def test_the_type_defaults_to_events_and_is_read_without_case(backbone: Backbone) -> None:
    identity = await told(backbone, events=0)
    assert result(await identity.post("/SyncRuns", {}))["status"] == "NoNewEvents"
    assert result(await identity.post("/SyncRuns"))["status"] == "NoNewEvents"
    assert result(await identity.start_sync(type="externaleventsync"))["status"] == "NoNewEvents"
    assert refusal(await identity.start_sync(type="Other")) == UNREADABLE


async def test_there_is_one_run_at_a_time_also_for_the_same_device(backbone: Backbone) -> None:
    identity = await told(backbone)
    run = await run_of(identity)
    second = await identity.add_device()
    for device in (identity, second):
        for type_ in ("ExternalEventSync", "DatawalletVersionUpgrade"):
            response = await device.start_sync(type=type_)
            assert refusal(response) == RUNNING
            assert run["id"] in message_of(response)


async def test_an_expired_run_is_cancelled_by_the_next_one(backbone: Backbone) -> None:
    identity = await told(backbone)
    abandoned = await run_of(identity)
    (event,) = await events_of(identity, abandoned)
    backbone.clock.advance(seconds=11)
    run = await run_of(identity)
    (again,) = await events_of(identity, run)
    assert again == {**event, "syncErrorCount": 1}
    assert refusal(await finalize(identity, abandoned, processed([event]))) == FINALIZED


async def test_a_run_lives_as_long_as_asked_for(backbone: Backbone) -> None:
    identity = await told(backbone)
    await run_of(identity, duration=60)
    backbone.clock.advance(seconds=59)
    assert refusal(await identity.start_sync()) == RUNNING
    backbone.clock.advance(seconds=2)
    await run_of(identity)


async def test_a_run_can_be_given_more_time(backbone: Backbone) -> None:
    identity = await told(backbone)
    run = await run_of(identity)
    second = await identity.add_device()
    path = f"/SyncRuns/{run['id']}/RefreshExpirationTime"
    backbone.clock.advance(seconds=9)
    assert result(await identity.put(path, {}))["expiresAt"] == backbone.clock.in_the_future(seconds=10)
    assert refusal(await second.put(path, {}))[1].endswith("SyncRunStartedByAnotherDevice")
    backbone.clock.advance(seconds=9)
    assert refusal(await identity.start_sync()) == RUNNING
    assert result(await identity.get(f"/SyncRuns/{run['id']}"))["finalizedAt"] is None


async def test_an_expired_run_nobody_replaced_can_still_be_finalized(backbone: Backbone) -> None:
    identity = await told(backbone)
    run = await run_of(identity)
    events = await events_of(identity, run)
    backbone.clock.advance(seconds=60)
    result(await finalize(identity, run, processed(events)))


async def test_a_failed_event_is_offered_three_times_and_counts(backbone: Backbone) -> None:
    identity = await told(backbone)
    for errors in range(3):
        run = await run_of(identity)
        events = await events_of(identity, run)
        assert [event["syncErrorCount"] for event in events] == [errors]
        answer = result(await finalize(identity, run, processed(events, "some.error")))
        assert answer["newUnsyncedExternalEventsExist"] is False, "only events that never failed count"
    assert result(await identity.start_sync())["status"] == "NoNewEvents"


async def test_an_event_without_result_failed_too(backbone: Backbone) -> None:
    identity = await told(backbone, events=2)
    run = await run_of(identity)
    first, second = await events_of(identity, run)
    result(await finalize(identity, run, processed([first])))
    (again,) = await events_of(identity, await run_of(identity))
    assert (again["id"], again["syncErrorCount"]) == (second["id"], 1)


async def test_an_event_that_came_during_the_run_is_announced_at_its_end(backbone: Backbone) -> None:
    identity, teller = await told(backbone), await backbone.identity()
    run = await run_of(identity)
    events = await events_of(identity, run)
    template_id = await identity.template(maxNumberOfAllocations=1)
    result(await teller.get(f"/RelationshipTemplates/{template_id}"))
    answer = result(await finalize(identity, run, processed(events)))
    assert answer["newUnsyncedExternalEventsExist"] is True
    (event,) = await events_of(identity, await run_of(identity))
    assert event["index"] == 1


async def test_results_for_foreign_events_change_nothing(backbone: Backbone) -> None:
    identity, other = await told(backbone), await told(backbone)
    run, other_run = await run_of(identity), await run_of(other)
    result(await finalize(identity, run, processed(await events_of(other, other_run))))
    (event,) = await events_of(identity, await run_of(identity))
    assert event["syncErrorCount"] == 1
    assert len(await events_of(other, other_run)) == 1


async def test_a_run_belongs_to_its_device_and_identity(backbone: Backbone) -> None:
    identity, stranger = await told(backbone), await told(backbone, events=0)
    run = await run_of(identity)
    second = await identity.add_device()
    events = f"/SyncRuns/{run['id']}/ExternalEvents"
    assert refusal(await second.get(events)) == (
        400,
        f"{CODE}.cannotReadExternalEventsOfASyncRunStartedByAnotherDevice",
    )
    assert refusal(await finalize(second, run, [])) == (400, f"{CODE}.cannotFinalizeSyncRunStartedByAnotherDevice")
    response = await stranger.get(events)
    assert refusal(response) == NOT_FOUND
    assert message_of(response).startswith("SyncRun not found.")
    assert refusal(await finalize(stranger, run, [])) == NOT_FOUND


async def test_a_finalized_run_is_over(backbone: Backbone) -> None:
    identity = await told(backbone)
    run = await run_of(identity)
    events = await events_of(identity, run)
    result(await finalize(identity, run, processed(events)))
    assert refusal(await finalize(identity, run, processed(events))) == FINALIZED
    assert refusal(await identity.get(f"/SyncRuns/{run['id']}/ExternalEvents")) == FINALIZED
    assert refusal(await identity.put(f"/SyncRuns/{run['id']}/RefreshExpirationTime", {})) == FINALIZED


async def test_each_type_has_its_own_end(backbone: Backbone) -> None:
    identity = await told(backbone)
    run = await run_of(identity)
    upgrade = {"newDatawalletVersion": 2, "datawalletModifications": []}
    response = await identity.put(f"/SyncRuns/{run['id']}/FinalizeDatawalletVersionUpgrade", upgrade)
    assert refusal(response) == (400, f"{CODE}.unexpectedSyncRunType")
    result(await finalize(identity, run, []))
    run = await run_of(identity, type="DatawalletVersionUpgrade")
    assert refusal(await finalize(identity, run, [])) == (400, f"{CODE}.unexpectedSyncRunType")


async def test_events_need_a_datawallet_and_a_client_that_knows_it(backbone: Backbone) -> None:
    identity = await backbone.identity()
    response = await identity.start_sync()
    assert refusal(response) == NOT_FOUND
    assert message_of(response).startswith("Datawallet not found.")
    await identity.make_datawallet(version=2)
    assert refusal(await identity.start_sync()) == INSUFFICIENT
    identity.headers["x-supported-datawallet-version"] = "2"
    assert result(await identity.start_sync())["status"] == "NoNewEvents"


@pytest.mark.parametrize(("header", "refused"), [("", INVALID), ("0", INVALID), ("-1", UNREADABLE), ("x", UNREADABLE)])
async def test_the_supported_version_must_be_given(backbone: Backbone, header: str, refused: tuple[int, str]) -> None:
    identity = await backbone.identity()
    identity.headers["x-supported-datawallet-version"] = header
    if not header:
        del identity.headers["x-supported-datawallet-version"]
    assert refusal(await identity.start_sync()) == refused


@pytest.mark.parametrize(
    ("results", "refused"),
    [
        ([{"externalEventId": "x"}], INVALID),
        ([{"errorCode": "x"}], UNREADABLE),
        ([{"externalEventId": "SYIaaaaaaaaaaaaaaaaa", "errorCode": "x" * 101}], (400, "MaximumLengthValidator")),
        (["text"], UNREADABLE),
    ],
)
async def test_results_are_checked(backbone: Backbone, results: list[Any], refused: tuple[int, str]) -> None:
    identity = await told(backbone)
    assert refusal(await finalize(identity, await run_of(identity), results)) == refused


async def test_many_events_come_in_pages(backbone: Backbone) -> None:
    identity = await told(backbone, events=5)
    run = await run_of(identity)
    path = f"/SyncRuns/{run['id']}/ExternalEvents"
    whole = (await identity.get(path)).json()
    assert "pagination" not in whole
    indices: list[int] = []
    for number in (1, 2, 3):
        page = (await identity.get(path, pageSize=2, pageNumber=number)).json()
        assert page["pagination"] == {"pageNumber": number, "pageSize": 2, "totalPages": 3, "totalRecords": 5}
        indices += [event["index"] for event in page["result"]]
    assert indices == [0, 1, 2, 3, 4]
    assert (await identity.get(path, pageSize=2, pageNumber=4)).json()["result"] == []


@pytest.mark.parametrize(
    ("query", "refused"),
    [
        ({"pageSize": "201"}, (400, "error.platform.validation.pagination.invalidPageSize")),
        ({"pageSize": "0"}, INVALID),
        ({"pageNumber": "0"}, INVALID),
        ({"pageNumber": "-1"}, INVALID),
        ({"pageNumber": "x"}, UNREADABLE),
        ({"pageNumber": "9" * 30}, UNREADABLE),
    ],
)
async def test_pages_are_checked(backbone: Backbone, query: dict[str, str], refused: tuple[int, str]) -> None:
    identity = await backbone.identity()
    assert refusal(await identity.get("/Messages", **query)) == refused
