-- Tokens of upstreams, shared between processes. A row is what one process knows and
-- the others would have to ask for; owner and until are the lease of the process that
-- asks. A lease may come before the first token: then version is 0 and sealed empty.

-- +goose Up

CREATE TABLE upstream_tokens (
	key TEXT NOT NULL PRIMARY KEY,
	upstream TEXT NOT NULL,
	version BIGINT NOT NULL,
	sealed TEXT NOT NULL,
	expires_at BIGINT NOT NULL,
	owner TEXT NOT NULL,
	until BIGINT NOT NULL
);

CREATE INDEX upstream_tokens_expires_at ON upstream_tokens (expires_at);
