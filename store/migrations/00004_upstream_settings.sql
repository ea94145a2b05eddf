-- +goose Up

-- Upstreams that were given by command: their settings, and their secrets sealed with
-- the master key, by the name of the setting.
CREATE TABLE upstreams (
	name       TEXT PRIMARY KEY,
	settings   TEXT NOT NULL,
	sealed     TEXT NOT NULL,
	created_at BIGINT NOT NULL
);
