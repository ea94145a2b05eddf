package store

import (
	"context"
	"time"
)

// guessesKept is how long a count is remembered that nobody adds to, unless its lock
// lasts longer.
const guessesKept = 30 * 24 * time.Hour

type guessRow struct{ count, last, until int64 }

func scanGuess(r scanner) (g guessRow, err error) { return g, r.Scan(&g.count, &g.last, &g.until) }

// Guess counts one guess under a key before it is looked at, however many arrive at
// once, and locks the key until the time that until gives for the new count. The count
// begins anew after nobody guessed for forget; 0 never does. While the key is locked at
// now nothing is counted, and wait says for how long.
func (db *DB) Guess(ctx context.Context, key string, now time.Time, forget time.Duration, until func(count int) time.Time) (count int, wait time.Duration, err error) {
	err = db.engine.write(ctx, func(ctx context.Context, tx session) error {
		g, err := one(ctx, tx, scanGuess, // a write, so that the row is locked on both engines
			`INSERT INTO guesses (key, count, last, until) VALUES ($1, 0, $2, 0)
			ON CONFLICT (key) DO UPDATE SET count = guesses.count RETURNING count, last, until`, key, millis(now))
		if err != nil {
			return err
		}
		count, wait = int(g.count), 0
		if locked := fromMillis(g.until); now.Before(locked) {
			wait = locked.Sub(now)
			return nil
		}
		if forget > 0 && now.Sub(fromMillis(g.last)) > forget {
			count = 0
		}
		count++
		if _, err := tx.exec(ctx, `UPDATE guesses SET count = $2, last = $3, until = $4 WHERE key = $1`,
			key, count, millis(now), millis(until(count))); err != nil {
			return err
		}
		_, err = tx.exec(ctx, `DELETE FROM guesses WHERE last < $1 AND until < $2`, millis(now.Add(-guessesKept)), millis(now))
		return err
	})
	return count, wait, db.fail(err, "guess", "")
}

// ForgetGuesses begins a count anew and unlocks its key.
func (db *DB) ForgetGuesses(ctx context.Context, key string) error {
	err := db.engine.write(ctx, func(ctx context.Context, tx session) error {
		_, err := tx.exec(ctx, `DELETE FROM guesses WHERE key = $1`, key)
		return err
	})
	return db.fail(err, "guess", "")
}

// KnowNetwork remembers a network until then, under a key that says whose, and forgets
// those that are over at now.
func (db *DB) KnowNetwork(ctx context.Context, key string, now, until time.Time) error {
	err := db.engine.write(ctx, func(ctx context.Context, tx session) error {
		if _, err := tx.exec(ctx, `INSERT INTO known_networks (key, until) VALUES ($1, $2)
			ON CONFLICT (key) DO UPDATE SET until = excluded.until`, key, millis(until)); err != nil {
			return err
		}
		_, err := tx.exec(ctx, `DELETE FROM known_networks WHERE until < $1`, millis(now))
		return err
	})
	return db.fail(err, "network", "")
}

// KnownNetwork says whether a network is remembered at now.
func (db *DB) KnownNetwork(ctx context.Context, key string, now time.Time) (bool, error) {
	n, err := one(ctx, db.read, scanInt, `SELECT COUNT(*) FROM known_networks WHERE key = $1 AND until > $2`, key, millis(now))
	return n > 0, db.fail(err, "network", "")
}
