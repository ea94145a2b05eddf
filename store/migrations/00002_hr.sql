-- The HR API. Columns are what is asked for, ordered or counted by; the rest of a row
-- is one JSON document. Days are counted from the year 1, moments of a wall clock in
-- seconds from there; an open end is 2^62. A tenant's rows are numbered by hr_tenants,
-- whose row is locked by everyone who writes them.

-- +goose Up
ALTER TABLE tenants ADD COLUMN zone TEXT NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN attributes TEXT NOT NULL DEFAULT '[]';

CREATE TABLE hr_tenants (
	tenant        TEXT NOT NULL PRIMARY KEY REFERENCES tenants (id),
	persons       BIGINT NOT NULL,
	absence_types BIGINT NOT NULL,
	absences      BIGINT NOT NULL,
	attendances   BIGINT NOT NULL
);

CREATE TABLE persons (
	tenant         TEXT NOT NULL,
	id             BIGINT NOT NULL,
	email          TEXT NOT NULL,
	first_name     TEXT NOT NULL,
	last_name      TEXT NOT NULL,
	preferred_name TEXT NOT NULL,
	active         BOOLEAN NOT NULL,
	created_at     BIGINT NOT NULL,
	updated_at     BIGINT NOT NULL,
	doc            TEXT NOT NULL,
	PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX persons_email ON persons (tenant, email) WHERE email <> '';
CREATE INDEX persons_first_name ON persons (tenant, first_name, id);
CREATE INDEX persons_last_name ON persons (tenant, last_name, id);
CREATE INDEX persons_preferred_name ON persons (tenant, preferred_name, id) WHERE preferred_name <> '';
CREATE INDEX persons_active ON persons (tenant, active, id);
CREATE INDEX persons_created ON persons (tenant, created_at, id);
CREATE INDEX persons_updated ON persons (tenant, updated_at, id);

CREATE TABLE employments (
	tenant     TEXT NOT NULL,
	person     BIGINT NOT NULL,
	id         TEXT NOT NULL,
	begins     BIGINT NOT NULL,
	supervisor BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	doc        TEXT NOT NULL,
	PRIMARY KEY (tenant, person, id)
);
CREATE INDEX employments_supervisor ON employments (tenant, supervisor) WHERE supervisor <> 0;

CREATE TABLE absence_types (
	tenant     TEXT NOT NULL,
	number     BIGINT NOT NULL,
	id         TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	doc        TEXT NOT NULL,
	PRIMARY KEY (tenant, number),
	UNIQUE (tenant, id)
);

-- length is the class of the length, see lengths in absence_query.go. Where one asks what
-- overlaps a window, it bounds how long before the window an absence can have begun.
-- There is no index of all starts: SQLite would take it where the class leaves less.
CREATE TABLE absences (
	tenant     TEXT NOT NULL,
	number     BIGINT NOT NULL,
	id         TEXT NOT NULL,
	person     BIGINT NOT NULL,
	type       BIGINT NOT NULL,
	begins     BIGINT NOT NULL,
	ends       BIGINT NOT NULL,
	length     BIGINT NOT NULL,
	status     TEXT NOT NULL,
	substitute BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	doc        TEXT NOT NULL,
	PRIMARY KEY (tenant, number),
	UNIQUE (tenant, id)
);
CREATE INDEX absences_length ON absences (tenant, length, begins, number, ends);
CREATE INDEX absences_person ON absences (tenant, person, begins, number);
CREATE INDEX absences_type ON absences (tenant, type, begins, number);
CREATE INDEX absences_updated ON absences (tenant, updated_at, number);
CREATE INDEX absences_substitute ON absences (tenant, substitute, begins) WHERE substitute <> 0;

CREATE TABLE attendances (
	tenant     TEXT NOT NULL,
	number     BIGINT NOT NULL,
	id         TEXT NOT NULL,
	person     BIGINT NOT NULL,
	kind       TEXT NOT NULL,
	begins     BIGINT NOT NULL,
	ends       BIGINT NOT NULL,
	day        BIGINT NOT NULL,
	project    TEXT NOT NULL,
	status     TEXT NOT NULL,
	updated_at BIGINT NOT NULL,
	doc        TEXT NOT NULL,
	PRIMARY KEY (tenant, number),
	UNIQUE (tenant, id)
);
CREATE INDEX attendances_kind ON attendances (tenant, kind, begins, number);
CREATE INDEX attendances_person ON attendances (tenant, person, begins, number);
CREATE INDEX attendances_updated ON attendances (tenant, updated_at, number);
CREATE INDEX attendances_project ON attendances (tenant, project, begins, number) WHERE project <> '';
CREATE INDEX attendances_undecided ON attendances (tenant, status, begins, number) WHERE status <> 'CONFIRMED';
CREATE INDEX attendances_running ON attendances (tenant, person, begins) WHERE ends = 4611686018427387904;

-- What was made with an idempotency key, by its number, and a hash of what was asked.
CREATE TABLE hr_keys (
	tenant    TEXT NOT NULL,
	client_id TEXT NOT NULL,
	name      TEXT NOT NULL,
	content   TEXT NOT NULL,
	number    BIGINT NOT NULL,
	at        BIGINT NOT NULL,
	PRIMARY KEY (tenant, client_id, name)
);
CREATE INDEX hr_keys_at ON hr_keys (tenant, at);

CREATE TABLE sandboxes (
	tenant TEXT NOT NULL PRIMARY KEY REFERENCES tenants (id),
	doc    TEXT NOT NULL
);

CREATE TABLE visit_tails (
	tenant TEXT NOT NULL PRIMARY KEY REFERENCES tenants (id),
	seq    BIGINT NOT NULL
);

CREATE TABLE visits (
	tenant    TEXT NOT NULL,
	seq       BIGINT NOT NULL,
	client_id TEXT NOT NULL,
	doc       TEXT NOT NULL,
	PRIMARY KEY (tenant, seq)
);
CREATE INDEX visits_client ON visits (tenant, client_id, seq);
