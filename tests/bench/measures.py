"""What is measured of one Connector, in the order in which it is done.

Whoever is measured exchanges messages with a peer. Every rate is that of a whole run, every CPU time that of the
process of the Connector alone, divided by the number of operations.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

from tests.bench.connectors import Connector
from tests.bench.load import Api, Rate, Refused, wait_until
from tests.bench.receivers import Received

STORED = 100
SYNCED = 300
CONNECTIONS = 8
RECEIVED_EVENT = "transport.messageReceived"
LOST_AFTER_SECONDS = 20.0
NEVER = "2099-12-31T00:00:00.000Z"
WARM_UP = 200
IDLE_AFTER_SECONDS = 1.0
SAMPLE_SECONDS = 0.01

START = "start to healthy, existing identity"
IDLE = "memory idle"
PEAK = f"memory peak, sync of {SYNCED}"
IDENTITY_INFO = f"GET Account/IdentityInfo, {CONNECTIONS} connections"
LIST = f"GET Messages, {STORED} stored"
GET = "GET Messages/{id}"
POST = "POST Messages, one recipient"
SYNC = f"sync of {SYNCED} waiting messages"
WEBHOOKS = "webhooks during it"
AMQP = "AMQP during it"

ROWS = (START, IDLE, PEAK, IDENTITY_INFO, LIST, GET, POST, SYNC, WEBHOOKS, AMQP)
UNITS = {START: "s", IDLE: "MiB", PEAK: "MiB"}
"""Of these less is better; all others are operations a second."""


@dataclass(frozen=True)
class Figure:
    """One result, and what is worth knowing beside it."""

    value: float
    p99_ms: float | None = None
    cpu_us: float | None = None
    remark: str = ""


Figures = dict[str, Figure]


class Receiver(Protocol):
    """Where events go."""

    def received(self) -> Received:
        """What came since `clear`."""
        ...

    def clear(self) -> None:
        """Forget what came."""
        ...


@dataclass(frozen=True)
class Destination:
    """A receiver, and the modules that make a Connector send to it."""

    row: str
    receiver: Receiver
    modules: Mapping[str, Any]


@dataclass(frozen=True)
class Amounts:
    """How many requests of each kind."""

    identity_info: int = 4000
    lists: int = 1000
    gets: int = 3000
    posts: int = 800

    def reduced(self, factor: float) -> Amounts:
        """The same, less of it."""
        return Amounts(*(max(50, int(count * factor)) for count in vars(self).values()))


def measure(connector: Connector, peer: Connector, destinations: list[Destination], amounts: Amounts) -> Figures:
    """Everything about ``connector``, which runs; ``peer`` is at the same Backbone."""
    figures: Figures = {}
    address = connector.api.ask("GET", "Account/IdentityInfo")["address"]
    own = peer.api.ask("GET", "Account/IdentityInfo")["address"]
    if not _related(peer.api, address):
        establish_relationship(peer.api, connector.api)
    stored = len(connector.api.ask("GET", "Messages"))
    send(peer.api, address, max(0, STORED - stored))
    connector.api.ask("POST", "Account/Sync")
    seconds = connector.restart({})
    if seconds is not None:
        figures[START] = Figure(seconds)
        time.sleep(IDLE_AFTER_SECONDS)
        figures[IDLE] = Figure(connector.memory_mib() or 0.0)
    reads(connector, figures, amounts)
    body = {"recipients": [own], "content": mail(own, 0)}
    posts = [connector.api.message("POST", "Messages", body)] * amounts.posts
    figures[POST] = loaded(connector, posts, 201)
    synced(connector, peer.api, address, figures)
    for destination in destinations:
        if connector.restart(destination.modules) is not None:
            figures[destination.row] = delivered(connector, peer.api, address, destination.receiver)
    return figures


def reads(connector: Connector, figures: Figures, amounts: Amounts) -> None:
    """The operations that the database answers."""
    api = connector.api
    messages = api.ask("GET", "Messages")
    figures[IDENTITY_INFO] = loaded(
        connector, [api.message("GET", "Account/IdentityInfo")] * amounts.identity_info, 200
    )
    listed = loaded(connector, [api.message("GET", "Messages")] * amounts.lists, 200)
    remark = "" if len(messages) == STORED else f"{len(messages)} stored"
    figures[LIST] = Figure(listed.value, listed.p99_ms, listed.cpu_us, remark)
    ids = [message["id"] for message in messages]
    gets = [api.message("GET", f"Messages/{ids[number % len(ids)]}") for number in range(amounts.gets)]
    figures[GET] = loaded(connector, gets, 200)


def loaded(connector: Connector, messages: list[bytes], expected: int) -> Figure:
    """The rate at which ``connector`` answers ``messages``, after a few that do not count."""
    # What is posted counts as sent, so a warm-up of it is short.
    connector.api.load(messages[: WARM_UP if expected == 200 else 20], CONNECTIONS, expected)
    with cpu_used(connector) as cpu:
        rate: Rate = connector.api.load(messages, CONNECTIONS, expected)
    return Figure(rate.per_second, rate.p99_ms, cpu(len(messages)))


def synced(connector: Connector, peer: Api, address: str, figures: Figures) -> None:
    """How fast messages that wait at the Backbone come in, and how much memory that takes."""
    sent = send(peer, address, SYNCED)
    with cpu_used(connector) as cpu, peak_memory(connector) as peak:
        began = time.monotonic()
        connector.api.ask("POST", "Account/Sync")
        took = time.monotonic() - began
    figures[SYNC] = Figure(sent / took, cpu_us=cpu(sent), remark="" if sent == SYNCED else f"{sent} messages")
    memory = peak()
    if memory is not None:
        figures[PEAK] = Figure(memory)


def delivered(connector: Connector, peer: Api, address: str, receiver: Receiver) -> Figure:
    """How fast the events of a synchronisation reach a receiver, from its begin to the last event."""
    sent = send(peer, address, SYNCED)
    receiver.clear()
    with cpu_used(connector) as cpu:
        began = time.monotonic()
        connector.api.ask("POST", "Account/Sync")
        synced_in = time.monotonic() - began
        with suppress(TimeoutError):  # the remark says how many are missing
            wait_until(lambda: receiver.received().distinct >= sent, "delivery", LOST_AFTER_SECONDS)
        received = receiver.received()
    lost = sent - received.distinct
    remarks = [f"{lost} lost"] if lost else []
    if received.count > received.distinct:
        remarks.append(f"{received.count - received.distinct} twice")
    remarks.append(f"sync {sent / synced_in:,.0f}/s")
    return Figure(received.distinct / (received.last_at - began), cpu_us=cpu(sent), remark=", ".join(remarks))


# --- what it takes ------------------------------------------------------------------------------------------


def mail(address: str, number: int) -> dict[str, Any]:
    """A mail of about a kilobyte."""
    return {"@type": "Mail", "to": [address], "cc": [], "subject": f"Mail {number}", "body": "All is well. " * 60}


def send(api: Api, address: str, count: int) -> int:
    """Let a Connector send so many messages; how many the Backbone let it."""
    messages = [
        api.message("POST", "Messages", {"recipients": [address], "content": mail(address, number)})
        for number in range(count)
    ]
    sent = 0
    try:
        for sent in range(0, count, CONNECTIONS):
            api.load(messages[sent : sent + CONNECTIONS], CONNECTIONS, 201)
    except Refused as error:
        if "unreceived" not in str(error).lower():
            raise
        return sent
    return count


def _related(api: Api, address: str) -> bool:
    return any(
        relationship["peer"] == address and relationship["status"] == "Active"
        for relationship in api.ask("GET", "Relationships")
    )


def establish_relationship(one: Api, other: Api) -> None:
    """``one`` makes a template, ``other`` uses it, ``one`` accepts."""
    content = {"@type": "ArbitraryRelationshipTemplateContent", "value": {}}
    template = one.ask(
        "POST",
        "RelationshipTemplates/Own",
        {"content": content, "expiresAt": NEVER, "maxNumberOfAllocations": 1},
    )
    loaded_template = other.ask("POST", "RelationshipTemplates/Peer", {"reference": template["reference"]["truncated"]})
    creation = {"@type": "ArbitraryRelationshipCreationContent", "value": {}}
    asked = other.ask("POST", "Relationships", {"templateId": loaded_template["id"], "creationContent": creation})
    one.ask("POST", "Account/Sync")
    one.ask("PUT", f"Relationships/{asked['id']}/Accept")
    other.ask("POST", "Account/Sync")


@contextmanager
def cpu_used(connector: Connector) -> Iterator[Callable[[int], float | None]]:
    """Hands back what tells the microseconds of CPU that each of so many operations took."""
    before = connector.cpu_seconds()

    def each(count: int) -> float | None:
        after = connector.cpu_seconds()
        return None if before is None or after is None else (after - before) / count * 1e6

    yield each


@contextmanager
def peak_memory(connector: Connector) -> Iterator[Callable[[], float | None]]:
    """Hands back what tells the highest memory seen within the block, in MiB."""
    if connector.memory_mib() is None:
        yield lambda: None
        return
    seen = [0.0]
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(SAMPLE_SECONDS):
            seen[0] = max(seen[0], connector.memory_mib() or 0.0)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield lambda: max(seen[0], connector.memory_mib() or 0.0)
    finally:
        ended.set()
        thread.join()
