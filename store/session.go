package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"postern.dev/postern"
)

// runner is what runs statements: *sql.DB, *sql.Tx or a *prepared.
type runner interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// session is where a statement runs: in a transaction, or outside for reading.
type session struct{ runner }

// scanner is one row.
type scanner interface{ Scan(dest ...any) error }

// exec runs a statement and gives the number of rows it touched.
func (s session) exec(ctx context.Context, query string, args ...any) (int64, error) {
	if !storable(args) {
		return 0, postern.Errorf(postern.Invalid, "a value holds bytes that are no text").
			WithHint("use UTF-8 without NUL")
	}
	res, err := s.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// one reads the first row, and fails with sql.ErrNoRows when there is none.
func one[T any](ctx context.Context, s session, scan func(scanner) (T, error), query string, args ...any) (v T, err error) {
	// What cannot be stored cannot be found: the engines disagree on how to refuse
	// it, and an unknown client must look like one whatever its id is made of.
	if !storable(args) {
		return v, sql.ErrNoRows
	}
	rows, err := s.QueryContext(ctx, query, args...)
	if err != nil {
		return v, err
	}
	defer func() { _ = rows.Close() }()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return v, err
		}
		return v, sql.ErrNoRows
	}
	if v, err = scan(rows); err != nil {
		return v, err
	}
	// A statement that changes rows fails late: its error shows when it is closed.
	return v, rows.Close()
}

// many reads all rows.
func many[T any](ctx context.Context, s session, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	if !storable(args) {
		return nil, nil
	}
	rows, err := s.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

func scanInt(r scanner) (n int64, err error)   { return n, r.Scan(&n) }
func scanText(r scanner) (s string, err error) { return s, r.Scan(&s) }

// storable says whether every text among args is one that both engines keep:
// PostgreSQL refuses NUL and invalid UTF-8, SQLite does not.
func storable(args []any) bool {
	for _, a := range args {
		if s, ok := a.(string); ok && !isText(s) {
			return false
		}
	}
	return true
}

func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// cleanText makes any bytes storable.
func cleanText(s string) string {
	if isText(s) {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// millis is how times are stored: UTC milliseconds, 0 for none.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// prepared keeps the statements of a connection pool. The number of texts is
// small and fixed, so none is ever dropped.
type prepared struct {
	prepare func(ctx context.Context, query string) (*sql.Stmt, error)
	mu      sync.RWMutex
	stmts   map[string]*sql.Stmt
}

func (p *prepared) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	p.mu.RLock()
	s := p.stmts[query]
	p.mu.RUnlock()
	if s != nil {
		return s, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if s = p.stmts[query]; s != nil {
		return s, nil
	}
	s, err := p.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	if p.stmts == nil {
		p.stmts = map[string]*sql.Stmt{}
	}
	p.stmts[query] = s
	return s, nil
}

// close ends every statement.
func (p *prepared) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, s := range p.stmts {
		errs = append(errs, s.Close())
	}
	p.stmts = nil
	return errors.Join(errs...)
}

// ExecContext runs a statement that gives no rows.
func (p *prepared) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, err := p.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

// QueryContext runs a statement that gives rows.
func (p *prepared) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := p.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}
