-- The office: operators and how they sign in, the nodes, what was made with an
-- idempotency key, and what was counted of the audit trail.

-- +goose Up

CREATE TABLE operators (
	id            TEXT NOT NULL PRIMARY KEY,
	email         TEXT NOT NULL UNIQUE,
	name          TEXT NOT NULL,
	role          TEXT NOT NULL,
	tenant        TEXT NOT NULL,
	password_hash TEXT NOT NULL,
	totp          TEXT NOT NULL,
	totp_step     BIGINT NOT NULL,
	disabled      BOOLEAN NOT NULL,
	failures      BIGINT NOT NULL,
	locked        BIGINT NOT NULL,
	seen_at       BIGINT NOT NULL,
	created_at    BIGINT NOT NULL,
	updated_at    BIGINT NOT NULL
);

CREATE TABLE operator_sessions (
	id         TEXT NOT NULL PRIMARY KEY,
	operator   TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	seen_at    BIGINT NOT NULL,
	proven_at  BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	source     TEXT NOT NULL,
	agent      TEXT NOT NULL
);
CREATE INDEX operator_sessions_operator ON operator_sessions (operator, seen_at);
CREATE INDEX operator_sessions_expires ON operator_sessions (expires_at);

-- One-time links, by a hash of their code. The first operator of all has no id yet.
CREATE TABLE operator_links (
	code     TEXT NOT NULL PRIMARY KEY,
	operator TEXT NOT NULL,
	until    BIGINT NOT NULL
);
CREATE INDEX operator_links_operator ON operator_links (operator);

CREATE TABLE nodes (
	name       TEXT NOT NULL PRIMARY KEY,
	url        TEXT NOT NULL,
	version    TEXT NOT NULL,
	started_at BIGINT NOT NULL,
	seen_at    BIGINT NOT NULL
);

-- What an actor made with an idempotency key: a hash of what was asked, and the sealed
-- answer, which is empty as long as it is being made.
CREATE TABLE office_keys (
	actor   TEXT NOT NULL,
	name    TEXT NOT NULL,
	content TEXT NOT NULL,
	sealed  TEXT NOT NULL,
	at      BIGINT NOT NULL,
	PRIMARY KEY (actor, name)
);
CREATE INDEX office_keys_at ON office_keys (at);

-- How far the audit trail of each tenant was counted; see store/tally.go.
CREATE TABLE tallies (
	tenant TEXT NOT NULL PRIMARY KEY,
	seq    BIGINT NOT NULL
);

-- Which records of a trail are of an hour: all of them are between first and last.
CREATE TABLE audit_hours (
	tenant    TEXT NOT NULL,
	hour      BIGINT NOT NULL,
	first_seq BIGINT NOT NULL,
	last_seq  BIGINT NOT NULL,
	PRIMARY KEY (tenant, hour)
);

-- Tokens by hour, of a tenant and, where tenant is empty, of all together.
CREATE TABLE usage_hours (
	tenant  TEXT NOT NULL,
	hour    BIGINT NOT NULL,
	dialect TEXT NOT NULL,
	issued  BIGINT NOT NULL,
	refused BIGINT NOT NULL,
	PRIMARY KEY (tenant, hour, dialect)
);

-- Tokens by day, of a client.
CREATE TABLE usage_days (
	tenant    TEXT NOT NULL,
	client_id TEXT NOT NULL,
	day       BIGINT NOT NULL,
	dialect   TEXT NOT NULL,
	issued    BIGINT NOT NULL,
	refused   BIGINT NOT NULL,
	query     BIGINT NOT NULL,
	last_at   BIGINT NOT NULL,
	PRIMARY KEY (tenant, client_id, day, dialect)
);
CREATE INDEX usage_days_day ON usage_days (tenant, day);

-- The busiest clients of a day, of a tenant and, where tenant is empty, of all together.
CREATE TABLE usage_tops (
	tenant TEXT NOT NULL,
	day    BIGINT NOT NULL,
	doc    TEXT NOT NULL,
	stale  BIGINT NOT NULL, -- 0 when doc is as it should be
	PRIMARY KEY (tenant, day)
);
CREATE INDEX usage_tops_stale ON usage_tops (stale) WHERE stale <> 0;
CREATE INDEX usage_tops_day ON usage_tops (day);

CREATE TABLE refusals (
	tenant    TEXT NOT NULL,
	client_id TEXT NOT NULL,
	hour      BIGINT NOT NULL,
	dialect   TEXT NOT NULL,
	cause     TEXT NOT NULL,
	source    TEXT NOT NULL,
	last_at   BIGINT NOT NULL,
	count     BIGINT NOT NULL,
	PRIMARY KEY (tenant, client_id, hour, dialect, cause)
);
CREATE INDEX refusals_client ON refusals (tenant, client_id, last_at);
CREATE INDEX refusals_last ON refusals (last_at);

INSERT INTO counters (name, value) VALUES ('operators', 0), ('tally', 0);

-- What clients and users are found by, in lower case, and when the last secret of a
-- client ends, 0 for never. Rows that were there before are filled in by the next step.
ALTER TABLE clients ADD COLUMN search TEXT NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN secrets_end BIGINT NOT NULL DEFAULT 0;
CREATE INDEX clients_search ON clients (tenant, id, search);
CREATE INDEX clients_secrets_end ON clients (secrets_end) WHERE secrets_end <> 0;
CREATE INDEX users_search ON users (tenant, id, email);

-- How often somebody was wrong at the operators' door, by a keyed hash of whose account
-- and from where, on every node: what is remembered there lets nobody in.
CREATE TABLE guesses (
	key   TEXT NOT NULL PRIMARY KEY,
	count BIGINT NOT NULL,
	last  BIGINT NOT NULL,
	until BIGINT NOT NULL -- nothing is right before it
);
CREATE INDEX guesses_last ON guesses (last);

-- The networks that an operator signed in from, by a keyed hash of both.
CREATE TABLE known_networks (
	key   TEXT NOT NULL PRIMARY KEY,
	until BIGINT NOT NULL
);
CREATE INDEX known_networks_until ON known_networks (until);
