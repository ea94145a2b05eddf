package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"postern.dev/postern"
)

// What cannot be done leads back to where it was asked for, and says what to do next.
func TestAProblemLeadsBackToItsPage(t *testing.T) {
	t.Parallel()
	town := newTown(atNoon)
	b := newBrowser(t, town).as("ada@example.org")
	town.refuse = postern.Errorf(postern.Conflict, "it was changed meanwhile")
	for at, back := range map[string]string{
		"/console/clients/aaclient/disable":                            "/console/clients/aaclient",
		"/console/clients/aaclient/secrets/s1/end":                     "/console/clients/aaclient/secrets/s1/end",
		"/console/clients/aaclient/revoke":                             "/console/clients/aaclient/revoke",
		"/console/users/acme/u1/disable":                               "/console/users/acme/u1",
		"/console/keys/rotate":                                         "/console/keys",
		"/console/sandbox/switches?tenant=acme":                        "/console/sandbox?tenant=acme",
		"/console/tenants/acme/disable":                                "/console/tenants/acme",
		"/console/tenants/acme/resources/drop?url=https://a.example/x": "/console/tenants/acme/resources/drop?url=https://a.example/x",
	} {
		r := b.post(at, url.Values{"alg": {"ES256"}})
		if r.status != http.StatusConflict || !strings.Contains(r.text, `href="`+back+`">Go back</a>`) || strings.Contains(r.text, "faster") ||
			!strings.Contains(r.text, "Look at how it is now") {
			t.Errorf("%s: got %d, want a way back to %s: %s", at, r.status, back, r.text[strings.Index(r.text, "<main"):])
		}
	}
	for _, at := range []string{"/console/clients/gone", "/console/clients/aaclient/secrets/gone/end", "/console/tenants/acme/resources/drop?url=https://gone.example/"} {
		r := b.get(at)
		if r.status != http.StatusNotFound || !strings.Contains(r.text, `href="/console/">To the overview</a>`) || !strings.Contains(r.text, "may have been deleted") {
			t.Errorf("%s: got %d %s", at, r.status, r.text[strings.Index(r.text, "<main"):])
		}
	}
	if r := b.get("/console/clients/acclient/rotate"); r.status != http.StatusBadRequest || !strings.Contains(r.text, "holds no secret") {
		t.Errorf("a public client is offered a new secret: %d", r.status)
	}
}

// What proves the client is not shown again, however a dialect writes it, and nothing
// else is taken for it.
func TestTryingShowsNoProof(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, newTown(atNoon)).as("ada@example.org")
	for _, secret := range []string{`top"\ & secret`, "e", "•", "second"} {
		for _, dialect := range []string{"first", "second", "oauth2"} {
			r := b.post("/console/try", url.Values{"dialect": {dialect}, "client_id": {"someone"}, "client_secret": {secret}})
			_, asked, _ := strings.Cut(r.text, `aria-labelledby="asked">`)
			_, asked, _ = strings.Cut(asked, `<pre`)
			asked, _, _ = strings.Cut(asked, `</pre>`)
			if r.status != http.StatusOK || strings.Contains(asked, "secret\"") || strings.Contains(asked, "+secret") || strings.Contains(asked, `\&#34;`) || !strings.Contains(asked, "•••") {
				t.Errorf("%s with %s: %d %s", dialect, secret, r.status, asked)
			}
			if dialect != "oauth2" && (!strings.Contains(asked, "client_secret") || !strings.Contains(asked, "someone")) {
				t.Errorf("%s with %s: more than the secret is gone: %s", dialect, secret, asked)
			}
		}
	}
}
