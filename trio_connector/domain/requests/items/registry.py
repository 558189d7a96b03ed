"""Which processor is responsible for which kind of item (consumption spec sections 2 and 7). Pure."""

from __future__ import annotations

from trio_connector.domain.changes import View
from trio_connector.domain.contents import single_items
from trio_connector.domain.identity import Json
from trio_connector.domain.requests.items.create_attribute import CreateAttributeProcessor
from trio_connector.domain.requests.items.delete_attribute import DeleteAttributeProcessor
from trio_connector.domain.requests.items.form_field import FormFieldProcessor
from trio_connector.domain.requests.items.processor import (
    ItemProcessor,
    RequestContext,
    invalid_request_item,
)
from trio_connector.domain.requests.items.propose_attribute import ProposeAttributeProcessor
from trio_connector.domain.requests.items.read_attribute import ReadAttributeProcessor
from trio_connector.domain.requests.items.share_attribute import ShareAttributeProcessor
from trio_connector.domain.requests.items.transfer_file_ownership import TransferFileOwnershipProcessor
from trio_connector.errors import ConnectorError, DeserializationError, UnexpectedCondition


class CredentialProcessor(ItemProcessor):
    """OpenID4VC items are kept and can be rejected; a connector holds no credentials, so it cannot accept them."""

    def can_accept(self, view: View, item: Json, entry: Json, request: RequestContext) -> ConnectorError | None:
        """Never."""
        return invalid_request_item(f"A Connector cannot accept a {item['@type']}.")


_PROCESSORS: dict[str, ItemProcessor] = {
    "AuthenticationRequestItem": ItemProcessor(),
    "ConsentRequestItem": ItemProcessor(),
    "CreateAttributeRequestItem": CreateAttributeProcessor(),
    "DeleteAttributeRequestItem": DeleteAttributeProcessor(),
    "FormFieldRequestItem": FormFieldProcessor(),
    "ProposeAttributeRequestItem": ProposeAttributeProcessor(),
    "ReadAttributeRequestItem": ReadAttributeProcessor(),
    "ShareAttributeRequestItem": ShareAttributeProcessor(),
    "ShareAuthorizationRequestRequestItem": CredentialProcessor(),
    "ShareCredentialOfferRequestItem": CredentialProcessor(),
    "TransferFileOwnershipRequestItem": TransferFileOwnershipProcessor(),
}


def processor_for(item: Json) -> ItemProcessor:
    """The processor of ``item``. Raises UnexpectedCondition for anything else."""
    processor = _PROCESSORS.get(item.get("@type", ""))
    if processor is None:
        raise UnexpectedCondition(f"There was no processor registered for '{item.get('@type')}'.")
    return processor


def check_items(content: Json) -> None:
    """Refuse a request whose items are no request items, which its parser lets pass. Raises DeserializationError."""
    for item in single_items(content["items"]):
        if item.get("@type") not in _PROCESSORS:
            raise DeserializationError(f"Request.items :: '{item.get('@type')}' is not a RequestItem.")
