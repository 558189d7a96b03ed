"""The bytes that receivers get (connector spec 9.3 and 9.4). Pure; every payload is JSON without spaces, in UTF-8."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from trio_connector.events.model import Event


def webhook_body(event: Event, trigger: str) -> bytes:
    """``{"data":...,"trigger":"..."}``; ``data`` is missing when the event has none (connector spec 9.3 step 4)."""
    name = msgspec.json.encode(trigger)
    data = bytes(event.data)
    return b'{"data":' + data + b',"trigger":' + name + b"}" if data else b'{"trigger":' + name + b"}"


def broker_body(event: Event) -> bytes:
    """The event's data alone, ``{}`` when it has none (connector spec 9.4)."""
    return bytes(event.data) or b"{}"


@dataclass(frozen=True)
class OldName:
    """A subscription that names an event as the Connector of 2022 did (spec 08 section 5).

    The event is sent under ``trigger``; with ``member``, that member of its data is sent instead of the whole.
    """

    trigger: str
    member: str | None = None

    def applied_to(self, event: Event) -> Event:
        """``event`` as a receiver of 2022 expects it."""
        data = event.data
        if self.member is not None and bytes(data):
            members = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
            data = members.get(self.member, msgspec.Raw(b""))
        return msgspec.structs.replace(event, namespace=self.trigger, data=data)
