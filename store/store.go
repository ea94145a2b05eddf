// Package store keeps Postern's nouns in SQLite or PostgreSQL, with one SQL text
// for both.
//
// Every change is one transaction: the change itself, its event in the audit chain
// of its tenant, and a row in the feed that tells caches what is out of date. All
// transactions lock in the same order, so that none can wait in a circle: the
// tail of the tenant's chain, then the rows of that tenant, then the counter of
// the feed. Operators, and what is counted, have a counter each that comes before their
// rows.
//
// Errors are *postern.Error: NotFound, Conflict, Invalid for text that cannot be
// stored, Unavailable when the database does not answer, Internal otherwise.
package store

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"postern.dev/postern"
	"postern.dev/postern/internal/holidays"
)

// The names Engine gives.
const (
	SQLite     = "sqlite"
	PostgreSQL = "postgres"
)

// Options adjusts a DB. The zero value is good.
type Options struct {
	// MaxConns bounds the connections: to PostgreSQL (0 means 16), or those that
	// read from SQLite (0 means 4; there is always one more that writes).
	MaxConns int
	// Log receives what an operator should know and no caller is told, such as a
	// lost connection of the feed; nil discards it.
	Log *slog.Logger
}

// DB is an open database. Its methods may be called by any number of goroutines.
type DB struct {
	name    string // of the engine
	engine  engine
	read    session
	closed  atomic.Bool
	closing context.CancelFunc
	life    context.Context // ends when the DB is closed
	batches sync.Pool       // of *batch
	// holidays and sandboxes are what the directories remember.
	holidays  *holidays.Book
	sandboxes sandboxes
	tops      topsClock
}

// engine is what the two databases do differently.
type engine interface {
	// write runs do in one transaction, which ends with the error of do. Inside, ctx
	// is the one given to do, which may be harder to end than the caller's.
	write(ctx context.Context, do func(ctx context.Context, tx session) error) error
	// notify wakes the other nodes when tx commits, where the engine can.
	notify(ctx context.Context, tx session) error
	wake(ctx context.Context) <-chan struct{}
	lockServe() (release func(), err error)
	close() error
}

// Open opens the database that dsn names and brings its schema up to date:
// "sqlite:PATH", a file that is created (mode 0600) when its directory exists, or
// "postgres://…". It is safe when several processes open one database at once. It
// fails with Invalid for a dsn it cannot read, with Conflict when the database was
// written by a newer version of Postern, and with Unavailable when it cannot be
// reached.
func Open(ctx context.Context, dsn string, opt Options) (*DB, error) {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	db := &DB{holidays: holidays.New()}
	db.life, db.closing = context.WithCancel(context.Background())
	var err error
	path, isSQLite := strings.CutPrefix(dsn, "sqlite:")
	switch {
	case isSQLite:
		err = db.openSQLite(ctx, path, opt)
	case strings.HasPrefix(dsn, "postgres://"), strings.HasPrefix(dsn, "postgresql://"):
		err = db.openPostgres(ctx, dsn, opt)
	default:
		// The dsn may hold a password: it is not repeated.
		err = postern.Errorf(postern.Invalid, "this names no database").
			WithHint("use sqlite:PATH or postgres://USER@HOST/DATABASE")
	}
	if err != nil {
		db.closing()
		return nil, db.fail(err, "database", "")
	}
	inserts := auditInserts(db.name)
	db.batches.New = func() any { return &batch{inserts: &inserts} }
	return db, nil
}

// Engine names the database: SQLite or PostgreSQL.
func (db *DB) Engine() string { return db.name }

// Close ends everything that is under way and closes the database. Calls after it
// fail with Unavailable.
func (db *DB) Close() error {
	if db.closed.Swap(true) {
		return nil
	}
	db.closing()
	return db.engine.close()
}

// Ping fails unless the database answers a question about its own tables.
func (db *DB) Ping(ctx context.Context) error {
	_, err := one(ctx, db.read, scanInt, `SELECT value FROM counters WHERE name = $1`, counterChanges)
	return db.fail(err, "database", "")
}

// LockServe makes this process the only one that serves from this database, until
// release is called or the process ends, however it ends. On SQLite a second one
// gets Conflict; other commands may work beside it. On PostgreSQL any number of
// nodes may serve and it does nothing.
func (db *DB) LockServe() (release func(), err error) {
	release, err = db.engine.lockServe()
	return release, db.fail(err, "database", "")
}
