package test

import (
	"slices"
	"strconv"
	"testing"
)

// event is one record of the audit trail, as `postern audit list --json` prints it.
type event struct {
	Seq      int64
	Tenant   string
	Action   string
	Actor    string
	ClientID string `json:"client_id"`
	UserID   string `json:"user_id"`
	TokenID  string `json:"token_id"`
	Dialect  string
	Code     string
	Cause    string
	Detail   string
}

// nowhere is the chain of what belongs to no tenant.
const nowhere = "-"

// trail reads a tenant's whole chain, oldest first.
func (p place) trail(t testing.TB, tenant string) []event {
	t.Helper()
	var all []event
	for before := int64(0); ; before = all[len(all)-1].Seq {
		page := ask[[]event](t, p, "audit", "list", "--tenant", tenant, "--limit", "1000", "--before", strconv.FormatInt(before, 10))
		if all = append(all, page...); len(page) < 1000 {
			slices.Reverse(all)
			return all
		}
	}
}

// mustHold wants that the trail of a tenant holds the issue of every one of the tokens,
// and that every chain is whole. It gives how many the trail holds.
func (p place) mustHold(t testing.TB, tenant string, tokens []string) int {
	t.Helper()
	issued := map[string]bool{}
	for _, e := range p.trail(t, tenant) {
		if e.Action == "token.issued" {
			issued[e.TokenID] = true
		}
	}
	for _, id := range tokens {
		if !issued[id] {
			t.Errorf("the token %s was given and is not among the %d in the trail", id, len(issued))
		}
	}
	p.mustVerify(t)
	return len(issued)
}

// mustVerify wants that every chain is whole.
func (p place) mustVerify(t testing.TB) {
	t.Helper()
	if status, out, errs := p.try(t, "", "audit", "verify"); status != 0 {
		t.Errorf("audit verify: got %d\n%s%s, want 0", status, out, errs)
	}
}
