"""The ``autoAcceptPendingRelationships`` module, and its name of 2022 (connector spec 9.5, seed era 4.5)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
import trio

from tests.accounts import (
    ARBITRARY_CREATION,
    ARBITRARY_TEMPLATE,
    FAR_FUTURE,
    running_account,
    running_backbone,
    synchronized,
    template_reference,
    utc_now,
)
from tests.connectors import until
from tests.modules.running import TRANSPORT, coming_and_going, running_modules, settled
from trio_connector.domain.relationship import RELATIONSHIPS
from trio_connector.modules.auto_accept_pending_relationships import NAME, PRODUCTION_WARNING
from trio_connector.settings import parse
from trio_connector.usecases.relationships import create_relationship, reject_relationship, revoke_relationship
from trio_connector.usecases.services import Services
from trio_connector.usecases.templates import create_own_template, load_peer_template

TODAY: dict[str, Any] = {NAME: {"enabled": True}}
IN_2022: dict[str, Any] = {"autoAcceptRelationshipCreationChanges": {"enabled": True, "responseContent": {"a": 1}}}


@pytest.fixture
def log_lines() -> Iterator[list[Any]]:
    """What is logged."""
    with structlog.testing.capture_logs() as lines:
        yield lines


@asynccontextmanager
async def two_accounts(url: str) -> AsyncIterator[tuple[Services, Services]]:
    """Us and a stranger."""
    async with running_account(url) as us, running_account(url) as stranger:
        yield us, stranger


async def requested(us: Services, stranger: Services) -> str:
    """The stranger asks us for a relationship; its id."""
    template = await create_own_template(us, content=ARBITRARY_TEMPLATE, expires_at=FAR_FUTURE)
    loaded = await load_peer_template(stranger, template_reference(us, template.id))
    return (await create_relationship(stranger, loaded.id, ARBITRARY_CREATION)).id


def status(services: Services, relationship_id: str) -> str | None:
    relationship = services.store.get(RELATIONSHIPS, relationship_id)
    return None if relationship is None else relationship.status


@pytest.mark.parametrize("modules", [TODAY, IN_2022, TODAY | IN_2022], ids=["today", "2022", "both"])
async def test_what_a_peer_asks_for_is_accepted_once(modules: dict[str, Any], log_lines: list[Any]) -> None:
    async with running_backbone() as url, two_accounts(url) as (us, stranger):
        async with running_modules(us, modules) as bus:
            relationship = await requested(us, stranger)
            await synchronized(us)
            await until(us, lambda: status(us, relationship) == "Active")
            await settled(bus)
            assert [name for name in bus.subscribers if "Accept" in name] == [NAME]
        await synchronized(stranger)
        assert status(stranger, relationship) == "Active"
        current = us.store.get(RELATIONSHIPS, relationship)
        assert current is not None
        assert [entry.reason for entry in current.audit_log] == ["Creation", "AcceptanceOfCreation"]
    told = [line["event"] for line in log_lines if "'Pending' Relationship" in line["event"]]
    assert told == [
        "Incoming 'Pending' Relationship detected.",
        "Incoming 'Pending' Relationship was accepted successfully.",
    ]


async def test_what_we_ask_for_is_left_to_the_peer() -> None:
    async with running_backbone() as url, two_accounts(url) as (us, stranger), running_modules(us, TODAY) as bus:
        relationship = await requested(stranger, us)
        await settled(bus)
        assert status(us, relationship) == "Pending"


async def test_what_is_pending_already_is_left_to_people() -> None:
    async with running_backbone() as url, two_accounts(url) as (us, stranger):
        relationship = await requested(us, stranger)
        await synchronized(us)
        async with running_modules(us, TODAY) as bus:
            await settled(bus)
        assert status(us, relationship) == "Pending"


async def test_what_came_while_it_was_switched_off_is_left_to_people() -> None:
    async with running_backbone() as url, two_accounts(url) as (us, stranger):
        async with running_modules(us, TODAY):
            pass
        async with running_modules(us, {}):
            relationship = await requested(us, stranger)
            await synchronized(us)
        async with running_modules(us, TODAY) as bus:
            await settled(bus)
        assert status(us, relationship) == "Pending"


async def test_what_came_while_the_process_was_down_is_accepted() -> None:
    async with running_backbone() as url, two_accounts(url) as (us, stranger):
        async with running_modules(us, TODAY):
            pass
        relationship = await requested(us, stranger)
        await synchronized(us)
        async with running_modules(us, TODAY):
            await until(us, lambda: status(us, relationship) == "Active")


async def test_what_was_decided_meanwhile_stays_so(log_lines: list[Any]) -> None:
    async with running_backbone() as url, two_accounts(url) as (us, stranger):
        async with running_modules(us, TODAY):
            pass
        relationship = await requested(us, stranger)
        await synchronized(us)
        await reject_relationship(us, relationship)
        async with running_modules(us, TODAY) as bus:
            await settled(bus)
        assert status(us, relationship) == "Rejected"
    assert not [line for line in log_lines if line["log_level"] == "error"]


async def test_while_the_backbone_is_away_it_is_tried_again(tmp_path: Path, log_lines: list[Any]) -> None:
    async with coming_and_going(tmp_path) as backbone, two_accounts(backbone.url) as (us, stranger):
        async with running_modules(us, TODAY):
            pass
        relationship = await requested(us, stranger)
        await synchronized(us)
        await backbone.end()
        async with running_modules(us, TODAY) as bus:
            with trio.fail_after(30):
                while bus.subscribers[NAME].refused < 20:  # more often than the schedule has entries
                    await trio.sleep(0.01)  # polls
            await backbone.start()
            await until(us, lambda: status(us, relationship) == "Active")
            assert bus.subscribers[NAME].given_up == 0
    assert not [line for line in log_lines if line["log_level"] == "error"]


async def test_a_refusal_of_the_backbone_is_logged_and_the_next_one_is_accepted(log_lines: list[Any]) -> None:
    async with running_backbone() as url, two_accounts(url) as (us, stranger), running_account(url) as other:
        async with running_modules(us, TODAY):
            pass
        revoked = await requested(us, stranger)
        await synchronized(us)
        await revoke_relationship(stranger, revoked)  # which we have not heard of
        async with running_modules(us, TODAY) as bus:
            await settled(bus)
            wanted = await requested(us, other)
            await synchronized(us)
            await until(us, lambda: status(us, wanted) == "Active")
    failed = [line for line in log_lines if line["event"] == "Error while accepting 'Pending' Relationship:"]
    assert [line["log_level"] for line in failed] == ["error"]


@pytest.mark.parametrize(("modules", "about_content"), [(TODAY, False), (IN_2022, True)])
async def test_the_start_says_what_an_operator_must_know(
    modules: dict[str, Any], about_content: bool, log_lines: list[Any]
) -> None:
    async with running_backbone() as url, running_account(url) as us, running_modules(us, modules):
        assert PRODUCTION_WARNING in [line["event"] for line in log_lines if line["log_level"] == "warning"]
    loaded = parse({"transportLibrary": TRANSPORT, "modules": modules}, now=utc_now())
    assert any("'responseContent' is ignored" in warning for warning in loaded.warnings) is about_content
