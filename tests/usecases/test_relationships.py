"""Relationships between two of our accounts, over the embedded Backbone."""

from __future__ import annotations

from tests.accounts import connected, running_account, running_backbone
from trio_connector.domain.relationship import RELATIONSHIPS


async def test_two_accounts_connect() -> None:
    async with running_backbone() as url, running_account(url) as templator, running_account(url) as requestor:
        relationship_id = await connected(templator, requestor)
        for services in (templator, requestor):
            relationship = services.store.get(RELATIONSHIPS, relationship_id)
            assert relationship is not None
            assert relationship.status == "Active"
