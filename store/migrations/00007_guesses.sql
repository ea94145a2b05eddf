-- +goose Up

-- How often somebody was wrong at the operators' door, by a keyed hash of whose account
-- and from where, on every node: what is remembered there lets nobody in.
CREATE TABLE guesses (
	key      TEXT PRIMARY KEY,
	count    BIGINT NOT NULL,
	last     BIGINT NOT NULL,
	until    BIGINT NOT NULL  -- nothing is right before it
);
CREATE INDEX guesses_last ON guesses (last);

-- The networks that an operator signed in from, by a keyed hash of both.
CREATE TABLE known_networks (
	key   TEXT PRIMARY KEY,
	until BIGINT NOT NULL
);
CREATE INDEX known_networks_until ON known_networks (until);
