"""The bytes that receivers get (connector spec 9.3 and 9.4). Pure; every payload is JSON without spaces, in UTF-8."""

from __future__ import annotations

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
