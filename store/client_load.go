package store

import (
	"context"
	"errors"
	"iter"

	"postern.dev/postern"
)

// Sizes of a bulk load. SQLite takes one client to a statement, because it keeps a
// journal of every statement that inserts several; PostgreSQL takes many, because
// every statement is a journey. Ids are random, so each client touches pages all over
// the indexes: SQLite is lent a cache that holds most of them until the transaction
// writes them, once.
const (
	loadTransaction = 50_000
	loadRows        = 100     // of a statement, on PostgreSQL
	loadCache       = 256_000 // KiB
)

// LoadClients adds many clients of existing tenants fast, for an import or a
// benchmark into a database that nobody serves from yet: nothing is recorded in the
// audit trail, no cache is told, and writers wait. Every 50,000 clients are one
// transaction, and those before a failure stay.
func (db *DB) LoadClients(ctx context.Context, clients iter.Seq[postern.Client]) (err error) {
	rows := loadRows
	if e, ok := db.engine.(*sqliteEngine); ok {
		rows = 1
		if err := e.setCache(ctx, loadCache); err != nil {
			return db.fail(err, "database", "")
		}
		defer func() {
			err = errors.Join(err, db.fail(e.setCache(context.WithoutCancel(ctx), sqliteWriterCache), "database", ""))
		}()
	}
	return db.fail(db.load(ctx, clients, rows, loadTransaction), "client", "")
}

// load inserts clients, so many to a statement and to a transaction.
func (db *DB) load(ctx context.Context, clients iter.Seq[postern.Client], rows, transaction int) error {
	next, stop := iter.Pull(clients)
	defer stop()
	for more := true; more; {
		err := db.engine.write(ctx, func(txCtx context.Context, tx session) (err error) {
			for n := 0; n < transaction && more && err == nil; n += rows {
				if err = ctx.Err(); err == nil { // a long transaction: the caller may leave in the middle
					more, err = db.loadSome(txCtx, tx, rows, next)
				}
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// loadSome inserts up to the given number of clients and says whether there may be
// more.
func (db *DB) loadSome(ctx context.Context, tx session, rows int, next func() (postern.Client, bool)) (more bool, err error) {
	args, n := make([]any, 0, rows*clientWidth), 0
	for more = true; n < rows; n++ {
		var c postern.Client
		if c, more = next(); !more {
			break
		}
		if args, err = clientArgs(args, &c); err != nil {
			return false, err
		}
	}
	if n == 0 {
		return false, nil
	}
	_, err = tx.exec(ctx, insertClients(db.name, n), args...)
	return more, err
}
