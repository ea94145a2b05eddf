package store

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"postern.dev/postern"
)

// jsonBody is what encoding/json makes of an event.
func jsonBody(t testing.TB, ev postern.Event) string {
	t.Helper()
	row := eventRow{
		At: millis(ev.At), Action: ev.Action, ClientID: ev.ClientID, Actor: ev.Actor, UserID: ev.UserID, Dialect: ev.Dialect,
		Grant: ev.Grant, TokenID: ev.TokenID, Scope: ev.Scope, Audience: ev.Audience, KeyID: ev.KeyID, Via: ev.Via,
		Source: ev.Source, RequestID: ev.RequestID, Code: string(ev.Code), Cause: ev.Cause, Object: ev.Object, Detail: ev.Detail}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(row); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func TestEveryFieldOfAnEventIsInItsBodyAsEncodingJSONWritesIt(t *testing.T) {
	t.Parallel()
	var full postern.Event
	v := reflect.ValueOf(&full).Elem()
	for i := range v.NumField() {
		var one postern.Event
		name := v.Type().Field(i).Name
		for _, ev := range []reflect.Value{v, reflect.ValueOf(&one).Elem()} {
			switch f := ev.Field(i); {
			case f.Kind() == reflect.String:
				f.SetString("value of " + name)
			case f.Kind() == reflect.Int64:
				f.SetInt(int64(i))
			default:
				f.Set(reflect.ValueOf(time.UnixMilli(1_700_000_000_123)))
			}
		}
		got := string(appendEvent(nil, &one))
		if want := jsonBody(t, one); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
		outside := name == "Tenant" || name == "Seq" || name == "Hash"
		if (got == "{}") != outside {
			t.Errorf("%s: body %s", name, got)
		}
	}
	if got, want := string(appendEvent(nil, &full)), jsonBody(t, full); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzTextIsWrittenAsEncodingJSONWritesIt(f *testing.F) {
	for c := range 256 {
		f.Add(string([]byte{'a', byte(c), 'b'}))
	}
	for _, s := range []string{"", "ü€𝄞", "\u2027\u2028\u2029\u202a", "\xe2\x80", "\xed\xa0\x80", "\uFFFD", "<&>", `"\/`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ev := postern.Event{Action: s, Detail: s + s}
		if got, want := string(appendEvent(nil, &ev)), jsonBody(t, ev); got != want {
			t.Errorf("%q: got %s, want %s", s, got, want)
		}
	})
}

// This hash is a promise: a chain that was written once must verify for ever.
func TestTheHashOfAnEntryStaysWhatItIs(t *testing.T) {
	t.Parallel()
	ev := postern.Event{At: time.UnixMilli(1_700_000_000_123), Action: "token.issued", ClientID: "c1"}
	buf, body, end := appendEntry([]byte("before"), "acme", 7, []byte("previous"), &ev)
	if got, want := string(buf[body:end]), `{"at":1700000000123,"action":"token.issued","client_id":"c1"}`; got != want {
		t.Errorf("body: got %s, want %s", got, want)
	}
	if got, want := string(buf[end:]), goldenHash; got != want {
		t.Errorf("hash: got %s, want %s", got, want)
	}
	again, from := appendStored(nil, "acme", 7, "previous", string(buf[body:end]))
	if got, want := string(again[from:]), goldenHash; got != want {
		t.Errorf("hash of the stored body: got %s, want %s", got, want)
	}
}

const goldenHash = "DhEqiMzDpB9FBbrhIBQ7R12RK66nLmprFRxtl6Gnn1w" // computed by another program
