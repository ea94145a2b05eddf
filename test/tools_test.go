package test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/broker"
	"postern.dev/postern/hr"
	"postern.dev/postern/mcptool"
	"postern.dev/postern/proxy"
	"postern.dev/postern/store"
)

// counted is a transport that counts the calls of an API.
type counted struct {
	next http.RoundTripper
	n    atomic.Int64
}

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n.Add(1)
	return c.next.RoundTrip(r)
}

// askedOn is the Wednesday of the week in which five hundred are away.
var askedOn = time.Date(2027, time.June, 16, 11, 0, 0, 0, time.UTC)

// fillCompany loads persons, and as many absences of the week of askedOn; one more ends
// on the day before it, and one begins on the day after.
func fillCompany(t testing.TB, p place, tenant string, people, absences int) {
	t.Helper()
	db, err := store.Open(t.Context(), p.database(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	monday := postern.DateOf(askedOn) - 2
	kind := func(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }
	err = db.Directory(tenant).Load(t.Context(), func(yield func(store.Row) bool) {
		for n := range 4 {
			if !yield(store.AbsenceTypeRow{AbsenceType: postern.AbsenceType{ID: kind(n), Number: int64(n + 1), Name: fmt.Sprintf("Reason %d", n), Unit: postern.Days}}) {
				return
			}
		}
		for n := range people {
			id := postern.PersonID(n + 1)
			if !yield(store.PersonRow{Person: postern.Person{ID: id, Email: fmt.Sprintf("p%d@big.example", id), FirstName: fmt.Sprint("First", id), LastName: "Last", Active: true}}) {
				return
			}
		}
		for n := range absences + 2 {
			first, last := monday+postern.Date(n%7), monday+postern.Date(n%7+n%3)
			switch n {
			case absences:
				first, last = monday-3, monday-1
			case absences + 1:
				first, last = monday+7, monday+7
			}
			if !yield(store.AbsenceRow{Absence: postern.Absence{Person: postern.PersonID(n*people/(absences+2) + 1), Type: kind(n % 4), Zone: "Europe/Berlin",
				Status: postern.Approved, Span: postern.DaySpan(first, last, false, false), Origin: "web", CreatedBy: "Test"}}) {
				return
			}
		}
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// One call says who is out this week and why, with every name, and costs the API few
// requests: pages of a hundred absences, the types once, and persons by fifty.
func TestWhoIsOutThisWeekTakesAtMostTwentyFiveRequests(t *testing.T) {
	t.Parallel()
	const people, away, most = 10_000, 500, 25
	p := newPlace(t, unlimited)
	p.postern(t, "tenant", "create", "big")
	id, secret := newClient(t, p, "big", "--scope", "personio:persons:read", "--scope", "personio:absences:read")
	fillCompany(t, p, "big", people, away)
	n := p.serve(t)

	b := newBroker(t, broker.Config{Fetch: &asker{hc: &http.Client{}}, Upstreams: []postern.Upstream{
		{Name: "big", Dialect: "personio-v2", BaseURL: n.url, APIURL: n.url, ClientID: id, Secret: fixed(secret)}}})
	calls := &counted{next: proxy.NewBase()}
	tr, err := proxy.New(proxy.Config{Upstream: "big", API: n.url, Tokens: b, Base: calls})
	if err != nil {
		t.Fatal(err)
	}
	dir, err := hr.Dial(n.url, &http.Client{Transport: tr})
	if err != nil {
		t.Fatal(err)
	}
	tools := mcptool.New(mcptool.Config{
		Directory: func(mcptool.Caller) (postern.Directory, error) { return dir, nil },
		Record:    func(context.Context, postern.Event) error { return nil },
		Zone:      func(context.Context, mcptool.Caller) (string, error) { return "Europe/Berlin", nil },
		Now:       func() time.Time { return askedOn },
	})
	ask := func() (requests int64) {
		before := calls.n.Load()
		answer, err := tools.Call(t.Context(), mcptool.Caller{Tenant: "big", ClientID: id, Judged: true}, "list_absence_periods", json.RawMessage(`{"from":"this-week"}`))
		if err != nil {
			t.Fatal(err)
		}
		items, _ := answer.Data["items"].([]any)
		if len(items) != away || answer.Data["truncated"] != false {
			t.Errorf("got %d absences, truncated %v, want %d and no more", len(items), answer.Data["truncated"], away)
		}
		for _, v := range items {
			item, _ := v.(map[string]any)
			if want := fmt.Sprint("First", item["person_id"], " Last"); item["person_name"] != want || item["absence_type_name"] == nil {
				t.Fatalf("got %v, want the name %q and a reason", item, want)
			}
		}
		return calls.n.Load() - before
	}
	if got := ask(); got > most || got < away/100 {
		t.Errorf("got %d requests, want %d at most", got, most)
	}
	if got, pages := ask(), int64(away/100+1); got > pages { // the names are known now
		t.Errorf("asked again: got %d requests, want %d at most", got, pages)
	}
}
