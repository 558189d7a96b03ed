"""The tables of the embedded Backbone. Moments are microseconds since 1970; bytes are stored raw."""

from __future__ import annotations

VERSION = 1

TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE identities (
  address TEXT PRIMARY KEY,
  public_key BLOB NOT NULL,
  client_id TEXT NOT NULL,
  identity_version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  status TEXT NOT NULL,
  grace_ends_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE devices (
  id TEXT PRIMARY KEY,
  address TEXT NOT NULL,
  username TEXT NOT NULL UNIQUE COLLATE NOCASE,
  password BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  created_by_device TEXT NOT NULL,
  communication_language TEXT NOT NULL,
  is_backup INTEGER NOT NULL,
  last_login INTEGER,
  failed_logins INTEGER NOT NULL DEFAULT 0,
  locked_until INTEGER,
  push_identifier TEXT,
  push_registration TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX devices_address ON devices (address, created_at);

CREATE TABLE deleted_users (
  username TEXT PRIMARY KEY COLLATE NOCASE, deleted_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE deletion_processes (
  id TEXT PRIMARY KEY,
  address TEXT NOT NULL,
  status TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  created_by_device TEXT NOT NULL,
  grace_ends_at INTEGER,
  reminder_1_sent_at INTEGER,
  reminder_2_sent_at INTEGER,
  reminder_3_sent_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX deletion_processes_address ON deletion_processes (address, created_at);

CREATE TABLE feature_flags (
  address TEXT NOT NULL, name TEXT NOT NULL, enabled INTEGER NOT NULL, PRIMARY KEY (address, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE challenges (
  id TEXT PRIMARY KEY, expires_at INTEGER NOT NULL, created_by TEXT, created_by_device TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX challenges_expiry ON challenges (expires_at);

CREATE TABLE templates (
  id TEXT PRIMARY KEY,
  created_by TEXT NOT NULL,
  created_by_device TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  max_allocations INTEGER,
  for_identity TEXT,
  password BLOB,
  content BLOB NOT NULL
) STRICT;
CREATE INDEX templates_creator ON templates (created_by, created_at);
CREATE TABLE template_allocations (
  template_id TEXT NOT NULL REFERENCES templates ON DELETE CASCADE,
  address TEXT NOT NULL,
  allocated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX template_allocations_template ON template_allocations (template_id, address);
CREATE INDEX template_allocations_address ON template_allocations (address);

CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  created_by TEXT,
  created_by_device TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  for_identity TEXT,
  password BLOB,
  failed_attempts INTEGER NOT NULL DEFAULT 0,
  content BLOB
) STRICT;
CREATE INDEX tokens_creator ON tokens (created_by, created_at);
CREATE TABLE token_allocations (
  token_id TEXT NOT NULL REFERENCES tokens ON DELETE CASCADE,
  address TEXT NOT NULL,
  allocated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX token_allocations_token ON token_allocations (token_id, address);
CREATE INDEX token_allocations_address ON token_allocations (address);

CREATE TABLE relationships (
  id TEXT PRIMARY KEY,
  template_id TEXT,
  from_address TEXT NOT NULL,
  to_address TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  status TEXT NOT NULL,
  from_decomposed INTEGER NOT NULL DEFAULT 0,
  to_decomposed INTEGER NOT NULL DEFAULT 0,
  creation_content BLOB,
  creation_response_content BLOB
) STRICT;
CREATE INDEX relationships_from ON relationships (from_address, to_address);
CREATE INDEX relationships_to ON relationships (to_address, from_address);
CREATE INDEX relationships_template ON relationships (template_id);
CREATE TABLE audit_log (
  relationship_id TEXT NOT NULL REFERENCES relationships ON DELETE CASCADE,
  position INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  created_by_device TEXT,
  reason TEXT NOT NULL,
  old_status TEXT,
  new_status TEXT NOT NULL,
  PRIMARY KEY (relationship_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE messages (
  id TEXT PRIMARY KEY,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  created_by_device TEXT NOT NULL,
  attachments TEXT NOT NULL,
  body BLOB NOT NULL
) STRICT;
CREATE INDEX messages_sender ON messages (created_by, created_at);
CREATE TABLE message_recipients (
  message_id TEXT NOT NULL REFERENCES messages ON DELETE CASCADE,
  position INTEGER NOT NULL,
  address TEXT NOT NULL,
  relationship_id TEXT NOT NULL,
  encrypted_key BLOB NOT NULL,
  received_at INTEGER,
  received_by_device TEXT,
  decomposed_by_sender INTEGER NOT NULL DEFAULT 0,
  decomposed_by_recipient INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (message_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_recipients_address ON message_recipients (address, received_at);
CREATE INDEX message_recipients_relationship ON message_recipients (relationship_id);

CREATE TABLE files (
  id TEXT PRIMARY KEY,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  created_by_device TEXT NOT NULL,
  modified_at INTEGER NOT NULL,
  modified_by TEXT NOT NULL,
  modified_by_device TEXT NOT NULL,
  owner TEXT NOT NULL,
  owner_signature BLOB NOT NULL,
  ownership_token TEXT NOT NULL,
  ownership_is_locked INTEGER NOT NULL DEFAULT 0,
  cipher_size INTEGER NOT NULL,
  cipher_hash BLOB NOT NULL,
  expires_at INTEGER NOT NULL,
  encrypted_properties BLOB NOT NULL
) STRICT;
CREATE INDEX files_creator ON files (created_by, created_at);
CREATE INDEX files_owner ON files (owner);
CREATE TABLE file_contents (
  file_id TEXT PRIMARY KEY REFERENCES files ON DELETE CASCADE, content BLOB NOT NULL
) STRICT;

CREATE TABLE datawallets (address TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE modifications (
  address TEXT NOT NULL,
  position INTEGER NOT NULL,
  id TEXT NOT NULL,
  datawallet_version INTEGER NOT NULL,
  object_identifier TEXT NOT NULL,
  payload_category TEXT,
  created_at INTEGER NOT NULL,
  created_by_device TEXT NOT NULL,
  collection TEXT NOT NULL,
  type TEXT NOT NULL,
  encrypted_payload BLOB,
  PRIMARY KEY (address, position)
) STRICT;
CREATE INDEX modifications_object ON modifications (address, object_identifier, type, payload_category, position);

CREATE TABLE external_events (
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  position INTEGER NOT NULL,
  type TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  payload TEXT NOT NULL,
  relationship_id TEXT,
  is_blocked INTEGER NOT NULL DEFAULT 0,
  sync_error_count INTEGER NOT NULL DEFAULT 0,
  sync_run_id TEXT,
  UNIQUE (owner, position)
) STRICT;
CREATE INDEX external_events_waiting ON external_events (owner, sync_error_count) WHERE sync_run_id IS NULL;
CREATE INDEX external_events_sync_run ON external_events (sync_run_id) WHERE sync_run_id IS NOT NULL;
CREATE INDEX external_events_relationship ON external_events (relationship_id) WHERE relationship_id IS NOT NULL;

CREATE TABLE sync_runs (
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  position INTEGER NOT NULL,
  type TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  created_by_device TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  finalized_at INTEGER,
  event_count INTEGER NOT NULL,
  UNIQUE (owner, position)
) STRICT;
CREATE TABLE sync_errors (
  id TEXT PRIMARY KEY,
  sync_run_id TEXT NOT NULL REFERENCES sync_runs ON DELETE CASCADE,
  external_event_id TEXT NOT NULL,
  error_code TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sync_errors_sync_run ON sync_errors (sync_run_id);

CREATE TABLE announcements (
  id TEXT PRIMARY KEY,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  severity TEXT NOT NULL,
  is_silent INTEGER NOT NULL,
  iql_query TEXT,
  texts TEXT NOT NULL,
  actions TEXT NOT NULL,
  is_for_all INTEGER NOT NULL
) STRICT;
CREATE TABLE announcement_recipients (
  announcement_id TEXT NOT NULL REFERENCES announcements ON DELETE CASCADE,
  address TEXT NOT NULL,
  PRIMARY KEY (announcement_id, address)
) STRICT, WITHOUT ROWID;
CREATE INDEX announcement_recipients_address ON announcement_recipients (address);
"""
