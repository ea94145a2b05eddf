package hr_test

import (
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
	"postern.dev/postern/hr"
	"postern.dev/postern/store"
)

// storedV1 puts the firm, and what is added to it, into a database.
func storedV1(t testing.TB, f *firm) *store.Directory {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "postern.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.CreateTenant(t.Context(), postern.Tenant{ID: "firm", Zone: "Europe/Berlin"}, postern.Event{Action: postern.ActTenantCreated}); err != nil {
		t.Fatal(err)
	}
	dir := db.Directory("firm")
	report, err := dir.Import(t.Context(), f.rows(), store.ImportOptions{Write: postern.Write{Actor: "test"}})
	if err != nil || len(report.Failed) > 0 {
		t.Fatalf("import: %v, %+v", err, report.Failed)
	}
	return dir
}

// rows gives everything in the firm.
func (f *firm) rows() iter.Seq2[int, store.Row] {
	return func(yield func(int, store.Row) bool) {
		var all []store.Row
		for _, p := range f.persons {
			for i := range p.Employments {
				if e := &p.Employments[i]; e.ID == "" {
					e.ID = fmt.Sprintf("0b000000-0000-4000-8000-%012d", p.ID)
				}
			}
			all = append(all, store.PersonRow{Person: p})
		}
		for _, v := range f.types {
			all = append(all, store.AbsenceTypeRow{AbsenceType: v})
		}
		for _, v := range f.absences {
			all = append(all, store.AbsenceRow{Absence: v})
		}
		for _, v := range f.times {
			all = append(all, store.AttendanceRow{Attendance: v})
		}
		for i, r := range all {
			if !yield(i+1, r) {
				return
			}
		}
	}
}

// volatile are the members that a database, or the day of the test, decides.
var volatile = regexp.MustCompile(`"(created_at|updated_at|approved_at)":("[^"]*"|null)|"label":"(Created at|Last modified)","value":"[^"]*"|"days_count":[0-9.]+`)

func TestTheDatabaseAnswersVersion1AsTheTranscriptsSay(t *testing.T) {
	t.Parallel()
	dir, held := storedV1(t, aFirm()), 0
	for _, x := range exchangesV1(t) {
		r := x.httpRequest(t)
		if x.want.Ends == "client" || r.Method != http.MethodGet || x.want.Fails != "" || strings.HasSuffix(x.name(), "12/absences/balance") ||
			strings.Contains(r.URL.RawQuery, "updated_") || x.name() == "balance" {
			continue
		}
		d := x.deskOf()
		d.dir = dir
		w := httptest.NewRecorder()
		d.handler(t).ServeHTTP(w, r)
		want, got := volatile.ReplaceAllString(x.response, "…"), volatile.ReplaceAllString(writtenV1(w), "…")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-transcript +database):\n%s", x.path, diff)
		}
		held++
	}
	if held < 50 {
		t.Errorf("%d transcripts were held against the database", held)
	}
}

func TestHalfADayOffIsBookedSeenAndDeleted(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d := &desk{dir: storedV1(t, aFirm())}
	r := dialV1(t, d.handler(t))
	wish := postern.Absence{Person: 12, Type: leaveV1, Span: postern.DaySpan(dayV1("2026-03-06"), dayV1("2026-03-06"), false, true), Comment: "removal"}
	write := postern.Write{Key: "once", SkipApproval: true}
	made, err := r.CreateTimeOff(ctx, wish, write)
	if err != nil || made.Status != postern.Approved || made.Span != wish.Span || made.Type != leaveV1 {
		t.Fatalf("booked %+v, %v", made, err)
	}
	if again, err := r.CreateTimeOff(ctx, wish, write); err != nil || again.ID != made.ID {
		t.Errorf("with the same key: %+v, %v, want the same absence", again, err)
	}
	write.Key = "twice"
	if _, err := r.CreateTimeOff(ctx, wish, write); postern.CodeOf(err) != postern.Conflict {
		t.Errorf("once more: %v, want a conflict", err)
	}
	day := postern.LocalRange{From: dayV1("2026-03-06").At(0), To: dayV1("2026-03-07").At(0) - 1}
	page, err := r.TimeOffs(ctx, postern.AbsenceQuery{Within: day, Contained: true})
	if err != nil || len(page.Items) != 1 || page.Items[0].ID != made.ID || page.Items[0].Comment != "removal" {
		t.Errorf("on that day: %+v, %v", page, err)
	}
	body := d.ask(t, "GET", "/v1/company/attendances?start_date=2026-03-06&end_date=2026-03-06", "").Body.String()
	if !strings.Contains(body, `"is_on_time_off":true`) || !strings.Contains(body, `"break":30`) {
		t.Errorf("work on that day: %s", body)
	}
	if err := r.DeleteTimeOff(ctx, made.Number, postern.Write{}); err != nil {
		t.Fatal(err)
	}
	if err := r.DeleteTimeOff(ctx, made.Number, postern.Write{}); postern.CodeOf(err) != postern.NotFound {
		t.Errorf("deleted twice: %v, want not found", err)
	}
}

func TestAPendingWishCountsInNoWork(t *testing.T) {
	t.Parallel()
	d := &desk{dir: storedV1(t, aFirm())}
	r := dialV1(t, d.handler(t))
	a, err := r.CreateTimeOff(t.Context(), postern.Absence{Person: 12, Type: leaveV1, Span: postern.DaySpan(dayV1("2026-03-06"), dayV1("2026-03-06"), false, false)}, postern.Write{})
	if err != nil || a.Status != postern.Pending {
		t.Fatalf("booked %+v, %v", a, err)
	}
	body := d.ask(t, "GET", "/v1/company/attendances?start_date=2026-03-06&end_date=2026-03-06", "").Body.String()
	if !strings.Contains(body, `"is_on_time_off":false`) {
		t.Errorf("work on that day: %s", body)
	}
}

// manyV1 gives a firm in which there are more than two pages of everything.
func manyV1() *firm {
	f := aFirm()
	for n := range postern.PersonID(250) {
		f.persons = append(f.persons, postern.Person{ID: 100 + n, FirstName: "Number", LastName: fmt.Sprint(n), Gender: postern.GenderUnspecified,
			Employments: []postern.Employment{{Person: 100 + n, Status: postern.EmploymentActive, Type: "INTERNAL", Start: dayV1("2020-01-01")}}})
	}
	for n := range int64(450) {
		day := dayV1("2026-05-01") + postern.Date(n%30)
		person := postern.PersonID(100 + n/30)
		id := func(kind string) string { return fmt.Sprintf("%s000000-0000-4000-8000-%012d", kind, n) }
		f.absences = append(f.absences, postern.Absence{ID: id("7e"), Number: 1000 + n, Person: person, Type: leaveV1,
			Span: postern.DaySpan(day, day, false, n%2 == 0), Zone: "Europe/Berlin", Status: postern.Approved})
		f.absences = append(f.absences, postern.Absence{ID: id("7f"), Number: 2000 + n, Person: person + 100, Type: doctorV1,
			Span: postern.Span{From: day.At(9 * 3600e9), To: day.At(10 * 3600e9)}, Zone: "Europe/Berlin", Status: postern.Approved})
		f.times = append(f.times, postern.Attendance{ID: id("c5"), Number: 1000 + n, Person: person, Type: postern.Work, Date: day,
			Span: postern.Span{From: day.At(9 * 3600e9), To: day.At(17 * 3600e9)}, Zone: "Europe/Berlin", Status: postern.Confirmed})
	}
	return f
}

// walkedV1 gives the ids on all pages.
func walkedV1[T any, ID comparable](t *testing.T, ask func(postern.Paging) (postern.Page[T], error), id func(T) ID) []ID {
	t.Helper()
	var ids []ID
	for p, pages := (postern.Paging{Limit: 90}), 0; ; pages++ {
		page, err := ask(p)
		if err != nil || pages > 20 {
			t.Fatalf("page %d: %v", pages, err)
		}
		for _, v := range page.Items {
			if slices.Contains(ids, id(v)) {
				t.Fatalf("page %d has %v again", pages, id(v))
			}
			ids = append(ids, id(v))
		}
		if p.After = page.Next; p.After == "" {
			return ids
		}
	}
}

func TestEveryListIsWalkedToItsEndByItsOwnHabit(t *testing.T) {
	t.Parallel()
	f, ctx := manyV1(), t.Context()
	d := &desk{dir: storedV1(t, f)}
	r := dialV1(t, d.handler(t))
	may := postern.LocalRange{From: dayV1("2026-05-01").At(0), To: dayV1("2026-06-01").At(0) - 1}
	absence := func(a postern.Absence) string { return a.ID }
	for _, tt := range []struct {
		what      string
		got, want int
	}{
		{"employees", len(walkedV1(t, func(p postern.Paging) (postern.Page[postern.Person], error) {
			return r.Employees(ctx, postern.PersonQuery{Paging: p})
		}, func(p postern.Person) postern.PersonID { return p.ID })), len(f.persons)},
		{"time-offs", len(walkedV1(t, func(p postern.Paging) (postern.Page[postern.Absence], error) {
			return r.TimeOffs(ctx, postern.AbsenceQuery{Within: may, Contained: true, Paging: p})
		}, absence)), 450},
		{"time-offs that overlap", len(walkedV1(t, func(p postern.Paging) (postern.Page[postern.Absence], error) {
			return r.TimeOffs(ctx, postern.AbsenceQuery{Within: postern.LocalRange{From: may.From, To: may.From}, Paging: p})
		}, absence)), 15},
		{"absence periods", len(walkedV1(t, func(p postern.Paging) (postern.Page[postern.Absence], error) {
			return r.AbsencePeriods(ctx, postern.AbsenceQuery{Within: may, Paging: p})
		}, absence)), 450},
		{"attendances", len(walkedV1(t, func(p postern.Paging) (postern.Page[postern.Attendance], error) {
			return r.Attendances(ctx, postern.AttendanceQuery{Dates: postern.DateRange{From: dayV1("2026-05-01"), To: dayV1("2026-05-31")}, Paging: p})
		}, func(a postern.Attendance) string { return a.ID })), 450},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: walked %d, want %d", tt.what, tt.got, tt.want)
		}
	}
}

func TestWorkOnAHolidaySaysSo(t *testing.T) {
	t.Parallel()
	f := aFirm()
	f.times = nil
	for i, day := range []string{"2026-03-06", "2026-03-08"} { // the second is one in Berlin
		d := dayV1(day)
		f.times = append(f.times, postern.Attendance{ID: idOfPeriod(fmt.Sprint(20 + i)), Number: int64(20 + i), Person: 12, Type: postern.Work, Date: d,
			Span: postern.Span{From: d.At(9 * 3600e9), To: d.At(10 * 3600e9)}, Zone: "Europe/Berlin", Status: postern.Confirmed})
	}
	d := &desk{dir: storedV1(t, f)}
	for i, want := range []string{`"is_holiday":false`, `"is_holiday":true`} {
		day := f.times[i].Date.String()
		if w := d.ask(t, "GET", "/v1/company/attendances?start_date="+day+"&end_date="+day, ""); !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %s, want %s", day, w.Body, want)
		}
	}
}

func TestBalancesAreThoseOfTheDirectory(t *testing.T) {
	t.Parallel()
	dir := storedV1(t, aFirm())
	want, err := dir.Balances(t.Context(), 12)
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{dir: dir}
	got, err := dialV1(t, d.handler(t)).Balances(t.Context(), 12)
	if err != nil || len(got) != len(want) || len(got) == 0 {
		t.Fatalf("got %v, %v, want %v", got, err, want)
	}
	for i := range got {
		if got[i].Balance != want[i].Balance || got[i].Available != want[i].Available || got[i].Type.Number != want[i].Type.Number {
			t.Errorf("got %+v, want %+v", got[i], want[i])
		}
	}
}

func TestAWindowFindsWhatItsRuleSays(t *testing.T) {
	t.Parallel()
	dir := storedV1(t, aFirm()) // 71 from 2 to 4 March, 72 the afternoon of the 10th, 73 from the 30th without an end
	for _, tt := range []struct {
		rule, from, to string
		want           string
	}{
		{"contained", "2026-03-02", "2026-03-04", "[71]"},
		{"contained", "2026-03-03", "2026-03-10", "[72]"},
		{"contained", "2026-03-02", "2026-03-03", "[]"},
		{"contained", "2026-03-10", "2026-03-10", "[72]"},
		{"contained", "2026-03-01", "2027-03-01", "[71 72]"},
		{"contained", "2026-03-01", "", "[71 72 73]"},
		{"overlap", "2026-03-04", "2026-03-04", "[71]"},
		{"overlap", "2026-03-05", "2026-03-09", "[]"},
		{"overlap", "2026-03-01", "2026-03-01", "[]"},
		{"overlap", "2026-03-10", "2026-03-30", "[72 73]"},
		{"overlap", "2030-01-01", "2030-01-02", "[73]"},
	} {
		d := &desk{dir: dir, switches: map[string]string{"time-off-window": tt.rule}}
		target := "/v1/company/time-offs?start_date=" + tt.from + "&end_date=" + tt.to
		var got []string
		for _, m := range regexp.MustCompile(`"TimeOffPeriod","attributes":\{"id":(\d+)`).FindAllStringSubmatch(d.ask(t, "GET", target, "").Body.String(), -1) {
			got = append(got, m[1])
		}
		if fmt.Sprint(got) != tt.want {
			t.Errorf("%s, %s to %s: found %v, want %s", tt.rule, tt.from, tt.to, got, tt.want)
		}
	}
}

func TestARemoteFindsTimeOffsThatOverlap(t *testing.T) {
	t.Parallel()
	d := &desk{dir: storedV1(t, aFirm())}
	r := dialV1(t, d.handler(t))
	for _, tt := range []struct{ from, to, want string }{
		{"2026-03-04", "2026-03-04", "[71]"}, {"2026-03-05", "2026-03-09", "[]"}, {"2026-03-03", "2026-03-10", "[71 72]"},
	} {
		q := postern.AbsenceQuery{Within: postern.LocalRange{From: dayV1(tt.from).At(0), To: dayV1(tt.to).At(24*3600e9) - 1}}
		page, err := r.TimeOffs(t.Context(), q)
		var got []int64
		for _, a := range page.Items {
			got = append(got, a.Number)
		}
		if err != nil || fmt.Sprint(got) != tt.want {
			t.Errorf("%s to %s: found %v, %v, want %s", tt.from, tt.to, got, err, tt.want)
		}
	}
}

func TestARemoteNeedsAnAddress(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "api.example.com", "ftp://a.test", "https://", "https://u:p@a.test", "https://a.test?x=1"} {
		if _, err := hr.DialV1(base, nil); postern.CodeOf(err) != postern.Invalid {
			t.Errorf("%q: %v, want invalid", base, err)
		}
	}
	for _, base := range []string{publicV1, publicV1 + "/", publicV1 + "/v1/"} {
		m, err := hr.DialV1(base, &http.Client{Transport: wireV1{(&desk{dir: aFirm()}).handler(t)}})
		if err != nil {
			t.Fatal(err)
		}
		if types, err := m.TimeOffTypes(t.Context()); err != nil || len(types) != 3 {
			t.Errorf("%s: %v, %v", base, types, err)
		}
	}
}
