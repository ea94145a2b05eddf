package store

import (
	"context"
	"time"

	"postern.dev/postern"
)

// maxSessions is how many sessions an operator may have.
const maxSessions = 100

const sessionColumns = `id, operator, created_at, seen_at, proven_at, expires_at, source, agent`

func scanSession(r scanner) (s postern.Session, err error) {
	var created, seen, proven, expires int64
	err = r.Scan(&s.ID, &s.Operator, &created, &seen, &proven, &expires, &s.Source, &s.Agent)
	s.CreatedAt, s.SeenAt, s.ProvenAt, s.ExpiresAt = fromMillis(created), fromMillis(seen), fromMillis(proven), fromMillis(expires)
	return s, err
}

func sessionArgs(s *postern.Session) []any {
	return []any{s.ID, s.Operator, millis(s.CreatedAt), millis(s.SeenAt), millis(s.ProvenAt), millis(s.ExpiresAt),
		cleanText(s.Source), cleanText(s.Agent)}
}

// CreateSession keeps a session of an operator. Of more than 100 the one that was not
// seen for longest ends. It fails with NotFound when there is no such operator, and with
// Conflict when there is such a session.
func (db *DB) CreateSession(ctx context.Context, s postern.Session) error {
	err := db.amongOperators(ctx, func(ctx context.Context, tx session) error {
		if err := db.knownOperator(ctx, tx, s.Operator); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `DELETE FROM operator_sessions WHERE id IN (
			SELECT id FROM operator_sessions WHERE operator = $1 ORDER BY seen_at DESC, id LIMIT 1000 OFFSET $2)`,
			s.Operator, maxSessions-1); err != nil {
			return err
		}
		_, err := tx.exec(ctx, `INSERT INTO operator_sessions (`+sessionColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			sessionArgs(&s)...)
		return err
	})
	return db.fail(err, "session", "")
}

// Session gives a session by its id, NotFound when there is none. It may be over.
func (db *DB) Session(ctx context.Context, id string) (postern.Session, error) {
	s, err := one(ctx, db.read, scanSession, `SELECT `+sessionColumns+` FROM operator_sessions WHERE id = $1`, id)
	return s, db.fail(err, "session", "")
}

// TouchSession lets fn change a session and stores and gives the result. Id, operator
// and the time of creation stay. It fails with NotFound.
func (db *DB) TouchSession(ctx context.Context, id string, fn func(*postern.Session)) (postern.Session, error) {
	var s postern.Session
	err := db.engine.write(ctx, func(ctx context.Context, tx session) error {
		old, err := one(ctx, tx, scanSession, // an update, so that the row is locked on both engines
			`UPDATE operator_sessions SET operator = operator WHERE id = $1 RETURNING `+sessionColumns, id)
		if err != nil {
			return err
		}
		s = old
		fn(&s)
		s.ID, s.Operator, s.CreatedAt = old.ID, old.Operator, old.CreatedAt
		s.Source, s.Agent = cleanText(s.Source), cleanText(s.Agent)
		_, err = tx.exec(ctx, `UPDATE operator_sessions SET operator = $2, created_at = $3, seen_at = $4, proven_at = $5,
			expires_at = $6, source = $7, agent = $8 WHERE id = $1`, sessionArgs(&s)...)
		return err
	})
	if err != nil {
		return postern.Session{}, db.fail(err, "session", "")
	}
	return s, nil
}

// Sessions gives the sessions of an operator, the one seen last first. Some may be over.
func (db *DB) Sessions(ctx context.Context, operator string) ([]postern.Session, error) {
	all, err := many(ctx, db.read, scanSession,
		`SELECT `+sessionColumns+` FROM operator_sessions WHERE operator = $1 ORDER BY seen_at DESC, id`, operator)
	return all, db.fail(err, "session", "")
}

// DeleteSession ends a session of an operator. It fails with NotFound.
func (db *DB) DeleteSession(ctx context.Context, operator, id string) error {
	err := db.engine.write(ctx, func(ctx context.Context, tx session) error {
		_, err := one(ctx, tx, scanText, `DELETE FROM operator_sessions WHERE id = $1 AND operator = $2 RETURNING id`, id, operator)
		return err
	})
	return db.fail(err, "session", "")
}

// DeleteSessions ends the sessions of an operator but one; "" spares none.
func (db *DB) DeleteSessions(ctx context.Context, operator, but string) error {
	err := db.amongOperators(ctx, func(ctx context.Context, tx session) error {
		_, err := tx.exec(ctx, `DELETE FROM operator_sessions WHERE operator = $1 AND id <> $2`, operator, but)
		return err
	})
	return db.fail(err, "session", "")
}

// pruneSessions forgets sessions and one-time links that are over. They are few.
func (db *DB) pruneSessions(ctx context.Context, now time.Time) error {
	return db.amongOperators(ctx, func(ctx context.Context, tx session) error {
		if _, err := tx.exec(ctx, `DELETE FROM operator_sessions WHERE expires_at <= $1`, millis(now)); err != nil {
			return err
		}
		_, err := tx.exec(ctx, `DELETE FROM operator_links WHERE until <= $1`, millis(now))
		return err
	})
}
