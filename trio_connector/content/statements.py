"""Statements (content spec 12): registered types that no attribute may have as value."""

from __future__ import annotations

from typing import Annotated

from trio_connector.content.hints import UNLIMITED_LINE, Hints, choices
from trio_connector.content.kinds import Reader, Text
from trio_connector.content.model import Content
from trio_connector.content.object_kinds import ListOf, Typed
from trio_connector.content.rules import Address, Date, among
from trio_connector.content.values import AttributeValue, SingleValue

_PREDICATES = ("hasAttribute", "relatesTo", "isRelatedTo")
_AUTHORITIES_TEXT = """
    ownAuthority trustedAuthority publicAuthority relayedOwnAuthority relayedTrustedAuthority relayedPublicAuthority
"""
_AUTHORITIES = tuple(_AUTHORITIES_TEXT.split())
_EVIDENCES_TEXT = """
    ownFact digitalPublicIDCard digitalPublicDocument digitalDocument sightCheckOfPublicIDCard
    sightCheckOfPublicDocument sightCheckOfDocument mediaOfPublicIDCard mediaOfPublicDocument mediaOfDocument
"""
_EVIDENCES = tuple(_EVIDENCES_TEXT.split())


def _predicate(value: str) -> str | None:
    if value in _PREDICATES or value.startswith("z-"):
        return None
    return f"must be one of: {','.join(_PREDICATES)} or start with z-"


class _IdentityDescriptor(AttributeValue, abstract=True):
    HINTS = Hints(
        "Object", "Complex", parts={"address": UNLIMITED_LINE, "attributes": Hints("Object", edit_type="Complex")}
    )
    address: Address
    attributes: Annotated[tuple[Content, ...], ListOf(Typed())] | None = None


class DigitalIdentityDescriptor(_IdentityDescriptor):
    """An identity."""


class StatementSubject(_IdentityDescriptor):
    """Whom a statement is about."""


class StatementObject(_IdentityDescriptor):
    """What a statement says."""


class StatementPredicate(SingleValue):
    """How subject and object belong together."""

    HINTS = Hints("String", "ButtonLike", max=100, values=choices("StatementPredicate", _PREDICATES))
    value: Annotated[str, Text(rules=(_predicate,))]


class StatementAuthorityType(SingleValue):
    """The authority of the issuer."""

    HINTS = Hints("String", "ButtonLike", max=100, values=choices("StatementAuthority", _AUTHORITIES))
    value: Annotated[str, Text(rules=(among(_AUTHORITIES),))]


class StatementEvidence(SingleValue):
    """What the issuer has seen."""

    HINTS = Hints("String", "ButtonLike", max=100, values=choices("StatementEvidence", _EVIDENCES))
    value: Annotated[str, Text(rules=(among(_EVIDENCES),))]


class StatementIssuerConditions(AttributeValue):
    """Validity and evidence of a statement."""

    HINTS = Hints(
        "Object",
        "Complex",
        parts={
            "validFrom": Hints("String", "Secret"),
            "validTo": Hints("String", "Secret"),
            "evidence": StatementEvidence.HINTS,
            "authorityType": StatementAuthorityType.HINTS,
            "relayedParty": _IdentityDescriptor.HINTS,
        },
    )
    valid_from: Date
    valid_to: Date
    evidence: StatementEvidence
    authority_type: StatementAuthorityType
    relayed_party: DigitalIdentityDescriptor | None = None


class Statement(AttributeValue):
    """Somebody says something about somebody."""

    HINTS = Hints(
        "Object",
        "Complex",
        parts={
            "subject": _IdentityDescriptor.HINTS,
            "predicate": StatementPredicate.HINTS,
            "object": _IdentityDescriptor.HINTS,
            "issuer": _IdentityDescriptor.HINTS,
            "issuerConditions": StatementIssuerConditions.HINTS,
        },
    )
    subject: StatementSubject
    predicate: StatementPredicate
    object: StatementObject
    issuer: DigitalIdentityDescriptor
    issuer_conditions: StatementIssuerConditions

    def _problem(self, reader: Reader) -> str | None:
        if self.predicate.value == "hasAttribute" and not self.object.attributes:
            return (
                "Function.object.attributes :: If the predicate of the Statement is 'hasAttribute' "
                "you have to define attributes in 'object.attributes'."
            )
        return None
