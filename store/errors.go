package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"postern.dev/postern"
)

// callerError carries what a caller's own function refused, unchanged, past fail.
type callerError struct{ err error }

func (e callerError) Error() string { return e.err.Error() }

// fail turns a driver's error into one of ours, by code and never by text. The noun
// and the name say what was asked for; the name may be empty.
func (db *DB) fail(err error, noun, name string) error {
	if err == nil {
		return nil
	}
	if c, ok := errors.AsType[callerError](err); ok {
		return c.err
	}
	if e, ok := errors.AsType[*postern.Error](err); ok {
		return e
	}
	code, msg, hint := classify(err)
	if db.closed.Load() {
		code, msg, hint = postern.Unavailable, "the database is closed", ""
	}
	e := &postern.Error{Code: code, Msg: msg, Hint: hint, Err: err}
	if name = postern.Shorten(name, 100); name != "" {
		name = ` "` + name + `"`
	}
	switch {
	case code == postern.Unavailable:
		e.Wait = time.Second
	case code == postern.NotFound && msg == "":
		e.Msg = "there is no " + noun + name
	case code == postern.Conflict:
		e.Msg = "the " + noun + name + " exists already"
	}
	return e
}

// Texts for the operator, safe for anyone.
const (
	msgSilent  = "the database does not answer"
	hintSilent = "try again; if it lasts, look at the database and at the log"
	msgFull    = "the database has no room left"
	hintFull   = "free space on its disk"
	msgBroken  = "the database file is damaged, or is not a database"
	hintBroken = "restore a backup"
	msgTenant  = "there is no such tenant"
	msgText    = "a value holds characters that cannot be stored"
)

// classify knows the codes of both engines.
func classify(err error) (code postern.Code, msg, hint string) {
	if errors.Is(err, sql.ErrNoRows) {
		return postern.NotFound, "", ""
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return classifySQLite(e.Code())
	}
	// Whatever the server has against a new connection, it may think better of it.
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return postern.Unavailable, msgSilent, hintSilent
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return classifyPostgres(e.Code)
	}
	_, isNet := errors.AsType[net.Error](err)
	switch {
	case isNet, pgconn.SafeToRetry(err), pgconn.Timeout(err),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone), errors.Is(err, net.ErrClosed),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return postern.Unavailable, msgSilent, hintSilent
	}
	return postern.Internal, "", ""
}

// classifySQLite reads an extended result code (sqlite.org/rescode.html).
func classifySQLite(rc int) (code postern.Code, msg, hint string) {
	switch rc {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return postern.Conflict, "", ""
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return postern.NotFound, msgTenant, ""
	}
	switch rc & 0xff {
	case sqlite3.SQLITE_FULL:
		return postern.Unavailable, msgFull, hintFull
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return postern.Unavailable, msgBroken, hintBroken
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_INTERRUPT,
		sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM,
		sqlite3.SQLITE_PROTOCOL:
		return postern.Unavailable, msgSilent, hintSilent
	}
	return postern.Internal, "", ""
}

// classifyPostgres reads an SQLSTATE (PostgreSQL manual, appendix A).
func classifyPostgres(state string) (code postern.Code, msg, hint string) {
	switch state {
	case "23505": // unique_violation
		return postern.Conflict, "", ""
	case "23503": // foreign_key_violation; the only foreign keys lead to tenants
		return postern.NotFound, msgTenant, ""
	case "22021", "22P05": // character_not_in_repertoire, untranslatable_character
		return postern.Invalid, msgText, "use UTF-8 without NUL"
	case "53100": // disk_full
		return postern.Unavailable, msgFull, hintFull
	case "25006", // read_only_sql_transaction: a standby
		"25P03",          // idle_in_transaction_session_timeout
		"40001", "40P01", // serialization_failure, deadlock_detected
		"55P03", // lock_not_available
		"57014": // query_canceled
		return postern.Unavailable, msgSilent, hintSilent
	}
	if len(state) == 5 {
		switch state[:2] {
		// Connection, authorization, catalog name, resources, intervention, system.
		case "08", "28", "3D", "53", "57", "58":
			return postern.Unavailable, msgSilent, hintSilent
		}
	}
	return postern.Internal, "", ""
}
