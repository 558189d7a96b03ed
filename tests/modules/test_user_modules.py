"""Modules of users: a class named by ``location`` (connector spec 1.2 and 9.8)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import structlog

from tests.accounts import running_account, running_backbone
from tests.modules.running import running_modules, settled
from tests.modules.user_modules import SEEN
from trio_connector.errors import ConnectorError
from trio_connector.events.model import NewEvent
from trio_connector.usecases.services import Services

PLACE = "tests.modules.user_modules"


@pytest.fixture
async def account() -> AsyncIterator[Services]:
    """Any account."""
    async with running_backbone() as url, running_account(url) as services:
        yield services


@pytest.fixture
def log_lines() -> Iterator[list[Any]]:
    """What is logged."""
    with structlog.testing.capture_logs() as lines:
        yield lines


@pytest.fixture(autouse=True)
def nothing_seen() -> None:
    """No module was told of anything yet."""
    SEEN.clear()


def mine(class_name: str, **options: Any) -> dict[str, Any]:
    return {"mine": {"enabled": True, "location": f"{PLACE}:{class_name}", **options}}


async def happens(services: Services, *namespaces: str) -> None:
    """Events of these namespaces."""
    for namespace in namespaces:
        await services.store.transact(lambda unit, name=namespace: unit.append(NewEvent(namespace=name)))  # type: ignore[misc]  # mypy cannot infer lambdas with defaults


async def test_a_module_is_told_of_the_events_it_wants_in_order(account: Services) -> None:
    async with running_modules(account, mine("Reacting")) as bus:
        await happens(account, "test.a", "other.b", "test.c.d", "test.a")
        await settled(bus)
    assert SEEN == ["test.a", "test.c.d", "test.a"]


async def test_a_module_goes_on_where_it_was(account: Services) -> None:
    async with running_modules(account, mine("Reacting")) as bus:
        await happens(account, "test.a")
        await settled(bus)
    await happens(account, "test.b")
    async with running_modules(account, mine("Reacting")) as bus:
        await settled(bus)
    assert SEEN == ["test.a", "test.b"]


async def test_a_reaction_that_fails_is_repeated_while_later_events_wait(
    account: Services, log_lines: list[Any]
) -> None:
    async with running_modules(account, mine("Reacting", failures=2)) as bus:
        await happens(account, "test.a", "test.b")
        await settled(bus)
    assert SEEN == ["test.a"] * 3 + ["test.b"]
    failed = [line for line in log_lines if line["event"] == "An error was thrown in an event handler."]
    assert [(line["subscriber"], line["exc_info"]) for line in failed] == [("module:mine", True)] * 2


async def test_after_the_modules_own_schedule_an_event_is_given_up_and_listed(account: Services) -> None:
    async with running_modules(account, mine("Reacting", failures=3)) as bus:
        await happens(account, "test.a", "test.b")
        await settled(bus)
        (given_up,) = await bus.subscribers["module:mine"].given_up_events()
    assert SEEN == ["test.a"] * 3 + ["test.b"]
    assert given_up.reason == "LookupError: on purpose"


async def test_a_task_runs_from_the_start_to_the_end(account: Services) -> None:
    async with running_modules(account, mine("Running")):
        assert SEEN == ["ready"]
    assert SEEN == ["ready", "stopped"]


async def test_a_module_may_react_and_run(account: Services) -> None:
    async with running_modules(account, mine("Both")) as bus:
        await happens(account, "test.a")
        await settled(bus)
    assert SEEN == ["running", "test.a"]


async def test_two_modules_of_one_class_are_refused(account: Services) -> None:
    again = {"again": mine("Reacting")["mine"]}
    with pytest.raises(Exception, match="is not allowed to be used multiple times, but it has 2 instances"):
        async with running_modules(account, mine("Reacting") | again):
            pass


async def test_a_name_that_needs_escaping_makes_no_subscriber_that_does(account: Services) -> None:
    module = {"my module/1": mine("Reacting")["mine"]}
    async with running_modules(account, module) as bus:
        (name,) = [name for name in bus.subscribers if name.startswith("module:")]
    assert name.startswith("module:my-module-1-")


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("nowhere", "the location is not of the form 'package.module:ClassName'"),
        (":Class", "the location is not of the form 'package.module:ClassName'"),
        ("tests.modules.nowhere:Class", "the location of the module does not exist"),
        ("no_such_package.at_all:Class", "the location of the module does not exist"),
        (
            "tests.modules.user_module_that_needs_more:Class",
            "it needs the package 'no_such_package_at_all', which is not installed",
        ),
        (f"{PLACE}:Missing", "it has no class 'Missing'"),
        (f"{PLACE}:NUMBER", "it has no class 'NUMBER'"),
        (f"{PLACE}:Nothing", "its class has neither 'react' with 'patterns' nor 'run'"),
        (f"{PLACE}:WithoutPatterns", "its 'patterns' must be a tuple of namespaces"),
        (f"{PLACE}:OneText", "its 'patterns' must be a tuple of namespaces"),
        (f"{PLACE}:NotAsync", "its 'react' is not an async function"),
        (f"{PLACE}:BadSchedule", "its 'retry_after_seconds' must be a tuple of numbers, none below 0"),
        (f"{PLACE}:Careless", "KeyError: 'shop'"),
    ],
)
async def test_what_cannot_be_a_module_ends_the_start_with_its_name_and_the_reason(
    account: Services, location: str, reason: str
) -> None:
    with pytest.raises(ConnectorError) as refused:
        async with running_modules(account, {"mine": {"enabled": True, "location": location}}):
            pass
    assert refused.value.message == (
        f"Module 'mine' (modules.mine.location): The module on location '{location}' could not be loaded: {reason}."
    )


async def test_what_a_class_has_against_its_options_is_said_in_its_own_words(account: Services) -> None:
    with pytest.raises(ConnectorError) as refused:
        async with running_modules(account, mine("Particular", shop=7)):
            pass
    assert refused.value.message == "Module 'mine' (modules.mine): Expected `str`, got `int` - at `$.shop`"
