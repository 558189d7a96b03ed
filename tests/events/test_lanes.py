"""Which events may be sent next, and how far that makes the cursor; for every order of answers."""

from __future__ import annotations

from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from trio_connector.events.lanes import Item, Lanes
from trio_connector.events.log import Standing
from trio_connector.events.model import Event
from trio_connector.events.standing import Walk


def item(position: int, entity: str | None = None) -> Item:
    event = Event(
        position=position,
        id=f"EVT{position}",
        namespace="a",
        occurred_at="2025-01-01T00:00:00.000Z",
        entity=entity,
        data=msgspec.Raw(b""),
    )
    return Item(position, event)


def positions(items: list[Item]) -> list[int]:
    return [each.position for each in items]


def test_one_lane_sends_nothing_while_something_is_under_way() -> None:
    lanes = Lanes(parallel=False, ordered=True)
    for position in (1, 2, 3):
        lanes.add(item(position))
    assert positions(lanes.take(0, 1)) == [1]
    assert lanes.take(0, 1) == []
    lanes.done(1)
    assert positions(lanes.take(0, 5)) == [2, 3]


def test_a_refused_event_is_probed_alone() -> None:
    lanes = Lanes(parallel=False, ordered=True)
    for position in (1, 2, 3):
        lanes.add(item(position))
    lanes.take(0, 3)
    lanes.done(2)
    lanes.again(1, due=5)
    lanes.again(3, due=7)
    assert lanes.take(4, 3) == []
    assert lanes.next_due() == 5
    assert positions(lanes.take(5, 3)) == [1]
    lanes.done(1)
    assert positions(lanes.take(7, 3)) == [3]


def test_a_receiver_of_everything_gets_the_refused_with_the_rest() -> None:
    lanes = Lanes(parallel=False, ordered=True)
    lanes.add(item(1))
    lanes.take(0, 9, whole=True)
    lanes.again(1, due=5)
    lanes.add(item(2))
    assert positions(lanes.take(5, 9, whole=True)) == [1, 2]


def test_without_order_each_event_stands_for_itself() -> None:
    lanes = Lanes(parallel=True, ordered=False)
    for position in (1, 2, 3):
        lanes.add(item(position, "A"))
    assert positions(lanes.take(0, 2)) == [1, 2]
    assert positions(lanes.take(0, 2)) == [3]
    lanes.again(1, due=5)
    lanes.done(3)
    assert len(lanes) == 2


@given(
    st.lists(st.sampled_from(["A", "B", "C", None]), min_size=1, max_size=12),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(0, 2**32),
)
def test_every_event_is_sent_in_the_order_of_its_entity_and_the_cursor_never_passes_an_open_one(
    entities: list[str | None], batch: int, workers: int, seed: int
) -> None:
    random = Random(seed)
    lanes = Lanes(parallel=True, ordered=True)
    walk = Walk(Standing(0, 0))
    for position, entity in enumerate(entities, start=1):
        lanes.add(item(position, entity))
        walk.take(position)
    under_way: list[int] = []
    done: list[int] = []
    now = 0.0
    while len(done) < len(entities):
        taken = [] if len(under_way) >= workers * batch else positions(lanes.take(now, batch))
        assert not set(taken) & set(under_way), "nothing is sent twice at the same time"
        under_way += taken
        if not under_way:
            due = lanes.next_due()
            assert due is not None, "something is always ready, under way, or due"
            now = due
            continue
        position = random.choice(under_way)
        under_way.remove(position)
        if random.random() < 0.3:
            lanes.again(position, now + random.random())
        else:
            earlier = [each for each in range(1, position) if entities[each - 1] == entities[position - 1]]
            if batch == 1:
                assert set(earlier) <= set(done)
            lanes.done(position)
            walk.done(position)
            done.append(position)
        still_open = set(range(1, len(entities) + 1)) - set(done)
        assert walk.cursor == (min(still_open) - 1 if still_open else len(entities))
        assert set(walk.standing.open) == still_open
    assert len(lanes) == 0
