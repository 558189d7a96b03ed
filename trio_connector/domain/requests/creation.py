"""Which creation content a relationship can have, given its template (runtime spec 5.4 *Content check*). Pure."""

from __future__ import annotations

from trio_connector.content import Content, to_text
from trio_connector.content import parse as parse_content
from trio_connector.domain.changes import Reader
from trio_connector.domain.requests.record import REQUESTS
from trio_connector.domain.template import RelationshipTemplate
from trio_connector.errors import ConnectorError, ValidationFailed

_ARBITRARY = "ArbitraryRelationshipCreationContent"
_RESPONSE = "RelationshipCreationContent"


def check_creation_content(reader: Reader, template: RelationshipTemplate, content: Content) -> None:
    """Refuse creation content that does not belong to ``template``. Raises ConnectorError.

    A template with a request needs the response of its accepted incoming request, exactly as it was decided.
    """
    if content.type_name not in (_ARBITRARY, _RESPONSE):
        raise ValidationFailed(
            f"The creationContent of a Relationship must either be an {_ARBITRARY} or a {_RESPONSE}."
        )
    if not _has_request(template):
        if content.type_name != _ARBITRARY:
            raise ValidationFailed(
                f"The creationContent of a Relationship must be an {_ARBITRARY} if the content of the "
                "RelationshipTemplate is an ArbitraryRelationshipTemplateContent."
            )
        return
    if content.type_name != _RESPONSE:
        raise ValidationFailed(
            f"The creationContent of a Relationship must be a {_RESPONSE} if the content of the RelationshipTemplate "
            "is a RelationshipTemplateContent."
        )
    responses = [
        request.response.content
        for request in reader.select(REQUESTS, source_reference=template.id)
        if not request.is_own
        and request.status == "Decided"
        and request.response is not None
        and request.response.content["result"] == "Accepted"
    ]
    if not responses:
        raise ConnectorError(
            "error.runtime.relationships.noAcceptedIncomingRequest",
            "There is no accepted incoming Request associated with the RelationshipTemplateContent of the "
            "RelationshipTemplate.",
        )
    given = to_text(content["response"])
    if given != to_text(parse_content(responses[0])):
        raise ConnectorError(
            "error.runtime.relationships.wrongResponseProvidedAsCreationContent",
            "The Response of the accepted incoming Request associated with the RelationshipTemplateContent must be "
            "provided as the response of the RelationshipCreationContent.",
        )


def _has_request(template: RelationshipTemplate) -> bool:
    return isinstance(template.content, dict) and template.content.get("@type") == "RelationshipTemplateContent"
