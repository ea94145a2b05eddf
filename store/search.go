package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"postern.dev/postern"
)

// has is true of a text that holds another. Both engines compare it byte by byte, which
// LIKE, INSTR and POSITION do not on both.
func has(column, text string) string { return "REPLACE(" + column + ", " + text + ", '') <> " + column }

// SearchClients gives a page of a tenant's clients in order of their id: all, or those
// that have a text in their name or id, whatever its case and its Unicode form. It fails
// with Invalid for a limit or a position that cannot be. Offset and Count mean nothing.
func (db *DB) SearchClients(ctx context.Context, q postern.ClientQuery) (postern.Page[postern.Client], error) {
	return searchPage(ctx, db, q.Paging, scanClient, func(c *postern.Client) string { return c.ID },
		`SELECT `+clientColumns+` FROM clients WHERE tenant = $1 AND id > $2`,
		// The ids are found in an index that has all that is looked at.
		` AND id IN (SELECT c.id FROM clients c WHERE c.tenant = $1 AND c.id > $2 AND `+has("c.search", "$3")+` ORDER BY c.id`,
		q.Tenant, strings.ReplaceAll(foldText(strings.TrimSpace(q.Text)), "\n", " "))
}

// SearchUsers gives a page of a tenant's users in order of their id: all, or those that
// have a text in their address, whatever its case and its Unicode form. It fails as
// SearchClients does.
func (db *DB) SearchUsers(ctx context.Context, q postern.UserQuery) (postern.Page[postern.User], error) {
	return searchPage(ctx, db, q.Paging, scanUser, func(u *postern.User) string { return u.ID },
		`SELECT `+userColumns+` FROM users WHERE tenant = $1 AND id > $2`,
		` AND id IN (SELECT u.id FROM users u WHERE u.tenant = $1 AND u.id > $2 AND `+has("u.email", "$3")+` ORDER BY u.id`,
		q.Tenant, postern.CanonicalEmail(q.Text))
}

// searchPage reads a page; among narrows it to what has a text, and is left open for a
// limit.
func searchPage[T any](ctx context.Context, db *DB, p postern.Paging, scan func(scanner) (T, error), id func(*T) string,
	all, among, tenant, text string) (out postern.Page[T], err error) {
	if p.Limit < 1 || p.Limit > postern.MaxPage {
		return out, wrong("limit", "a page has 1 to %d items", postern.MaxPage)
	}
	args := []any{tenant, p.After}
	f := filter{args: args}
	f.text.WriteString(all)
	if text != "" {
		f.args = append(f.args, text)
		f.text.WriteString(among)
		f.limit(p.Limit+1, 0)
		f.text.WriteString(")")
	}
	f.text.WriteString(" ORDER BY id")
	f.limit(p.Limit+1, 0)
	out.Items, err = many(ctx, db.read, scan, f.text.String(), f.args...)
	if len(out.Items) > p.Limit {
		out.Items = out.Items[:p.Limit]
		out.Next = id(&out.Items[p.Limit-1])
	}
	return out, db.fail(err, "page", "")
}

// ExpiringSecrets gives the last secrets of clients that end after from and at or before
// until, the next to end first: one that another outlives, or of a client that is
// disabled, is no matter. A tenant of "" is all of them.
func (db *DB) ExpiringSecrets(ctx context.Context, tenant string, from, until time.Time, limit int) ([]postern.ExpiringSecret, error) {
	text := `SELECT tenant, id, name, secrets_end FROM clients
		WHERE secrets_end <> 0 AND secrets_end > $1 AND secrets_end <= $2 AND disabled = $3`
	args := []any{millis(from), millis(until), false}
	if tenant != "" {
		text, args = text+` AND tenant = $4`, append(args, tenant)
	}
	f := filter{args: args}
	f.text.WriteString(text + ` ORDER BY secrets_end, id`)
	f.limit(limit, 0)
	all, err := many(ctx, db.read, scanExpiring, f.text.String(), f.args...)
	return slices.Clip(all[:min(len(all), limit)]), db.fail(err, "secret", "")
}

func scanExpiring(r scanner) (e postern.ExpiringSecret, err error) {
	var end int64
	err = r.Scan(&e.Tenant, &e.ClientID, &e.Name, &end)
	e.ExpiresAt = fromMillis(end)
	return e, err
}
