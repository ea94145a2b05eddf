package store

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"postern.dev/postern"
)

// The columns begin with the key, so that the arguments of an insert serve an
// update as well. They end with those that are only asked about.
const (
	clientColumns = `tenant, id, subject, name, public, grants, scopes, dialects, tenants, token_life, alg, ranges,
		secrets, disabled, not_before, created_at, updated_at, attributes`
	clientWidth = 20
)

// secretRow is a postern.StoredSecret as it is stored.
type secretRow struct {
	ID        string `json:"id"`
	Hash      string `json:"hash"`
	CreatedAt int64  `json:"created_at,omitempty"`
	ExpiresAt int64  `json:"expires_at,omitempty"`
}

// clientArgs appends the columns of c to args.
func clientArgs(args []any, c *postern.Client) ([]any, error) {
	secrets := make([]secretRow, len(c.Secrets))
	for i, s := range c.Secrets {
		secrets[i] = secretRow{s.ID, s.Hash, millis(s.CreatedAt), millis(s.ExpiresAt)}
	}
	var lists [7]string
	for i, v := range []any{c.Grants, c.Scopes, c.Dialects, c.Tenants, c.Ranges, secrets, c.Attributes} {
		text, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("write a list of client %s: %w", c.ID, err)
		}
		lists[i] = string(text)
	}
	return append(args, c.Tenant, c.ID, c.Subject, c.Name, c.Public, lists[0], lists[1], lists[2], lists[3],
		c.TokenLife.Milliseconds(), string(c.Alg), lists[4], lists[5], c.Disabled,
		millis(c.NotBefore), millis(c.CreatedAt), millis(c.UpdatedAt), lists[6], searchText(c.Name, c.ID), secretsEnd(secrets)), nil
}

// maxSearch bounds what a client is found by, in bytes: an index holds it, and PostgreSQL
// has no room for more than 2,700 there.
const maxSearch = 1000

// searchText is what a search for a client looks at: name and id, folded.
func searchText(name, id string) string {
	text := foldText(name)
	if room := maxSearch - len(id) - 1; len(text) > room {
		text = strings.ToValidUTF8(text[:max(0, room)], "")
	}
	return text + "\n" + id
}

// foldText makes one of the spellings that a search shall not tell apart.
func foldText(s string) string { return strings.ToLower(norm.NFKC.String(s)) }

// secretsEnd is when the last secret of a client ends: 0 when one never does, or when
// there is none. A secret that another outlives counts for nothing, since the client has
// what it needs.
func secretsEnd(secrets []secretRow) (end int64) {
	for _, s := range secrets {
		if s.ExpiresAt == 0 {
			return 0
		}
		end = max(end, s.ExpiresAt)
	}
	return end
}

func scanClient(r scanner) (c postern.Client, err error) {
	var grants, scopes, dialects, tenants, ranges, secrets, attributes string
	var life, notBefore, created, updated int64
	if err := r.Scan(&c.Tenant, &c.ID, &c.Subject, &c.Name, &c.Public, &grants, &scopes, &dialects, &tenants, &life,
		&c.Alg, &ranges, &secrets, &c.Disabled, &notBefore, &created, &updated, &attributes); err != nil {
		return c, err
	}
	c.TokenLife = time.Duration(life) * time.Millisecond
	c.NotBefore, c.CreatedAt, c.UpdatedAt = fromMillis(notBefore), fromMillis(created), fromMillis(updated)
	if c.Grants, err = list[string](grants); err != nil {
		return c, err
	}
	if c.Scopes, err = list[string](scopes); err != nil {
		return c, err
	}
	if c.Dialects, err = list[string](dialects); err != nil {
		return c, err
	}
	if c.Tenants, err = list[string](tenants); err != nil {
		return c, err
	}
	if c.Ranges, err = list[netip.Prefix](ranges); err != nil {
		return c, err
	}
	if c.Attributes, err = list[string](attributes); err != nil {
		return c, err
	}
	rows, err := list[secretRow](secrets)
	for _, s := range rows {
		c.Secrets = append(c.Secrets, postern.StoredSecret{
			ID: s.ID, Hash: s.Hash, CreatedAt: fromMillis(s.CreatedAt), ExpiresAt: fromMillis(s.ExpiresAt)})
	}
	return c, err
}

// list reads a JSON array; an empty one becomes nil.
func list[T any](text string) ([]T, error) {
	if text == "" || text == "[]" || text == "null" {
		return nil, nil
	}
	var v []T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return nil, fmt.Errorf("read a stored list: %w", err)
	}
	return v, nil
}

func insertClients(engine string, rows int) string {
	return `INSERT INTO clients (` + clientColumns + `, search, secrets_end) VALUES ` + values(engine, rows, clientWidth)
}

// values spells the placeholders of an insert of many rows: ($1, $2), ($3, $4), or
// (?, ?), (?, ?) for SQLite. SQLite takes the first form too, but it looks every
// numbered one up by its name among all the others, which made a quarter of the
// processor time of a batch of 32 events.
func values(engine string, rows, width int) string {
	var b strings.Builder
	for i := range rows * width {
		switch {
		case i == 0:
			b.WriteString("(")
		case i%width == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		if engine == SQLite {
			b.WriteString("?")
		} else {
			fmt.Fprintf(&b, "$%d", i+1)
		}
	}
	return b.String() + ")"
}
