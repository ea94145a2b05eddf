package store

import (
	"context"
	"database/sql"
	"embed"
	"io/fs"

	"github.com/pressly/goose/v3"

	"postern.dev/postern"
)

//go:embed migrations/*.sql
var migrations embed.FS

// schemaVersion is the newest migration, which is a function: fillClients.
const schemaVersion = 6

// migrate brings the schema up to date.
func migrate(ctx context.Context, db *sql.DB, dialect goose.Dialect, opts ...goose.ProviderOption) error {
	done, err := migrated(ctx, db)
	if done || err != nil {
		return err
	}
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err // impossible: the folder is embedded above
	}
	opts = append(opts, goose.WithDisableGlobalRegistry(true), goose.WithVerbose(false), goose.WithGoMigrations(
		goose.NewGoMigration(schemaVersion, &goose.GoFunc{RunTx: fillClients}, nil)))
	p, err := goose.NewProvider(dialect, db, dir, opts...)
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// migrated says whether there is nothing to be done, with one query instead of
// goose's several, because every command opens the database.
func migrated(ctx context.Context, db *sql.DB) (bool, error) {
	var version int64
	// It fails when the database is new; goose meets any other trouble again.
	if err := db.QueryRowContext(ctx, `SELECT MAX(version_id) FROM goose_db_version`).Scan(&version); err != nil {
		return false, ctx.Err()
	}
	if version > schemaVersion {
		return false, postern.Errorf(postern.Conflict, "the database was written by a newer version of Postern "+
			"(schema %d; this one knows %d)", version, schemaVersion).
			WithHint("run the newer version, or restore a backup that was made before it")
	}
	return version == schemaVersion, nil
}

const fillPage = 1000

// fillClients fills in the columns that the migration before it gave to clients. SQL
// cannot: the engines fold letters differently, and neither reads our secrets.
func fillClients(ctx context.Context, tx *sql.Tx) error {
	s := session{tx}
	for after := ""; ; {
		some, err := many(ctx, s, func(r scanner) (c [3]string, err error) { return c, r.Scan(&c[0], &c[1], &c[2]) },
			`SELECT id, name, secrets FROM clients WHERE id > $1 ORDER BY id LIMIT $2`, after, fillPage)
		if err != nil || len(some) == 0 {
			return err
		}
		for _, c := range some {
			secrets, err := list[secretRow](c[2])
			if err != nil {
				return err
			}
			if _, err := s.exec(ctx, `UPDATE clients SET search = $2, secrets_end = $3 WHERE id = $1`,
				c[0], searchText(c[1], c[0]), secretsEnd(secrets)); err != nil {
				return err
			}
		}
		after = some[len(some)-1][0]
	}
}
