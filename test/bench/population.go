package main

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/issuer"
)

// population is who is registered. Everything about its members follows from their
// numbers, so that a database of a million need not be read to know their secrets.
type population struct {
	size    int
	tenants int
	alg     postern.Alg
	public  bool // clients of people instead of machines
}

// bulk is the size from which a population is prepared once and copied.
const bulk = 100_000

func machines(size int, alg postern.Alg) population {
	return population{size: size, tenants: 1, alg: alg}
}

// agents is one public client and the person who uses it.
func agents() population { return population{size: 1, tenants: 1, public: true} }

func (p population) over(tenants int) population {
	p.tenants = tenants
	return p
}

// The person.
const (
	agentEmail    = "agent%40bench.test"
	agentPassword = "quiet-harbour-lantern-42"
	agentPartner  = 10000
)

func (p population) tenant(i int) string { return "bench-" + strconv.Itoa(i%p.tenants) }

// digest is the random-looking source of all that a client is made of.
func digest(what string, i int) []byte {
	sum := sha256.Sum256([]byte("postern bench " + what + strconv.Itoa(i)))
	return sum[:]
}

// credential is what a client proves itself with, and a token of its own where a row
// needs one.
type credential struct{ id, secret, token string }

// credential gives those of the i-th client. Id and secret have the form and the
// length of those that Postern makes; the ids are in no order.
func (p population) credential(i int) credential {
	id := strings.ToLower(base32.StdEncoding.EncodeToString(digest("id", i)[:15]))
	if p.public {
		return credential{id: id}
	}
	return credential{id: id, secret: postern.SecretPrefix + hex.EncodeToString(digest("secret", i))[:49]}
}

// form appends the credential as form fields; nothing in it needs escaping.
func (c *credential) form(b []byte) []byte {
	b = append(append(b, "client_id="...), c.id...)
	return append(append(b, "&client_secret="...), c.secret...)
}

// basic appends the credential as the Basic scheme has it (RFC 7617 section 2).
func (c *credential) basic(b []byte) []byte {
	return base64.StdEncoding.AppendEncode(b, []byte(c.id+":"+c.secret))
}

// clients gives everyone, as registered, in the order of ids: a database of a million
// is then filled in seconds instead of minutes.
func (p population) clients(hasher *issuer.Hasher, now time.Time) iter.Seq[postern.Client] {
	type member struct {
		id     string
		number int
	}
	all := make([]member, p.size)
	for i := range all {
		all[i] = member{p.credential(i).id, i}
	}
	slices.SortFunc(all, func(a, b member) int { return strings.Compare(a.id, b.id) })
	return func(yield func(postern.Client) bool) {
		for rank, m := range all {
			c := p.client(m.number, hasher, now)
			c.Subject = fmt.Sprintf("%024x", rank)
			if !yield(c) {
				return
			}
		}
	}
}

func (p population) client(i int, hasher *issuer.Hasher, now time.Time) postern.Client {
	who := p.credential(i)
	c := postern.Client{ID: who.id, Tenant: p.tenant(i), Name: fmt.Sprintf("bench client %d", i), Public: p.public,
		Alg: p.alg, CreatedAt: now, UpdatedAt: now}
	if p.public {
		c.Grants, c.Dialects = []string{postern.GrantPassword}, []string{"comm100"}
		return c
	}
	c.Grants = []string{postern.GrantClientCredentials}
	c.Dialects = []string{"personio-v1", "personio-v2", "personify", "oauth2"}
	c.Scopes = postern.NewScopes("personio:persons:read", "personio:absences:read", "personio:attendances:read", "idp_api")
	c.Secrets = []postern.StoredSecret{{ID: hex.EncodeToString(digest("row", i)[:8]),
		Hash: hasher.Hash(postern.NewSecret(who.secret)), CreatedAt: now}}
	return c
}

// working gives the numbers of n members, drawn evenly from all.
func (p population) working(n int) []int {
	out := make([]int, n)
	for j := range out {
		out[j] = int(int64(j) * int64(p.size) / int64(n))
	}
	return out
}
