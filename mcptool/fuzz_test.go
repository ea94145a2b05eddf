package mcptool_test

import (
	"encoding/json"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/mcptool"
)

// What a caller sends is answered as declared, or refused as invalid in two lines: never
// a fault, and never more than was asked for.
func FuzzArguments(f *testing.F) {
	for _, s := range []string{``, `null`, `{}`, `{"person_id":1}`, `{"person_id":"1","limit":"500"}`, `{"from":"this-week","to":"next-month","time_zone":"Asia/Tokyo"}`,
		`{"email":"ada1@demo.example"}`, `{"cursor":"AAAA"}`, `{"person_id":1,"Person_id":2}`, `{"limit":1e3}`, `{"updated_from":"2026-11-25T08:00:00Z"}`, `{"include_names":"true"}`,
		`{"person_id":1,"absence_type_id":"x","first_day":"today","last_day":"tomorrow","skip_approval":false}`, `{"from":"\u202e"}`, `[1]`, `{"a":{"b":[`, `{"person_id":9223372036854775808}`} {
		for i := range mcptool.All() {
			f.Add(i, s)
		}
	}
	tools := toolsOver(newLedger(), nil)
	all := mcptool.All()
	f.Fuzz(func(t *testing.T, n int, raw string) {
		tool := all[uint(n)%uint(len(all))]
		a, err := tools.Call(t.Context(), clerk(), tool.Name, json.RawMessage(raw))
		if err == nil {
			valid(t, a)
			_ = a.Text()
			a.Table()
			return
		}
		switch e := postern.AsError(err); e.Code {
		case postern.Invalid, postern.NotFound, postern.Conflict:
			if e.Hint == "" || hasControl(e.Msg+e.Hint) {
				t.Errorf("%s %q: said %q, hint %q", tool.Name, raw, e.Msg, e.Hint)
			}
		default:
			t.Errorf("%s %q: got %v", tool.Name, raw, err)
		}
	})
}

func hasControl(s string) bool {
	for _, r := range s {
		if r < ' ' || r == 0x7f || r >= 0x202a && r <= 0x202e {
			return true
		}
	}
	return false
}

// Nobody but us makes a cursor.
func FuzzCursors(f *testing.F) {
	tools := toolsOver(newLedger(), nil)
	answer, err := tools.Call(f.Context(), clerk(), "list_persons", json.RawMessage(`{"limit":2}`))
	if err != nil {
		f.Fatal(err)
	}
	ours, ok := answer.Data["next_cursor"].(string)
	if !ok {
		f.Fatal("no cursor to begin with")
	}
	for _, s := range []string{ours, ours[1:], ours + "A", "", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "e30", "\x00", "cur_abc"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		raw, err := json.Marshal(map[string]string{"cursor": s})
		if err != nil {
			t.Skip()
		}
		_, err = tools.Call(t.Context(), clerk(), "list_persons", raw)
		if s == ours && err != nil || s != ours && postern.CodeOf(err) != postern.Invalid {
			t.Errorf("%q: got %v", s, err)
		}
	})
}

// A word or a date gives a range of days that holds together, and gives itself when it
// is asked for again.
func FuzzDays(f *testing.F) {
	for _, from := range []string{"", "today", "this-week", "last-month", "next-year", "2026-02-29", "2028-02-29", "1900-01-01", "2199-12-31", "To Day"} {
		for _, now := range []string{"2026-12-31T23:30:00Z", "2026-03-29T01:00:00Z", "1970-01-01T00:00:00Z"} {
			f.Add(from, "tomorrow", "Europe/Berlin", now)
			f.Add("", from, "Pacific/Apia", now)
		}
	}
	f.Fuzz(func(t *testing.T, from, to, zone, now string) {
		if moment, err := time.Parse(time.RFC3339, now); err != nil || moment.Year() < 1950 || moment.Year() > 2150 {
			t.Skip()
		}
		a := map[string]string{"time_zone": zone}
		if from != "" {
			a["from"] = from
		}
		if to != "" {
			a["to"] = to
		}
		tools := at(now, &empty{})
		raw, _ := json.Marshal(a)
		got, err := tools.Call(t.Context(), clerk(), "list_absence_periods", raw)
		if err != nil {
			if postern.CodeOf(err) != postern.Invalid {
				t.Errorf("%s: got %v", raw, err)
			}
			return
		}
		valid(t, got)
		first, _ := got.Data["from"].(string)
		last, _ := got.Data["to"].(string)
		if first != "" && last != "" && last < first {
			t.Errorf("%s: got %s to %s", raw, first, last)
		}
		for name, v := range map[string]string{"from": first, "to": last} {
			if delete(a, name); v != "" {
				a[name] = v
			}
		}
		raw, _ = json.Marshal(a)
		again, err := tools.Call(t.Context(), clerk(), "list_absence_periods", raw)
		if err != nil || again.Data["from"] != got.Data["from"] || again.Data["to"] != got.Data["to"] {
			t.Errorf("%s: got %v, %v, and before %v", raw, again.Data, err, got.Data)
		}
	})
}
