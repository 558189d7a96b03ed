"""Finding what an earlier attempt sent: before an answer or a notification goes out again after a crash."""

from __future__ import annotations

import msgspec

from trio_connector.domain.carried import CarriedBy, own_message_carrying
from trio_connector.domain.message import Message, carried_id
from trio_connector.usecases.messages import PENDING_MESSAGES, recover_pending_messages
from trio_connector.usecases.services import Services


async def find_sent_message(services: Services, id_: str, content_type: CarriedBy) -> Message | None:
    """The own message that carries the request, response or notification ``id_``.

    When one may be at the Backbone that was never recorded, the Backbone is asked first; raises BackboneRequestError
    while it is away.
    """
    sent = own_message_carrying(services.store, id_, content_type)
    if sent is None and _may_be_on_its_way(services, id_):
        await recover_pending_messages(services)
        sent = own_message_carrying(services.store, id_, content_type)
    return sent


def _may_be_on_its_way(services: Services, id_: str) -> bool:
    pending = services.store.values(PENDING_MESSAGES).values()
    return any(carried_id(msgspec.convert(entry["message"], Message)) == id_ for entry in pending)
