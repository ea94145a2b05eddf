package main

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// behind opens the database of a story behind the program's back.
func behind(ts *testscript.TestScript) *sql.DB {
	driver, dsn := "sqlite", "file:"+ts.MkAbs("postern-data/postern.db")+"?_pragma=busy_timeout(5000)"
	if db := ts.Getenv("POSTERN_DB"); strings.HasPrefix(db, "postgres") {
		driver, dsn = "pgx", db
	}
	db, err := sql.Open(driver, dsn)
	ts.Check(err)
	return db
}

func storySQL(ts *testscript.TestScript, _ bool, args []string) {
	db := behind(ts)
	defer func() { _ = db.Close() }()
	res, err := db.Exec(strings.Join(args, " "))
	ts.Check(err)
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		ts.Fatalf("sql: %d rows changed (%v)", n, err)
	}
}

// tables are all of ours.
var tables = []string{"meta", "counters", "tenants", "clients", "users", "keys", "resources", "revocations", "live_tokens",
	"audit", "audit_tails", "changes"}

// rows is every row of the database, and the files beside it.
func rows(ts *testscript.TestScript) string {
	db := behind(ts)
	defer func() { _ = db.Close() }()
	var all []string
	for _, table := range tables {
		all = append(all, dump(ts, db, table)...)
	}
	for _, file := range []string{"postern-data/master.key", "postern-data/demo.env"} {
		b, err := os.ReadFile(ts.MkAbs(file))
		all = append(all, fmt.Sprintf("%s %x %v", file, sha256.Sum256(b), err))
	}
	return strings.Join(all, "\n") + "\n"
}

func dump(ts *testscript.TestScript, db *sql.DB, table string) (out []string) {
	statement := `SELECT * FROM ` + table
	if table == "counters" {
		statement += ` WHERE name <> 'tally'` // how often a server looked for something to count
	}
	found, err := db.Query(statement)
	ts.Check(err)
	defer func() { _ = found.Close() }()
	names, err := found.Columns()
	ts.Check(err)
	for found.Next() {
		cells, at := make([]any, len(names)), make([]any, len(names))
		for i := range cells {
			at[i] = &cells[i]
		}
		ts.Check(found.Scan(at...))
		out = append(out, fmt.Sprint(table, cells))
	}
	ts.Check(found.Err())
	slices.Sort(out)
	return out
}

func storyRemember(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".rows"), []byte(rows(ts)), 0o600))
}

func storyUnchanged(ts *testscript.TestScript, neg bool, args []string) {
	before, after := ts.ReadFile(args[0]+".rows"), rows(ts)
	if (before == after) == neg {
		ts.Fatalf("the database, changed %v, want %v.\nbefore:\n%s\nafter:\n%s", before != after, neg, before, after)
	}
}
