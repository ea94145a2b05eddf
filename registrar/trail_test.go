package registrar_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
)

// files gives what the files of the database hold.
func (d *desk) files() (all []string) {
	d.t.Helper()
	names, err := filepath.Glob(filepath.Join(d.dir, "*"))
	must(d.t, err)
	for _, name := range names {
		raw, err := os.ReadFile(name)
		must(d.t, err)
		all = append(all, string(raw))
	}
	if len(all) == 0 {
		d.t.Fatal("the database has no files")
	}
	return all
}

func TestReadingATrailLeavesARecord(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	d.client("acme")
	page, err := d.owner().Events(t.Context(), postern.EventFilter{Tenant: "acme"})
	must(t, err)
	if len(page.Events) != 2 || page.Events[0].Action != postern.ActClientCreated {
		t.Errorf("got %+v", page.Events)
	}
	if ev := d.last("acme"); ev.Action != postern.ActAuditRead || ev.Detail != "from record 2 back" || ev.Actor != "operator:owner-" {
		t.Errorf("got the record %+v", ev)
	}
	seq := d.last("acme").Seq
	must(t, second(d.owner().Events(t.Context(), postern.EventFilter{Tenant: "acme"})))
	if got := d.last("acme").Seq; got != seq {
		t.Error("looking again at once left another record")
	}
	other := postern.EventFilter{Tenant: "acme", Action: postern.ActClientCreated, ClientID: "none", Since: d.now(), Until: d.now().Add(time.Hour)}
	for i, f := range []postern.EventFilter{other, {Tenant: "acme"}} {
		if i == 1 {
			d.pause(time.Minute)
		}
		must(t, second(d.owner().Events(t.Context(), f)))
		if got := d.last("acme").Seq; got != seq+int64(i)+1 {
			t.Errorf("%+v left no record", f)
		}
		if got, want := d.last("acme").Detail, "nothing found, of client.created, of client none, since 2026-11-22T09:00:00Z, until 2026-11-22T10:00:00Z"; i == 0 && got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for _, limit := range []int{-1, 1001} {
		_, err = d.owner().Events(t.Context(), postern.EventFilter{Tenant: "acme", Limit: limit})
		wantCode(t, err, postern.Invalid)
	}
	_, err = d.owner().Events(t.Context(), postern.EventFilter{Tenant: "acme", Action: "token.refusd"})
	if e := postern.AsError(err); e == nil || e.Code != postern.Invalid || e.Param != "action" || e.Hint != "did you mean token.refused?" {
		t.Errorf("an action that there is not: got %+v", e)
	}
	_, err = d.owner().Events(t.Context(), postern.EventFilter{Tenant: "red"})
	wantCode(t, err, postern.NotFound)
	_, err = d.owner().Events(t.Context(), postern.EventFilter{})
	wantCode(t, err, postern.NotFound)
}

// People paste secrets into every field, and a trail is for ever.
func TestASecretThatIsLookedForIsNotRecorded(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	secret := postern.GenerateSecret().Reveal()
	must(t, second(d.owner().Events(t.Context(), postern.EventFilter{Tenant: "acme", ClientID: secret})))
	if got, want := d.last("acme").Detail, "nothing found, of client (a secret)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFollowingAndExportingATrailIsOneReading(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	read := func(before int64) int64 {
		must(t, second(d.owner().Events(t.Context(), postern.EventFilter{Tenant: "acme", Before: before, Limit: 1})))
		return d.last("acme").Seq
	}
	begun := read(0)
	for before := int64(2); before > 0; before-- { // an export goes from page to page
		if got := read(before); got != begun {
			t.Fatalf("the page before %d left a record of its own", before)
		}
	}
	for i := range 118 { // and who follows asks twice a minute
		d.pause(30 * time.Second)
		if got := read(0); got != begun {
			t.Fatalf("following left a record after %s", time.Duration(i+1)*30*time.Second)
		}
	}
	d.pause(59 * time.Second)
	d.pause(time.Second)
	if got := read(0); got != begun+1 {
		t.Error("after an hour of following there is no new record")
	}
	must(t, second(d.reg.Office(d.actor(postern.Auditor, "")).Events(t.Context(), postern.EventFilter{Tenant: "acme"})))
	if got := d.last("acme").Seq; got != begun+2 {
		t.Error("what somebody else reads is not recorded")
	}
}

func TestTheTrailOfTheSystemIsForTheWholeInstallation(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	d.operator(postern.Admin, "")
	f := postern.EventFilter{Tenant: postern.SystemTenant}
	must(t, second(d.reg.Office(d.actor(postern.Auditor, "")).Events(t.Context(), f)))
	own := d.reg.Office(d.actor(postern.Owner, "acme"))
	_, err := own.Events(t.Context(), f)
	wantCode(t, err, postern.NotFound)
	_, err = own.VerifyChain(t.Context(), postern.SystemTenant, nil)
	wantCode(t, err, postern.NotFound)
	_, err = own.Usage(t.Context(), postern.UsageQuery{Tenant: postern.SystemTenant, Step: time.Hour})
	wantCode(t, err, postern.NotFound)
	chains, err := own.Chains(t.Context())
	must(t, err)
	if diff := cmp.Diff([]string{"acme"}, chains); diff != "" {
		t.Errorf("the chains (-want +got):\n%s", diff)
	}
	report, err := d.owner().VerifyChain(t.Context(), "acme", nil)
	must(t, err)
	if report.Count != 1 || report.Problem != "" || report.Tenant != "acme" {
		t.Errorf("got %+v", report)
	}
	_, err = d.owner().Usage(t.Context(), postern.UsageQuery{Step: time.Minute})
	wantCode(t, err, postern.Invalid)
}

func TestHealthTellsATenantNothingOfTheInstallation(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	d.tenant("other")
	for _, tenant := range []string{"acme", "other"} {
		_, _, err := d.owner().CreateClient(t.Context(), postern.Client{Tenant: tenant, Name: "ends soon"}, 24*time.Hour, postern.Edit{})
		must(t, err)
	}
	must(t, d.db.Beat(t.Context(), postern.Node{Name: "one", URL: "http://127.0.0.1:1", Version: "1", StartedAt: d.now(), SeenAt: d.now()}))
	must(t, d.db.Beat(t.Context(), postern.Node{Name: "two", URL: "http://127.0.0.1:2", Version: "2", StartedAt: d.now(), SeenAt: d.now()}))
	h, err := d.owner().Health(t.Context())
	must(t, err)
	if len(h.Nodes) != 2 || len(h.Expiring) != 2 || h.Database != "sqlite" || h.Version != "test" || len(h.Warnings) != 5 {
		t.Errorf("got %+v", h)
	}
	h, err = d.reg.Office(d.actor(postern.Owner, "acme")).Health(t.Context())
	must(t, err)
	if len(h.Nodes) != 0 || len(h.Warnings) != 0 || len(h.Expiring) != 1 || h.Expiring[0].Tenant != "acme" {
		t.Errorf("got %+v", h)
	}
}

// By the hour there would be thousands of steps of a year.
func TestUsageByTheHourGoesBackAMonth(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	month := 31 * 24 * time.Hour
	for _, tt := range []struct {
		since time.Time
		step  time.Duration
		code  postern.Code
	}{
		{time.Time{}, time.Hour, ""}, {d.now().Add(-month), time.Hour, ""}, {d.now().Add(-month - 2*time.Hour), time.Hour, postern.Invalid},
		{time.Time{}, 24 * time.Hour, ""}, {d.now().Add(-10 * month), 24 * time.Hour, ""},
	} {
		_, err := d.owner().Usage(t.Context(), postern.UsageQuery{Tenant: "acme", Since: tt.since, Step: tt.step})
		wantCode(t, err, tt.code)
		if e := postern.AsError(err); e != nil && (e.Param != "since" || e.Hint == "") {
			t.Errorf("since %s by %s: got %+v", tt.since, tt.step, e)
		}
	}
}
