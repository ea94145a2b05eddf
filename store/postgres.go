package store

import (
	"context"
	"database/sql"
	"log/slog"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"postern.dev/postern"
)

const (
	postgresConns   = 16
	postgresDial    = 5 * time.Second
	postgresChannel = "postern_changes"
)

type postgresEngine struct {
	pool *sql.DB
	cfg  *pgx.ConnConfig
	log  *slog.Logger
	life context.Context // of the DB
}

func (db *DB) openPostgres(ctx context.Context, dsn string, opt Options) error {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		e := postern.Errorf(postern.Invalid, "the address of the database cannot be read").
			WithHint("use postgres://USER@HOST/DATABASE")
		e.Err = err // pgx leaves the password out of it
		return e
	}
	// Statements are prepared once per connection, and values never travel inside
	// the text, as the simple protocol would have it.
	cfg.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = postgresDial
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "postern"
	}
	if opt.MaxConns <= 0 {
		opt.MaxConns = postgresConns
	}
	e := &postgresEngine{cfg: cfg, log: opt.Log, life: db.life, pool: stdlib.OpenDB(*cfg)}
	e.pool.SetMaxOpenConns(opt.MaxConns)
	e.pool.SetMaxIdleConns(opt.MaxConns)
	e.pool.SetConnMaxIdleTime(5 * time.Minute)
	if err = e.pool.PingContext(ctx); err == nil {
		err = migrate(ctx, e.pool, goose.DialectPostgres, goose.WithSessionLocker(migrationLock{}))
	}
	if err == nil {
		err = e.warn(ctx)
	}
	if err != nil {
		_ = e.pool.Close()
		return err
	}
	db.name, db.engine, db.read = PostgreSQL, e, session{e.pool}
	return nil
}

// warn tells the operator when the server promises less than we do: no token leaves
// before its record would survive a crash.
func (e *postgresEngine) warn(ctx context.Context) error {
	var fsync, commit string
	if err := e.pool.QueryRowContext(ctx, `SELECT current_setting('fsync'), current_setting('synchronous_commit')`).
		Scan(&fsync, &commit); err != nil {
		return err
	}
	if fsync == "off" || commit == "off" {
		e.log.Warn("the database does not wait for its disk: tokens may leave whose audit record is lost in a crash",
			"fsync", fsync, "synchronous_commit", commit)
	}
	return nil
}

// migrationLock lets one node of a schema migrate at a time; the others wait and
// then find nothing to be done.
type migrationLock struct{}

const migrationLockKey = `'postern migrations in ' || current_schema()`

// SessionLock waits for the lock.
func (migrationLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock(hashtext(`+migrationLockKey+`))`)
	return err
}

// SessionUnlock gives it back.
func (migrationLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, `SELECT pg_advisory_unlock(hashtext(`+migrationLockKey+`))`)
	return err
}

func (e *postgresEngine) write(ctx context.Context, do func(ctx context.Context, tx session) error) error {
	tx, err := e.pool.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	if err := do(ctx, session{tx}); err != nil {
		return err
	}
	return tx.Commit()
}

func (e *postgresEngine) notify(ctx context.Context, tx session) error {
	_, err := tx.ExecContext(ctx, `SELECT pg_notify($1, '')`, postgresChannel)
	return err
}

func (e *postgresEngine) lockServe() (func(), error) { return func() {}, nil }

func (e *postgresEngine) close() error { return e.pool.Close() }

// wake listens on a connection of its own, for as long as ctx and the DB live.
func (e *postgresEngine) wake(ctx context.Context) <-chan struct{} {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(e.life, cancel)
	c := make(chan struct{}, 1)
	go func() {
		defer close(c)
		defer cancel()
		defer stop()
		for pause := firstPause; ctx.Err() == nil; pause = min(2*pause, longestPause) {
			heard, err := e.listen(ctx, c)
			if ctx.Err() != nil {
				return
			}
			if heard {
				pause = firstPause
			}
			e.log.Warn("the change feed lost its connection", "err", err, "again_in", pause)
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
		}
	}()
	return c
}

const (
	firstPause   = 50 * time.Millisecond
	longestPause = 5 * time.Second
)

// listen puts a value into c for everything that happens until the connection
// fails, and one at the start for what may have been missed before. It says
// whether it was connected.
func (e *postgresEngine) listen(ctx context.Context, c chan<- struct{}) (heard bool, err error) {
	cfg := e.cfg.Copy()
	// A server that vanished without a word is noticed within seconds.
	dialer := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3}}
	cfg.DialFunc = dialer.DialContext
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "LISTEN "+postgresChannel); err != nil {
		return false, err
	}
	for {
		select {
		case c <- struct{}{}:
		default: // one is waiting already; it will find this too
		}
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return true, err
		}
	}
}
