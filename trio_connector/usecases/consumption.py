"""How use cases of the consumption layer change something: pure rules collect a change, one unit of work stores it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from trio_connector.domain.attributes.tags import TagCollection, needs_collection
from trio_connector.domain.changes import Changes
from trio_connector.store import Unit
from trio_connector.usecases.services import Services
from trio_connector.usecases.tags import get_tag_collection

T = TypeVar("T")


@dataclass(frozen=True)
class Reaction:
    """That a change is what the module with subscriber ``name`` does about the event at ``position`` of the log."""

    name: str
    position: int


async def change(services: Services, work: Callable[[Changes], T], *, tags: TagCollection | None = None) -> T:
    """Do ``work`` on the newest state and store what it collected, with its events, as one unit.

    Raises what ``work`` raises; then nothing is stored. The caller shields it: a cancellation leaves open whether it
    happened.
    """

    def in_unit(unit: Unit) -> T:
        changes = Changes(unit, me=services.address, now=unit.now, entropy=services.entropy, tags=tags)
        result = work(changes)
        changes.apply(unit)
        return result

    return await services.store.transact(in_unit)


async def react(
    services: Services,
    reaction: Reaction,
    work: Callable[[Changes], object],
    *,
    tags: TagCollection | None = None,
) -> bool:
    """Do ``work`` as ``change`` does, once for this reaction; False when it was done before.

    The module's cursor moves in the same unit, so a repetition after a crash changes nothing.
    """

    def in_unit(unit: Unit) -> bool:
        if unit.cursor(reaction.name) >= reaction.position:
            return False
        changes = Changes(unit, me=services.address, now=unit.now, entropy=services.entropy, tags=tags)
        work(changes)
        changes.apply(unit)
        unit.advance(reaction.name, reaction.position)
        return True

    return await services.store.transact(in_unit)


def current_view(services: Services, tags: TagCollection | None = None) -> Changes:
    """The committed state for checks that change nothing."""
    return Changes(services.store, me=services.address, now=services.now(), entropy=services.entropy, tags=tags)


async def tags_to_check(services: Services, tags: Iterable[str]) -> TagCollection:
    """The collection against which ``tags`` can be checked; the Backbone is asked only if one of them is its own."""
    return await get_tag_collection(services) if needs_collection(tags) else TagCollection()


def tags_in(value: object) -> Iterator[str]:
    """All texts in members named ``tags``, wherever they stand in JSON ``value``."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name == "tags" and isinstance(member, list):
                yield from (tag for tag in member if isinstance(tag, str))
            else:
                yield from tags_in(member)
    elif isinstance(value, (list, tuple)):
        for member in value:
            yield from tags_in(member)
