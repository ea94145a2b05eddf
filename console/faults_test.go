package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"postern.dev/postern"
)

// The Office names what is wrong as the operator API does. Each such name leads to the
// field of the form, and the sentence stands there too.
func TestWhatIsWrongIsSaidAtItsField(t *testing.T) {
	t.Parallel()
	town := newTown(atNoon)
	b := newBrowser(t, town).as("ada@example.org")
	client := "name scopes dialects attributes ip_ranges=ranges token_life_seconds=token_life call_into=tenants"
	version := postern.Version(town.clients[0].UpdatedAt)
	for at, params := range map[string]string{
		"/console/clients/new?tenant=acme":    client + " expires=ends",
		"/console/clients/aaclient/edit":      client,
		"/console/clients/aaclient/rotate":    "expires=ends overlap",
		"/console/new-tenant":                 "name time_zone=zone partner_id",
		"/console/tenants/acme":               "name time_zone=zone partner_id",
		"/console/tenants/acme/resources":     "url scopes",
		"/console/users/acme/new":             "email role agent_id site_id",
		"/console/users/acme/u1":              "role agent_id site_id",
		"/console/operators/new":              "email name role",
		"/console/sandbox/faults?tenant=acme": "path",
	} {
		for pair := range strings.FieldsSeq(params) {
			param, field, other := strings.Cut(pair, "=")
			if !other {
				field = param
			}
			e := postern.Errorf(postern.Invalid, "that %s is odd", param)
			e.Param = param
			town.refuse = e
			r := b.post(at, url.Values{"id": {"fresh"}, "kind": {"500"}, "rate": {"1"}, "version": {version}})
			if r.status != http.StatusUnprocessableEntity || !strings.Contains(r.text, "That "+param+" is odd.") {
				t.Errorf("%s: %s: got %d", at, param, r.status)
				continue
			}
			if has := strings.Contains(r.text, `<a href="#`+field+`">That `); has == (field == "") {
				t.Errorf("%s: %s does not lead to %q", at, param, field)
			}
			if field != "" && !strings.Contains(r.text, `id="`+field+`-fault"`) {
				t.Errorf("%s: nothing is said beside %s", at, field)
			}
			for _, c := range complaints(t, r.text) {
				t.Errorf("%s: %s: %s", at, param, c)
			}
		}
	}
}

// What the Office would refuse without naming a field is looked at here first.
func TestWhatWasTypedWrongIsNamed(t *testing.T) {
	t.Parallel()
	town := newTown(atNoon)
	b := newBrowser(t, town).as("ada@example.org")
	for _, c := range []struct {
		at, field string
		typed     url.Values
	}{
		{"/console/new-tenant", "id", url.Values{"id": {"Not An Id"}}},
		{"/console/clients/new?tenant=acme", "scopes", url.Values{"name": {"x"}, "scope": {`no"scope`}}},
		{"/console/clients/new?tenant=acme", "tenants", url.Values{"name": {"x"}, "tenants": {"globex nobody"}}},
		{"/console/clients/aaclient/edit", "tenants", url.Values{"name": {"x"}, "tenants": {"nobody"}, "version": {postern.Version(town.clients[0].UpdatedAt)}}},
		{"/console/sandbox/faults?tenant=acme", "path", url.Values{"kind": {"500"}, "rate": {"1"}, "path": {"v2"}}},
	} {
		r := b.post(c.at, c.typed)
		if r.status != http.StatusUnprocessableEntity || !strings.Contains(r.text, `<a href="#`+c.field+`">`) || !strings.Contains(r.text, `id="`+c.field+`-fault"`) {
			t.Errorf("%s %v: got %d, and nothing at %s: %.600s", c.at, c.typed, r.status, c.field, r.text[strings.Index(r.text, "<main"):])
		}
	}
}
