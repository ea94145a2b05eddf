package mcptool_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
	"postern.dev/postern/mcptool"
	"postern.dev/postern/store"
)

// crowd are persons beside those of the firm.
func crowd(n int) (rows []store.Row) {
	for i := 1; i <= n; i++ {
		rows = append(rows, store.PersonRow{Person: postern.Person{ID: postern.PersonID(100 + i), FirstName: "Person", LastName: strconv.Itoa(i), Email: fmt.Sprintf("p%d@firm.example", i)}})
	}
	return rows
}

// everything follows next_cursor to the end.
func everything(t *testing.T, tools *mcptool.Tools, tool string, first args) (ids []any, calls int) {
	t.Helper()
	a := must(t, tools, clerk(), tool, first)
	for calls = 1; ; calls++ {
		ids = append(ids, column(t, a, "id")...)
		next, ok := a.Data["next_cursor"]
		if truncated := a.Data["truncated"]; truncated != ok {
			t.Fatalf("truncated is %v, and next_cursor is %v", truncated, next)
		}
		if !ok || calls > 100 {
			return ids, calls
		}
		a = must(t, tools, clerk(), tool, args{"cursor": next})
	}
}

func TestACursorGivesTheRestOfAListWithoutGapOrRepetition(t *testing.T) {
	t.Parallel()
	tools := toolsOver(firm(t, crowd(120)...), nil)
	whole, _ := everything(t, tools, "list_persons", args{"limit": 500})
	if len(whole) != 125 {
		t.Fatalf("got %d persons, want 125", len(whole))
	}
	for _, limit := range []int{1 + 124/2, 49, 50, 51, 100, 125} {
		got, calls := everything(t, tools, "list_persons", args{"limit": limit})
		if !cmp.Equal(got, whole) {
			t.Errorf("limit %d: got %d persons", limit, len(got))
		}
		if want := (125 + limit - 1) / limit; calls != want {
			t.Errorf("limit %d: got %d calls, want %d", limit, calls, want)
		}
	}
	got, _ := everything(t, tools, "list_absence_periods", args{"from": "this-week", "limit": 2})
	want, _ := everything(t, tools, "list_absence_periods", args{"from": "2026-11-23", "to": "2026-11-29"})
	if !cmp.Equal(got, want) || len(got) != 5 {
		t.Errorf("absences: got %v, want %v", got, want)
	}
}

// fixed is a directory whose pages have the size of the first, whatever is asked for
// after it: a next link that carries its limit.
type fixed struct {
	postern.Directory
	all  []postern.Person
	size int
}

func (f *fixed) Persons(_ context.Context, q postern.PersonQuery) (page postern.Page[postern.Person], _ error) {
	from, size := 0, min(q.Limit, f.size)
	if q.After != "" {
		if _, err := fmt.Sscanf(q.After, "%d/%d", &from, &size); err != nil {
			panic(err)
		}
	}
	to := min(len(f.all), from+size)
	if page.Items = f.all[from:to]; to < len(f.all) {
		page.Next = fmt.Sprintf("%d/%d", to, size)
	}
	return page, nil
}

func TestPagesThatAreLargerThanAskedForLoseNobody(t *testing.T) {
	t.Parallel()
	f := &fixed{size: 50}
	var want []any
	for i := 1; i <= 230; i++ {
		f.all = append(f.all, postern.Person{ID: postern.PersonID(i)})
		want = append(want, strconv.Itoa(i))
	}
	for _, limit := range []int{1, 7, 50, 60, 99, 229, 230, 500} {
		tools := toolsOver(f, nil)
		a := must(t, tools, clerk(), "list_persons", args{"limit": 60})
		if n := len(items(t, a)); n != 60 {
			t.Fatalf("limit 60: got %d", n)
		}
		if limit == 1 {
			continue // a call for each would be many
		}
		if got, _ := everything(t, tools, "list_persons", args{"limit": limit}); !cmp.Equal(got, want) {
			t.Errorf("limit %d: got %d persons", limit, len(got))
		}
	}
}

func TestACursorIsForOneCallerOneToolAndTheSameFilters(t *testing.T) {
	t.Parallel()
	dir := firm(t)
	tools := toolsOver(dir, nil)
	cursorOf := func(tool string, a args) string {
		return must(t, tools, clerk(), tool, a).Data["next_cursor"].(string)
	}
	week := cursorOf("list_absence_periods", args{"from": "this-week", "limit": 2})
	other, foreign := clerk(), clerk()
	other.ClientID, foreign.Tenant = "another", "another"
	flipped := []byte(week)
	flipped[len(flipped)/2] ^= 1
	raw, err := base64.RawURLEncoding.DecodeString(week)
	if err != nil {
		t.Fatal(err)
	}
	unsealed := base64.RawURLEncoding.EncodeToString(append(make([]byte, 16), raw[16:]...))
	for _, tt := range []struct {
		what, param string
		who         mcptool.Caller
		tool        string
		args        args
	}{
		{"nonsense", "cursor", clerk(), "list_absence_periods", args{"cursor": "nonsense"}},
		{"altered", "cursor", clerk(), "list_absence_periods", args{"cursor": string(flipped)}},
		{"without a seal", "cursor", clerk(), "list_absence_periods", args{"cursor": unsealed}},
		{"cut off", "cursor", clerk(), "list_absence_periods", args{"cursor": week[:20]}},
		{"with a bit beyond", "cursor", clerk(), "list_absence_periods", args{"cursor": week + "A"}},
		{"too long", "cursor", clerk(), "list_absence_periods", args{"cursor": strings.Repeat("A", 20_000)}},
		{"another tool's", "cursor", clerk(), "list_attendance_periods", args{"cursor": week}},
		{"another client's", "cursor", other, "list_absence_periods", args{"cursor": week}},
		{"another tenant's", "cursor", foreign, "list_absence_periods", args{"cursor": week}},
		{"with other days", "from", clerk(), "list_absence_periods", args{"cursor": week, "from": "last-week"}},
		{"with a person", "person_id", clerk(), "list_absence_periods", args{"cursor": week, "person_id": 1}},
		{"in another zone", "time_zone", clerk(), "list_absence_periods", args{"cursor": week, "time_zone": "Asia/Tokyo"}},
	} {
		_, err := try(t, tools, tt.who, tt.tool, tt.args)
		if e := postern.AsError(err); postern.CodeOf(err) != postern.Invalid || e.Param != tt.param || e.Hint == "" {
			t.Errorf("%s: got %v", tt.what, err)
		}
	}
	for _, a := range []args{{"cursor": week}, {"cursor": week, "from": "this-week"}, {"cursor": week, "limit": 1}, {"cursor": week, "include_names": false},
		{"cursor": week, "from": "2026-11-23", "to": "2026-11-29", "time_zone": "Europe/Berlin"}} {
		if got := must(t, tools, clerk(), "list_absence_periods", a).Data; got["from"] != "2026-11-23" || got["to"] != "2026-11-29" {
			t.Errorf("%v: got %v to %v", a, got["from"], got["to"])
		}
	}
	// What a call cannot do without comes from the cursor too.
	page := cursorOf("list_attendance_periods", args{"person_id": 1, "limit": 1})
	if got := column(t, must(t, tools, clerk(), "list_attendance_periods", args{"cursor": page}), "person_id"); !cmp.Equal(got, []any{"1"}) {
		t.Errorf("got the times of %v", got)
	}
}

func TestAWordMeansTheSameToTheEndOfAWalk(t *testing.T) {
	t.Parallel()
	now := firmNow
	tools := toolsOver(firm(t), func(c *mcptool.Config) { c.Now = func() time.Time { return now } })
	first := must(t, tools, clerk(), "list_absence_periods", args{"from": "this-week", "limit": 2}).Data
	now = now.AddDate(0, 0, 7)
	for _, a := range []args{{"cursor": first["next_cursor"]}, {"cursor": first["next_cursor"], "from": "this-week"}} {
		if got := must(t, tools, clerk(), "list_absence_periods", a).Data; got["from"] != "2026-11-23" || got["to"] != "2026-11-29" {
			t.Errorf("a week later: got %v to %v", got["from"], got["to"])
		}
	}
}
