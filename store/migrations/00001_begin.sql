-- Portable: TEXT, BIGINT and BOOLEAN only; times are UTC milliseconds, 0 for
-- none; lists are JSON in TEXT; no column is NULL. Migrations only add.

-- +goose Up
CREATE TABLE meta (
	name  TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL
);

CREATE TABLE counters (
	name  TEXT NOT NULL PRIMARY KEY,
	value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('changes', 0), ('changes_trimmed', 0), ('prune', 0);

CREATE TABLE tenants (
	id           TEXT NOT NULL PRIMARY KEY,
	name         TEXT NOT NULL,
	partner_id   BIGINT NOT NULL,
	disabled     BOOLEAN NOT NULL,
	refuse_query BOOLEAN NOT NULL,
	not_before   BIGINT NOT NULL,
	created_at   BIGINT NOT NULL,
	updated_at   BIGINT NOT NULL
);
CREATE UNIQUE INDEX tenants_partner ON tenants (partner_id) WHERE partner_id <> 0;

CREATE TABLE clients (
	id         TEXT NOT NULL PRIMARY KEY,
	tenant     TEXT NOT NULL REFERENCES tenants (id),
	name       TEXT NOT NULL,
	subject    TEXT NOT NULL UNIQUE,
	public     BOOLEAN NOT NULL,
	grants     TEXT NOT NULL,
	scopes     TEXT NOT NULL,
	dialects   TEXT NOT NULL,
	tenants    TEXT NOT NULL,
	token_life BIGINT NOT NULL,
	alg        TEXT NOT NULL,
	ranges     TEXT NOT NULL,
	secrets    TEXT NOT NULL,
	disabled   BOOLEAN NOT NULL,
	not_before BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL
);
CREATE INDEX clients_tenant ON clients (tenant, id);

CREATE TABLE users (
	tenant        TEXT NOT NULL REFERENCES tenants (id),
	id            TEXT NOT NULL,
	email         TEXT NOT NULL,
	role          TEXT NOT NULL,
	agent_id      TEXT NOT NULL,
	site_id       BIGINT NOT NULL,
	disabled      BOOLEAN NOT NULL,
	password_hash TEXT NOT NULL,
	failures      BIGINT NOT NULL,
	locked_until  BIGINT NOT NULL,
	not_before    BIGINT NOT NULL,
	created_at    BIGINT NOT NULL,
	updated_at    BIGINT NOT NULL,
	PRIMARY KEY (tenant, id),
	UNIQUE (tenant, email)
);

CREATE TABLE keys (
	id         TEXT NOT NULL PRIMARY KEY,
	alg        TEXT NOT NULL,
	generation BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	sign_from  BIGINT NOT NULL,
	remove_at  BIGINT NOT NULL,
	sealed     TEXT NOT NULL,
	public_der TEXT NOT NULL,
	UNIQUE (alg, generation)
);

CREATE TABLE resources (
	tenant     TEXT NOT NULL,
	url        TEXT NOT NULL,
	scopes     TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, url)
);

CREATE TABLE revocations (
	token_id  TEXT NOT NULL PRIMARY KEY,
	tenant    TEXT NOT NULL,
	client_id TEXT NOT NULL,
	until     BIGINT NOT NULL
);
CREATE INDEX revocations_until ON revocations (until);

CREATE TABLE live_tokens (
	tenant     TEXT NOT NULL,
	client_id  TEXT NOT NULL,
	slot       TEXT NOT NULL,
	token_id   TEXT NOT NULL,
	sealed     TEXT NOT NULL,
	issued_at  BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (tenant, client_id, slot)
);

-- The audit trail has no index but its key: every token waits for this insert.
CREATE TABLE audit (
	tenant    TEXT NOT NULL,
	seq       BIGINT NOT NULL,
	at        BIGINT NOT NULL,
	action    TEXT NOT NULL,
	client_id TEXT NOT NULL,
	body      TEXT NOT NULL,
	hash      TEXT NOT NULL,
	PRIMARY KEY (tenant, seq)
);

CREATE TABLE audit_tails (
	tenant TEXT NOT NULL PRIMARY KEY,
	seq    BIGINT NOT NULL,
	hash   TEXT NOT NULL
);

CREATE TABLE changes (
	seq    BIGINT NOT NULL PRIMARY KEY,
	kind   TEXT NOT NULL,
	tenant TEXT NOT NULL,
	id     TEXT NOT NULL,
	until  BIGINT NOT NULL,
	at     BIGINT NOT NULL
);
