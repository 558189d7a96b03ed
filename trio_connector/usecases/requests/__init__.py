"""The use cases of requests (runtime spec 5.7 and the internal ones behind the modules)."""

from trio_connector.usecases.requests.incoming import (
    accept_incoming_request,
    can_accept_incoming_request,
    can_reject_incoming_request,
    delete_incoming_request,
    get_incoming_request,
    list_incoming_requests,
    reject_incoming_request,
)
from trio_connector.usecases.requests.outgoing import (
    can_create_outgoing_request,
    check_can_create_outgoing_request,
    check_request_can_be_sent,
    create_outgoing_request,
    discard_outgoing_request,
    get_outgoing_request,
    list_outgoing_requests,
)

__all__ = [
    "accept_incoming_request",
    "can_accept_incoming_request",
    "can_create_outgoing_request",
    "can_reject_incoming_request",
    "check_can_create_outgoing_request",
    "check_request_can_be_sent",
    "create_outgoing_request",
    "delete_incoming_request",
    "discard_outgoing_request",
    "get_incoming_request",
    "get_outgoing_request",
    "list_incoming_requests",
    "list_outgoing_requests",
    "reject_incoming_request",
]
