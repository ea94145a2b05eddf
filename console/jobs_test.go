package console_test

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"postern.dev/postern"
	"postern.dev/postern/console"
)

// follow sends a form and loads the page that it leads to.
func (b *browser) follow(at string, fields url.Values) reply {
	b.t.Helper()
	r := b.post(at, fields)
	if r.status != http.StatusSeeOther {
		b.t.Fatalf("%s: got %d %s", at, r.status, r.text)
	}
	return b.get(r.to())
}

func TestTheLifeOfACredential(t *testing.T) {
	t.Parallel()
	town := newTown(atNoon)
	b := newBrowser(t, town).as("ada@example.org")
	r := b.post("/console/clients/new?tenant=acme", url.Values{"name": {""}, "ranges": {"not a network"}, "scope": {"api:persons:read"}, "shown": {"some"}, "attribute": {"email"}})
	if r.status != http.StatusUnprocessableEntity || !strings.Contains(r.text, `href="#ranges"`) || !strings.Contains(r.text, "not a network</textarea>") ||
		!strings.Contains(r.text, `value="api:persons:read" checked`) || !strings.Contains(r.text, `value="email" checked`) {
		t.Fatalf("what was typed is lost, or nothing is wrong: %d %s", r.status, r.text)
	}
	for _, c := range complaints(t, r.text) {
		t.Error("the form with its faults:", c)
	}
	fields := url.Values{"name": {"Fresh"}, "ranges": {"192.0.2.0/24\n2001:db8::1"}, "scope": {"api:persons:read", "orders:read"}, "shown": {"some"}, "attribute": {"email"}, "own": {"dynamic_5"},
		"token_life": {"30"}, "ends": {"2027-02-20"}, "key": {"a-key-that-is-long-enough"}, "tenants": {"globex"}}
	first := b.post("/console/clients/new?tenant=acme", fields)
	again := b.post("/console/clients/new?tenant=acme", fields)
	c := town.clients[len(town.clients)-1]
	if first.status != 200 || again.status != 200 || len(town.clients) != 6 {
		t.Fatalf("got %d and %d, %d clients", first.status, again.status, len(town.clients))
	}
	if c.TokenLife != 30*time.Minute || len(c.Ranges) != 2 || c.Ranges[1].String() != "2001:db8::1/128" || !slices.Equal(c.Attributes, []string{"email", "dynamic_5"}) || !slices.Equal(c.Tenants, []string{"globex"}) {
		t.Errorf("got %+v", c)
	}
	at := "/console/clients/" + c.ID
	version := url.Values{"version": {postern.Version(c.UpdatedAt)}}
	if r := b.follow(at+"/disable", version); !strings.Contains(r.text, "is disabled") || !strings.Contains(r.text, ">Enable<") {
		t.Errorf("it is not disabled: %s", r.text)
	}
	if r := b.get(at); strings.Contains(r.text, "it gets no token, and its tokens open nothing.</p>") {
		t.Error("what was done is said twice")
	}
	if r := b.post(at+"/enable", version); r.status != http.StatusConflict || !strings.Contains(r.text, "Not as things stand") {
		t.Errorf("an old version: got %d", r.status)
	}
	if r := b.follow(at+"/revoke", nil); !strings.Contains(r.text, "Every token of Fresh is revoked") {
		t.Errorf("not revoked: %s", r.text)
	}
	if r := b.post(at+"/delete", url.Values{"typed": {"fresh"}}); r.status != http.StatusUnprocessableEntity || len(town.clients) != 6 {
		t.Errorf("deleted with another name: %d", r.status)
	}
	if r := b.follow(at+"/delete", url.Values{"typed": {"Fresh"}}); !strings.Contains(r.text, "Fresh is deleted") || len(town.clients) != 5 {
		t.Errorf("not deleted")
	}
}

func TestRotatingLetsTheOldSecretWorkOn(t *testing.T) {
	t.Parallel()
	town := newTown(atNoon)
	b := newBrowser(t, town).as("ada@example.org")
	if r := b.post("/console/clients/abclient/rotate", url.Values{"overlap": {"99999"}}); r.status != http.StatusUnprocessableEntity {
		t.Errorf("a very long overlap: %d", r.status)
	}
	r := b.post("/console/clients/abclient/rotate", url.Values{"overlap": {"168"}, "ends": {"2027-11-22"}})
	if r.status != 200 || !strings.Contains(r.text, "29 Nov 2026 12:00") || !strings.Contains(r.text, "22 Nov 2027") {
		t.Errorf("got %d %s", r.status, r.text)
	}
	if r := b.follow("/console/clients/abclient/secrets/s2/end", nil); !strings.Contains(r.text, "The secret has ended") || len(town.clients[1].Secrets) != 1 {
		t.Errorf("the old one works on: %+v", town.clients[1].Secrets)
	}
}

func TestUsersTenantsKeysAndOperatorsAreManaged(t *testing.T) {
	t.Parallel()
	town := newTown(atNoon)
	b := newBrowser(t, town).as("ada@example.org")
	if r := b.post("/console/users/acme/new", url.Values{"email": {"Fresh@Acme.example"}}); r.status != 200 || strings.Count(r.text, "made-up-password") != 1 || town.users[4].Email != "fresh@acme.example" {
		t.Errorf("user: %d %s", r.status, r.text)
	}
	if r := b.post("/console/users/acme/new", url.Values{"email": {"nobody"}}); r.status != http.StatusUnprocessableEntity || !strings.Contains(r.text, `aria-invalid="true"`) {
		t.Errorf("a wrong address: %d", r.status)
	}
	if r := b.post("/console/users/acme/u1/password", nil); r.status != 200 || !strings.Contains(r.text, "made-up-password") {
		t.Errorf("password: %d", r.status)
	}
	if r := b.follow("/console/new-tenant", url.Values{"id": {"fresh"}, "name": {"Fresh"}, "partner_id": {"77"}}); !strings.Contains(r.text, "Generate the first ones") || town.tenants[2].PartnerID != 77 {
		t.Errorf("tenant: %+v", town.tenants)
	}
	if r := b.post("/console/new-tenant", url.Values{"id": {"Not an id"}}); r.status != http.StatusUnprocessableEntity {
		t.Errorf("a wrong id: %d", r.status)
	}
	if r := b.follow("/console/tenants/acme", url.Values{"name": {"Acme"}, "zone": {"UTC"}, "refuse_query": {"yes"}, "partner_id": {"10000"}}); !strings.Contains(r.text, "acme was changed") || !town.tenants[0].RefuseQuery || town.tenants[0].PartnerID != 10000 {
		t.Errorf("tenant: %+v", town.tenants[0])
	}
	if r := b.follow("/console/keys/rotate", url.Values{"alg": {"ES256"}}); !strings.Contains(r.text, "is published") {
		t.Error("the key is not rotated")
	}
	if r := b.post("/console/keys/4f1d2c90ab/retire", url.Values{"typed": {"other"}}); r.status != http.StatusUnprocessableEntity {
		t.Errorf("a key with another name: %d", r.status)
	}
	if r := b.follow("/console/keys/4f1d2c90ab/retire", url.Values{"typed": {"4f1d2c90ab"}}); !strings.Contains(r.text, "is retired") {
		t.Error("the key is not retired")
	}
	r := b.post("/console/operators/new", url.Values{"email": {"dan@example.org"}, "name": {"Dan"}, "role": {"admin"}, "tenant": {"acme"}})
	_, rest, _ := strings.Cut(r.text, "/console/setup?code=")
	code, _, _ := strings.Cut(rest, "<")
	dan := newBrowser(t, town)
	if dan.get("/console/setup?code=" + code); !strings.Contains(dan.get("/console/setup").text, "Welcome, Dan") {
		t.Errorf("the link does not work: %q", code)
	}
	if r := b.follow("/console/operators/bob/no-factor", nil); !strings.Contains(r.text, "without a second factor") {
		t.Error("bob's factor")
	}
	if r := b.follow("/console/operators/bob/delete", url.Values{"typed": {"bob@example.org"}}); !strings.Contains(r.text, "bob@example.org is deleted") {
		t.Error("bob is not deleted")
	}
}

func TestTheAccountIsTheOperatorsOwn(t *testing.T) {
	t.Parallel()
	now := noon
	town := newTown(func() time.Time { return now })
	b := newBrowser(t, town).as("ada@example.org")
	other := newBrowser(t, town).as("ada@example.org")
	r := b.post("/console/account/factor", nil)
	if r.status != 200 || !strings.Contains(r.text, "<path d=\"M") || !strings.Contains(r.text, "JBSWY3DPEHPK3PXP") {
		t.Fatalf("no second factor is offered: %d", r.status)
	}
	uri := "otpauth://totp/Postern:ada%40example.org?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Postern"
	if r := b.post("/console/account/factor/keep", url.Values{"secret_uri": {uri}, "code": {"000000"}}); r.status != http.StatusUnprocessableEntity {
		t.Errorf("a wrong code: %d", r.status)
	}
	if r := b.post("/console/account/factor/keep", url.Values{"secret_uri": {"javascript:x"}, "code": {"000000"}}); r.status != http.StatusBadRequest && r.status != http.StatusUnprocessableEntity {
		t.Errorf("a wrong secret: %d", r.status)
	}
	if r := b.follow("/console/account/factor/keep", url.Values{"secret_uri": {uri}, "code": {goodCode}}); !strings.Contains(r.text, "The second factor is set") {
		t.Error("it is not kept")
	}
	now = now.Add(time.Hour)
	r = b.post("/console/account/password", url.Values{"password": {"another good long one"}, "again_password": {"another good long one"}})
	if r.status != 200 || !strings.Contains(r.text, "Is it you?") || strings.Contains(r.text, "another good") || !strings.Contains(r.text, "proof_code") {
		t.Fatalf("an old session may change the password, or it stands there: %d", r.status)
	}
	if r := b.follow("/console/prove", url.Values{"proof_password": {goodPassword}, "proof_code": {goodCode}, "next": {"/console/account"}}); r.status != 200 {
		t.Fatal(r.status)
	}
	if r := b.follow("/console/account/password", url.Values{"password": {"another good long one"}, "again_password": {"another good long one"}}); !strings.Contains(r.text, "The password is changed") || town.passwords["ada"] != "another good long one" {
		t.Error("the password is not changed")
	}
	id := town.sessions[other.cookies["postern-dev"]].ID
	if r := b.follow("/console/account/sessions/"+id+"/end", nil); !strings.Contains(r.text, "The session has ended") {
		t.Error("it is not said")
	}
	if r := other.get("/console/account"); r.status != http.StatusSeeOther {
		t.Errorf("the other browser is still signed in: %d", r.status)
	}
	if r := b.follow("/console/account/factor/drop", nil); !strings.Contains(r.text, "The second factor is gone") {
		t.Error("the factor is not gone")
	}
}

func TestExportsHoldEveryRecordAndNoFormula(t *testing.T) {
	t.Parallel()
	town := newTown(atNoon)
	for _, bad := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "＝1+1", "＠SUM(A1)", "plain", `with "quotes", commas`} {
		town.events = append(town.events, postern.Event{Tenant: "acme", Seq: int64(len(town.events) + 1), At: noon, Action: postern.ActClientChanged, Actor: bad, Detail: bad, Hash: "00"})
	}
	b := newBrowser(t, town).as("eve@example.org")
	r := b.get("/console/audit/export?tenant=acme&format=csv")
	if !strings.Contains(r.header.Get("Content-Disposition"), `attachment; filename="audit-acme-20261122.csv"`) || !strings.HasPrefix(r.header.Get("Content-Type"), "text/csv") {
		t.Errorf("got %v", r.header)
	}
	rows, err := csv.NewReader(strings.NewReader(r.text)).ReadAll()
	if err != nil || len(rows) != len(town.events)+1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows {
		for _, cell := range row {
			if first, _ := utf8.DecodeRuneInString(cell); strings.ContainsRune("=+-@\t\r＝＋－＠", first) && cell != "" {
				t.Errorf("a spreadsheet would run %q", cell)
			}
		}
	}
	if got := console.Harmless("a=b"); got != "a=b" {
		t.Errorf("a harmless cell became %q", got)
	}
	lines := strings.Split(strings.TrimSpace(b.get("/console/audit/export?tenant=acme&format=jsonl&action=client.changed").text), "\n")
	if len(lines) != 10 {
		t.Fatalf("got %d lines", len(lines))
	}
	for _, line := range lines {
		var v struct {
			Seq    int64
			Action string
			Detail string
		}
		if err := json.Unmarshal([]byte(line), &v); err != nil || v.Seq == 0 || v.Action != "client.changed" || v.Detail == "" {
			t.Errorf("%s: %v", line, err)
		}
	}
	if r := b.get("/console/audit/export?tenant=acme&format=exe"); r.status != http.StatusBadRequest {
		t.Errorf("another format: %d", r.status)
	}
}

func TestTheAuditTrailIsFilteredFollowedAndVerified(t *testing.T) {
	t.Parallel()
	town := newTown(atNoon)
	b := newBrowser(t, town).as("ada@example.org")
	r := b.get("/console/audit?tenant=acme&action=token.refused&client=aaclient&since=2026-11-22&until=2026-11-22")
	if r.status != 200 || strings.Contains(r.text, `<span class="tag">token.issued`) || !strings.Contains(r.text, "wrong secret") {
		t.Errorf("the filter does not hold: %d", r.status)
	}
	if r := b.get("/console/audit?tenant=acme&since=yesterday"); r.status != http.StatusBadRequest {
		t.Errorf("a day that is none: %d", r.status)
	}
	town.events = append(town.events, postern.Event{Tenant: "acme", Seq: 41, At: noon, Action: postern.ActAuditRead, Actor: "operator:ada"},
		postern.Event{Tenant: "acme", Seq: 42, At: noon, Action: postern.ActKeyCreated, Actor: "system"})
	r = b.get("/console/audit?tenant=acme&live=1&seen=40")
	if strings.Count(r.text, `class="fresh"`) != 1 || strings.Contains(r.text, `<span class="tag">audit.read`) || !strings.Contains(r.text, "seen=42") || !strings.Contains(r.text, `http-equiv="refresh"`) {
		t.Errorf("following: %d fresh ones", strings.Count(r.text, `class="fresh"`))
	}
	r = b.post("/console/audit/verify?tenant=acme", nil)
	if r.status != 200 || !strings.Contains(r.text, "12 records are right so far") || !strings.Contains(r.text, "All 42 records") || !strings.Contains(r.text, strings.Repeat("ab", 32)) {
		t.Errorf("verify: %d %s", r.status, r.text)
	}
	for _, c := range complaints(t, r.text) {
		t.Error("the page that grew:", c)
	}
}

func TestAMonthShowsWhoIsAway(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, newTown(atNoon)).as("eve@example.org")
	r := b.get("/console/sandbox?tenant=acme&month=2026-11")
	rows := map[string]int{}
	for part := range strings.SplitSeq(r.text, `<tr><th scope="row">`) {
		name, rest, _ := strings.Cut(part, "</th>")
		rows[name] = strings.Count(rest, `class="away a`)
	}
	// Dagny's last day is half of one; Goran's was rejected; Freya's has no end.
	for name, want := range map[string]int{"Ada Lovell": 6, "Bruno Kest": 3, "Chioma Ade": 0, "Dagny Holt": 12, "Freya Lund": 12, "Goran Petrov": 0, "Hana Sato": 1} {
		if rows[name] != want {
			t.Errorf("%s is away on %d days, want %d", name, rows[name], want)
		}
	}
	for _, want := range []string{"not approved yet", "until noon", "from noon on", "month=2026-10", "month=2026-12", "Parental leave"} {
		if !strings.Contains(r.text, want) {
			t.Errorf("there is no %q", want)
		}
	}
}

func TestTheSandboxIsSwitched(t *testing.T) {
	t.Parallel()
	town := newTown(atNoon)
	b := newBrowser(t, town).as("ada@example.org")
	b.follow("/console/sandbox/switches?tenant=acme", url.Values{"switch-rate-limit": {"off"}, "switch-single-get": {"bare"}, "switch-made-up": {"x"}})
	if s := town.sandboxes["acme"]; len(s.Switches) != 1 || s.Switches["rate-limit"] != "off" || s.Log || len(s.Faults) != 2 {
		t.Errorf("got %+v", s)
	}
	if r := b.post("/console/sandbox/faults?tenant=acme", url.Values{"kind": {"500"}, "rate": {"0"}}); r.status != http.StatusUnprocessableEntity || !strings.Contains(r.text, `href="#rate"`) {
		t.Errorf("a rate of nothing: %d", r.status)
	}
	b.follow("/console/sandbox/faults?tenant=acme", url.Values{"kind": {"500"}, "rate": {"50"}, "path": {"/v2"}})
	if s := town.sandboxes["acme"]; len(s.Faults) != 3 || s.Faults[2].Rate != .5 {
		t.Errorf("got %+v", s.Faults)
	}
	if r := b.post("/console/sandbox/faults/drop?tenant=acme", url.Values{"index": {"0"}, "fault": {"something else"}}); r.status != http.StatusConflict {
		t.Errorf("a fault that is another by now: %d", r.status)
	}
	b.follow("/console/sandbox/faults/drop?tenant=acme", url.Values{"index": {"0"}, "fault": {"429 /v2/persons 0.2"}})
	if s := town.sandboxes["acme"]; len(s.Faults) != 2 {
		t.Errorf("got %+v", s.Faults)
	}
	if r := b.follow("/console/sandbox/reset?tenant=acme", url.Values{"typed": {"acme"}}); !strings.Contains(r.text, "42 persons") {
		t.Error("it is not reset")
	}
}
