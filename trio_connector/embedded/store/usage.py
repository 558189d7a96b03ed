"""How much an identity has created, for its quotas (Backbone spec 15.5)."""

from __future__ import annotations

from trio_connector.embedded.domain.moments import Moment
from trio_connector.embedded.store.database import Transaction

_QUERIES = {
    "NumberOfSentMessages": "SELECT count(*) FROM messages WHERE created_by = ? AND created_at BETWEEN ? AND ?",
    "NumberOfRelationships": "SELECT count(*) FROM relationships WHERE ?1 IN (from_address, to_address)"
    " AND created_at BETWEEN ?2 AND ?3 AND status NOT IN ('Rejected', 'Revoked', 'ReadyForDeletion')"
    " AND NOT (status = 'Pending' AND to_address = ?1)",
    "NumberOfRelationshipTemplates": "SELECT count(*) FROM templates WHERE created_by = ?"
    " AND created_at BETWEEN ? AND ?",
    "NumberOfFiles": "SELECT count(*) FROM files WHERE created_by = ? AND created_at BETWEEN ? AND ?",
    "UsedFileStorageSpace": "SELECT coalesce(sum(cipher_size), 0) FROM files WHERE created_by = ?"
    " AND created_at BETWEEN ? AND ?",
    "NumberOfTokens": "SELECT count(*) FROM tokens WHERE created_by = ? AND created_at BETWEEN ? AND ?",
}


def usage(tx: Transaction, address: str, metric: str, start: Moment, end: Moment) -> int:
    """Of what there is still there, what ``address`` created in that time."""
    return int(tx.value(_QUERIES[metric], address, start, end))
