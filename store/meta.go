package store

import "context"

// Meta gives a value of the database itself, such as a check of the master key.
// It fails with NotFound.
func (db *DB) Meta(ctx context.Context, name string) (string, error) {
	v, err := one(ctx, db.read, scanText, `SELECT value FROM meta WHERE name = $1`, name)
	return v, db.fail(err, "value", name)
}

// SetMeta stores value unless the name has one already, and gives what is stored:
// the first writer wins, so that nodes that start together agree.
func (db *DB) SetMeta(ctx context.Context, name, value string) (effective string, err error) {
	err = db.engine.write(ctx, func(ctx context.Context, tx session) error {
		if _, err := tx.exec(ctx, `INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`,
			name, value); err != nil {
			return err
		}
		effective, err = one(ctx, tx, scanText, `SELECT value FROM meta WHERE name = $1`, name)
		return err
	})
	return effective, db.fail(err, "value", name)
}
