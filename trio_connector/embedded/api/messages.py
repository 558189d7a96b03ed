"""Messages and notifications (Backbone spec sections 10 and 15.2)."""

from __future__ import annotations

from typing import Any

from trio_connector.crypto.addresses import backbone_pseudonym
from trio_connector.embedded.api.call import Call, Reply, Routes, created, no_content, paged, result, text_of
from trio_connector.embedded.api.fields import Fields
from trio_connector.embedded.api.quotas import check_quotas
from trio_connector.embedded.domain import errors, rules
from trio_connector.embedded.domain import messages as domain
from trio_connector.embedded.domain.messages import Message, Recipient
from trio_connector.embedded.domain.moments import written, written_or_none
from trio_connector.embedded.domain.relationships import ALLOWING_MESSAGES, PENDING, TERMINATED
from trio_connector.embedded.store import messages as store
from trio_connector.embedded.store.events import add_event
from trio_connector.embedded.store.relationships import youngest_relationship

_MAX_BODY_BYTES = 10 * rules.MEBIBYTE
_MAX_ATTACHMENTS = 20
_MAX_NOTIFIED = 100

ROUTES = Routes()


@ROUTES.add("POST", "/Messages")
def send_message(call: Call) -> Reply:
    """To peers; it waits where the relationship is not active."""
    recipients, body, attachments = _checked(call)
    check_quotas(call, "NumberOfSentMessages")
    statuses = {}
    addressed = []
    for address, key in recipients:
        relationship = youngest_relationship(call.tx, call.me, address)
        if relationship is None:
            raise errors.no_relationship_to_recipient(address)
        relationship_id, statuses[address] = relationship
        if statuses[address] not in ALLOWING_MESSAGES:
            raise errors.relationship_to_recipient_not_active(address)
        if store.count_unreceived(call.tx, call.me, address) >= call.settings.max_unreceived_messages:
            raise errors.max_number_of_unreceived_messages_reached(address)
        addressed.append(Recipient(address, relationship_id, key))
    message = Message(
        call.tx.new_id("MSG"), call.now, call.me, call.caller.device_id, body, attachments, tuple(addressed)
    )
    store.insert_message(call.tx, message)
    for recipient in addressed:
        add_event(
            call.tx,
            recipient.address,
            domain.MESSAGE_RECEIVED,
            {"id": message.id},
            relationship_id=recipient.relationship_id,
            is_blocked=statuses[recipient.address] in (PENDING, TERMINATED),
        )
    return created({"id": message.id, "createdAt": written(message.created_at)})


def _checked(call: Call) -> tuple[list[tuple[str, bytes]], bytes, tuple[str, ...]]:
    fields = call.fields
    recipients = [_recipient(item) for item in fields.items("recipients", required=True)]
    body = fields.data("body")
    attachments = tuple(item.text("id") for item in fields.items("attachments"))
    rules.unique(address for address, _ in recipients)
    for address, key in recipients:
        rules.valid_address("address", address)
        rules.bytes_between("encryptedKey", key, 30, 300)
    rules.number_between("recipients.Count", len(recipients), 1, call.settings.max_message_recipients)
    rules.bytes_between("body", body, 1, _MAX_BODY_BYTES)
    for id_ in attachments:
        if not rules.is_id("FIL", id_):
            raise errors.rule_broken("PredicateValidator", "id has an invalid format.")
    rules.number_between("attachments.Count", len(attachments), 0, _MAX_ATTACHMENTS)
    return recipients, body, attachments


def _recipient(item: Fields) -> tuple[str, bytes]:
    return item.text("address"), item.data("encryptedKey")


@ROUTES.add("GET", "/Messages/{}")
def get_message(call: Call) -> Reply:
    """A message sent or received by the caller; fetching it is receiving it."""
    message = store.message(call.tx, call.id_("MSG"))
    dto = None if message is None else _dto(call, message)
    if dto is None:
        raise errors.not_found("Message")
    return result(dto)


@ROUTES.add("GET", "/Messages")
def list_messages(call: Call) -> Reply:
    """All messages sent or received by the caller, or of those asked for; fetching them is receiving them."""
    ids = call.query.texts("ids")
    for id_ in ids:
        rules.valid_id("ids", id_, "MSG")
    page = call.page
    total = store.count_visible(call.tx, call.me, ids)
    messages = store.list_visible(call.tx, call.me, ids, page.offset, page.size)
    return paged([_dto(call, message) for message in messages], total, page)


@ROUTES.add("POST", "/Notifications")
def send_notification(call: Call) -> Reply:
    """Checked, and then told to the event streams of the recipients."""
    fields = call.fields
    code, recipients = fields.text("code"), fields.texts("recipients", required=True)
    rules.not_empty("code", code)
    rules.number_between("recipients.Length", len(recipients), 1, _MAX_NOTIFIED)
    for address in recipients:
        rules.valid_address("recipients", address)
    found = {address: youngest_relationship(call.tx, call.me, address) for address in recipients}
    strangers = [address for address, relationship in found.items() if relationship is None]
    if strangers:
        raise errors.no_relationship_to_recipients(strangers)
    if any(relationship is not None and relationship[1] not in ALLOWING_MESSAGES for relationship in found.values()):
        raise errors.notification_relationship_not_in_status(ALLOWING_MESSAGES)
    if code not in call.settings.notification_codes:
        raise errors.notification_code_does_not_exist(call.settings.notification_codes)
    for address in found:
        call.tx.signal(address, code)
    return no_content()


def _dto(call: Call, message: Message) -> dict[str, Any] | None:
    """What the caller sees of the message, ``None`` when nothing. Who sees it as recipient has received it."""
    anonymized = backbone_pseudonym(call.settings.did_domain_name)
    recipients = domain.recipients_for(message, call.me, anonymized)
    if recipients is None:
        return None
    if message.created_by != call.me and store.mark_received(call.tx, message.id, call.me, call.caller.device_id):
        recipients = domain.received(recipients, call.now, call.caller.device_id)
    return {
        "id": message.id,
        "createdAt": written(message.created_at),
        "createdBy": message.created_by,
        "createdByDevice": message.created_by_device,
        "body": text_of(message.body),
        "attachments": [{"id": id_} for id_ in message.attachments],
        "recipients": [
            {
                "address": recipient.address,
                "encryptedKey": text_of(recipient.encrypted_key),
                "receivedAt": written_or_none(recipient.received_at),
                "receivedByDevice": recipient.received_by_device,
            }
            for recipient in recipients
        ],
    }
