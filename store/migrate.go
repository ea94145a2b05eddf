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

// schemaVersion is the newest migration.
const schemaVersion = 4

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
	opts = append(opts, goose.WithDisableGlobalRegistry(true), goose.WithVerbose(false))
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
