-- +goose Up

-- The leaves, packed, with their sealed blobs. before is the leaf
-- before it of the same request or entity; actor names the key of who. The last
-- leaf of each commit carries the signed checkpoint of the log that ends with it:
-- the newest is the head.
CREATE TABLE leaves (
	idx     INTEGER PRIMARY KEY,
	before  INTEGER,
	leaf    BLOB NOT NULL,
	actor   TEXT NOT NULL,
	who     BLOB NOT NULL,
	context BLOB NOT NULL,
	command BLOB,
	note    BLOB
);

-- Full tiles only; the others are computed.
CREATE TABLE tiles (
	level  INTEGER NOT NULL,
	n      INTEGER NOT NULL,
	hashes BLOB NOT NULL,
	PRIMARY KEY (level, n)
);

-- Requests and entities by their first leaf. What stands here can be told from
-- the leaves again. An entity has no state and nothing that it is found by but
-- its id. digest and open_key are blinded; key seals command and context.
CREATE TABLE subjects (
	first     INTEGER PRIMARY KEY,
	id        TEXT NOT NULL UNIQUE,
	last      INTEGER NOT NULL,
	decision  TEXT,
	execution TEXT,
	requester TEXT,
	resource  TEXT,
	digest    BLOB,
	open_key  BLOB,
	created   INTEGER NOT NULL,
	key       BLOB
);
CREATE UNIQUE INDEX subjects_open_key ON subjects (open_key) WHERE open_key IS NOT NULL;
CREATE INDEX subjects_digest ON subjects (first >> 9, digest) WHERE digest IS NOT NULL;
CREATE INDEX subjects_pending ON subjects (first) WHERE decision = 'pending';
CREATE INDEX subjects_approved ON subjects (first) WHERE decision = 'approved' AND execution = 'none';
CREATE INDEX subjects_running ON subjects (first) WHERE execution = 'running';
CREATE INDEX subjects_unknown ON subjects (first) WHERE execution = 'unknown';
CREATE INDEX subjects_entity ON subjects (first) WHERE decision IS NULL;

-- One row that only the vault key opens which the keys were wrapped with.
CREATE TABLE vault (
	one    INTEGER PRIMARY KEY CHECK (one = 1),
	sealed BLOB NOT NULL
);

-- Wrapped keys of those who act and of entities.
CREATE TABLE keys (
	subject TEXT PRIMARY KEY,
	wrapped BLOB NOT NULL
) WITHOUT ROWID;

-- Things to do at a time, in microseconds since 1970.
CREATE TABLE jobs (
	kind  TEXT NOT NULL,
	key   TEXT NOT NULL,
	due   INTEGER NOT NULL,
	until INTEGER NOT NULL DEFAULT 0,
	lease TEXT NOT NULL DEFAULT '',
	body  BLOB,
	PRIMARY KEY (kind, key)
) WITHOUT ROWID;
CREATE INDEX jobs_due ON jobs (kind, due);

-- What is off the record and ends by itself. Keys and subjects are blinded.
CREATE TABLE ephemeral (
	key     BLOB PRIMARY KEY,
	subject BLOB NOT NULL,
	expires INTEGER NOT NULL,
	value   BLOB NOT NULL
);
CREATE INDEX ephemeral_subject ON ephemeral (subject);
CREATE INDEX ephemeral_expires ON ephemeral (expires);
