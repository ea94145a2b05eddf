package store

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"postern.dev/postern"
)

func scanResource(r scanner) (v postern.Resource, err error) {
	var scopes string
	var created int64
	if err := r.Scan(&v.Tenant, &v.URL, &scopes, &created); err != nil {
		return v, err
	}
	v.CreatedAt = fromMillis(created)
	v.Scopes, err = list[string](scopes)
	return v, err
}

func resourceChange(tenant, url string) postern.Change {
	return postern.Change{Kind: postern.ChangeResource, Tenant: tenant, ID: url}
}

// Resources gives what a tenant may name: its own resources and the system's,
// by URL.
func (db *DB) Resources(ctx context.Context, tenant string) ([]postern.Resource, error) {
	all, err := many(ctx, db.read, scanResource,
		`SELECT tenant, url, scopes, created_at FROM resources WHERE tenant = $1 OR tenant = $2`,
		tenant, postern.SystemTenant)
	// Engines order text of this kind differently; there are few.
	slices.SortFunc(all, func(a, b postern.Resource) int {
		return strings.Compare(a.URL+"\x00"+a.Tenant, b.URL+"\x00"+b.Tenant)
	})
	return all, db.fail(err, "resource", "")
}

// AddResource registers an API. A zero time becomes that of ev. It fails with
// Conflict when the tenant has it already. The checks are shown the other tenants that
// have registered it, in whatever letter case and with how many slashes at its end; an
// error of theirs is given back and nothing is changed. Of several at once each sees
// those before.
func (db *DB) AddResource(ctx context.Context, r postern.Resource, ev postern.Event, checks ...func(others []string) error) error {
	stamp(&ev, &r.CreatedAt)
	scopes, err := json.Marshal(r.Scopes)
	if err != nil {
		return db.fail(err, "resource", r.URL) // impossible: strings
	}
	err = db.change(ctx, resourceChange(r.Tenant, r.URL), ev, func(ctx context.Context, tx session) error {
		_, err := tx.exec(ctx, `INSERT INTO resources (tenant, url, scopes, created_at) VALUES ($1, $2, $3, $4)`,
			r.Tenant, r.URL, string(scopes), millis(r.CreatedAt))
		if err != nil || len(checks) == 0 {
			return err
		}
		return checkResource(ctx, tx, &r, checks)
	})
	return db.fail(err, "resource", r.URL)
}

// checkResource shows the checks who else has a resource. The feed's counter is held from
// here on, so that whoever comes after sees it.
func checkResource(ctx context.Context, tx session, r *postern.Resource, checks []func(others []string) error) error {
	if _, err := tx.exec(ctx, `UPDATE counters SET value = value WHERE name = $1`, counterChanges); err != nil {
		return err
	}
	others, err := many(ctx, tx, scanText, `SELECT DISTINCT tenant FROM resources
		WHERE LOWER(RTRIM(url, '/')) = $1 AND tenant <> $2 AND tenant <> $3`,
		strings.ToLower(strings.TrimRight(r.URL, "/")), r.Tenant, postern.SystemTenant)
	for _, check := range checks {
		if err == nil {
			err = check(others)
		}
	}
	return err
}

// DeleteResource forgets an API of a tenant. It fails with NotFound.
func (db *DB) DeleteResource(ctx context.Context, tenant, url string, ev postern.Event) error {
	err := db.change(ctx, resourceChange(tenant, url), ev, func(ctx context.Context, tx session) error {
		_, err := one(ctx, tx, scanText,
			`DELETE FROM resources WHERE tenant = $1 AND url = $2 RETURNING url`, tenant, url)
		return err
	})
	return db.fail(err, "resource", url)
}
