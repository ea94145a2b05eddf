package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"postern.dev/postern"
)

// What every connection to SQLite has. Caches are small because the whole server
// is; the operating system caches the file as well.
const (
	sqliteBusy        = 5000 // milliseconds to wait for another process's transaction
	sqliteReaders     = 4
	sqliteReaderCache = 1000 // KiB
	sqliteWriterCache = 2000 // KiB
)

// sqliteEngine is one file: one connection that writes and a few that read beside
// it (WAL).
type sqliteEngine struct {
	path    string
	reader  *sql.DB
	writer  *sql.DB
	turn    chan struct{} // held by the transaction under way
	conn    *sql.Conn     // the writer's only connection, nil after it broke
	session session
}

func (db *DB) openSQLite(ctx context.Context, path string, opt Options) error {
	path, err := createFile(path)
	if err != nil {
		return err
	}
	e := &sqliteEngine{path: path, turn: make(chan struct{}, 1)}
	defer func() {
		if db.engine == nil {
			_ = e.close()
		}
	}()
	if e.writer, err = sql.Open("sqlite", sqliteDSN(path, "_txlock", "immediate", "_journal_mode", "WAL",
		"_synchronous", "FULL", "_pragma", fmt.Sprintf("cache_size(-%d)", sqliteWriterCache), "_pragma", "journal_size_limit(16777216)")); err != nil {
		return err
	}
	e.writer.SetMaxOpenConns(1)
	if err := migrateSQLite(ctx, e.writer); err != nil {
		return err
	}
	if e.reader, err = sql.Open("sqlite", sqliteDSN(path, "_query_only", "1", "_pragma", fmt.Sprintf("cache_size(-%d)", sqliteReaderCache))); err != nil {
		return err
	}
	if opt.MaxConns <= 0 {
		opt.MaxConns = sqliteReaders
	}
	e.reader.SetMaxOpenConns(opt.MaxConns)
	e.reader.SetMaxIdleConns(opt.MaxConns)
	db.name, db.engine = SQLite, e
	db.read = session{&prepared{prepare: e.reader.PrepareContext}}
	return nil
}

// createFile makes an empty file that only its owner reads, before SQLite would
// make one that others can. An existing file is not touched: opening and closing
// it would drop the locks this process may hold on it.
func createFile(path string) (string, error) {
	if path == "" || path == ":memory:" {
		return "", postern.Errorf(postern.Invalid, "SQLite needs the path of a file").WithHint("use sqlite:PATH")
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err == nil || errors.Is(err, os.ErrExist) {
		// One database has one name, for the lock beside it too.
		if path, err = filepath.EvalSymlinks(path); err == nil {
			path, err = filepath.Abs(path)
		}
	}
	if err != nil {
		e := postern.Errorf(postern.Unavailable, "the database file cannot be opened").
			WithHint("check that its directory exists and may be written")
		e.Err = err
		return "", e
	}
	return path, nil
}

// sqliteDSN spells the driver's name for a connection with the given settings.
func sqliteDSN(path string, settings ...string) string {
	q := url.Values{"_busy_timeout": {fmt.Sprint(sqliteBusy)}, "_foreign_keys": {"1"}, "_dqs": {"0"}, "_error_rc": {"1"}}
	for i := 0; i < len(settings); i += 2 {
		q.Add(settings[i], settings[i+1])
	}
	path = filepath.ToSlash(path)
	if path[0] != '/' { // C:/… (sqlite.org/uri.html section 3.1)
		path = "/" + path
	}
	u := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}
	return u.String()
}

// migrateSQLite tries again when another process migrated the same file meanwhile:
// each migration is one transaction, so the loser of a race has changed nothing.
func migrateSQLite(ctx context.Context, db *sql.DB) (err error) {
	for range 10 {
		if err = migrate(ctx, db, goose.DialectSQLite3); err == nil || ctx.Err() != nil {
			return err
		}
		if e, ok := errors.AsType[*postern.Error](err); ok {
			return e // a newer database stays newer
		}
	}
	return err
}

// write runs one transaction on the only connection that writes. It bypasses
// sql.Tx, which would prepare every statement again in every transaction.
func (e *sqliteEngine) write(ctx context.Context, do func(ctx context.Context, tx session) error) (err error) {
	select {
	case e.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-e.turn }()
	if err := ctx.Err(); err != nil {
		return err
	}
	// From here on the transaction is short and local: it is not interrupted in the
	// middle, and the driver needs no goroutine to watch for it.
	ctx = context.WithoutCancel(ctx)
	if e.conn == nil {
		if err := e.connect(ctx); err != nil {
			return err
		}
	}
	if _, err := e.session.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	committed := false
	defer func() {
		if !committed {
			e.rollback(ctx)
		}
	}()
	if err := do(ctx, e.session); err != nil {
		return err
	}
	if _, err := e.session.ExecContext(ctx, "COMMIT"); err != nil {
		return err
	}
	committed = true
	return nil
}

func (e *sqliteEngine) connect(ctx context.Context) (err error) {
	if e.conn, err = e.writer.Conn(ctx); err != nil {
		return err
	}
	e.session = session{&prepared{prepare: e.conn.PrepareContext}}
	return nil
}

// rollback gives the connection up when it cannot be rolled back: SQLite has done
// so itself then (disk full, I/O), or the connection is broken.
func (e *sqliteEngine) rollback(ctx context.Context) {
	if _, err := e.session.ExecContext(ctx, "ROLLBACK"); err != nil {
		_ = e.disconnect()
	}
}

// disconnect gives the connection back without its statements: database/sql does
// not know of them, and SQLite keeps the file and its log open while one is left.
func (e *sqliteEngine) disconnect() error {
	err := errors.Join(e.session.runner.(*prepared).close(), e.conn.Close())
	e.conn = nil
	return err
}

// setCache gives the writing connection a cache of so many KiB, and gives the rest
// back to the system.
func (e *sqliteEngine) setCache(ctx context.Context, kib int) error {
	return e.write(ctx, func(ctx context.Context, tx session) error {
		if _, err := tx.exec(ctx, fmt.Sprintf("PRAGMA cache_size = -%d", kib)); err != nil {
			return err
		}
		_, err := tx.exec(ctx, "PRAGMA shrink_memory")
		return err
	})
}

func (e *sqliteEngine) notify(context.Context, session) error { return nil }

func (e *sqliteEngine) wake(context.Context) <-chan struct{} { return nil }

// lockServe holds an exclusive transaction on a second, empty database beside the
// first. The lock is the operating system's: it ends with the process.
func (e *sqliteEngine) lockServe() (func(), error) {
	path, err := createFile(e.path + "-serve") // or SQLite would make one that others can read, and hold
	if err != nil {
		return nil, err
	}
	lock, err := sql.Open("sqlite", sqliteDSN(path, "_timeout", "0", "_journal_mode", "MEMORY"))
	if err != nil {
		return nil, err
	}
	lock.SetMaxOpenConns(1)
	if _, err := lock.Exec("BEGIN EXCLUSIVE"); err != nil {
		_ = lock.Close()
		if code, _, _ := classify(err); code != postern.Unavailable {
			return nil, err
		}
		c := postern.Errorf(postern.Conflict, "another process serves from this database").
			WithHint("stop it first, give this one another --db, or use PostgreSQL, which many can share")
		c.Err = err
		return nil, c
	}
	return sync.OnceFunc(func() { _ = lock.Close() }), nil
}

func (e *sqliteEngine) close() error {
	e.turn <- struct{}{}
	defer func() { <-e.turn }()
	var errs []error
	if e.conn != nil {
		errs = append(errs, e.disconnect())
	}
	for _, pool := range []*sql.DB{e.reader, e.writer} {
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	return errors.Join(errs...)
}
