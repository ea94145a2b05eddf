package hr_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
	"postern.dev/postern/hr"
)

// A directory beside its database and one behind the wire are the same: what is done by
// one is seen by the other.
func bothEnds(t *testing.T, story func(t *testing.T, h *real, do, see postern.Directory)) {
	t.Helper()
	for name, swapped := range map[string]bool{"by the remote": false, "by the store": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newReal(t)
			var do, see postern.Directory = h.remote(h.token(testTenant, "personio-v2", hr.Scopes())), h.db.Directory(testTenant)
			if swapped {
				do, see = see, do
			}
			story(t, h, do, see)
		})
	}
}

func refusedWith(t testing.TB, what string, err error, code postern.Code) {
	t.Helper()
	if postern.CodeOf(err) != code {
		t.Errorf("%s: got %v, want %s", what, err, code)
	}
}

func TestAHalfDayIsBookedSeenAndDeleted(t *testing.T) {
	t.Parallel()
	bothEnds(t, func(t *testing.T, h *real, do, see postern.Directory) {
		ctx, w := t.Context(), postern.Write{Actor: "test", SkipApproval: true}
		friday := postern.NewDate(2026, 11, 27)
		book := func(key string, span postern.Span) (postern.Absence, error) {
			w := w
			w.Key = key
			return do.CreateAbsence(ctx, postern.Absence{Person: h.acme.person, Type: h.acme.kind, Span: span}, w)
		}
		made, err := book("k-1", postern.DaySpan(friday, friday, true, false))
		if err != nil {
			t.Fatal(err)
		}
		seen, err := see.Absence(ctx, made.ID)
		if err != nil || seen.Span != postern.DaySpan(friday, friday, true, false) || seen.Status != postern.Approved || seen.Zone != "Europe/Berlin" {
			t.Errorf("got %+v, %v", seen, err)
		}
		if again, err := book("k-1", postern.DaySpan(friday, friday, true, false)); err != nil || again.ID != made.ID {
			t.Errorf("the same key: got %s, %v, want %s", again.ID, err, made.ID)
		}
		_, err = book("k-1", postern.DaySpan(friday+3, friday+3, false, false))
		refusedWith(t, "the key for something else", err, postern.Conflict)
		_, err = book("", postern.DaySpan(friday-2, friday, false, false))
		refusedWith(t, "days that overlap", err, postern.Conflict)
		if morning, err := book("", postern.DaySpan(friday, friday, false, true)); err != nil {
			t.Errorf("the other half: %v", err)
		} else if err := do.DeleteAbsence(ctx, morning.ID, w); err != nil {
			t.Error(err)
		}
		next, err := book("", postern.DaySpan(friday+1, friday+4, false, false))
		if err != nil {
			t.Fatalf("the days after: %v", err)
		}
		days, err := see.Breakdown(ctx, next.ID)
		want := []postern.AbsenceDay{{Date: friday + 1, Unit: postern.Days}, {Date: friday + 2, Unit: postern.Days}, {Date: friday + 3, Unit: postern.Days, Amount: 1}, {Date: friday + 4, Unit: postern.Days, Amount: 1}}
		if diff := cmp.Diff(want, days); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		found := func(first, last postern.Date) (ids []string) {
			page, err := see.Absences(ctx, postern.AbsenceQuery{Within: postern.LocalRange{From: first.At(0), To: last.At(24*time.Hour) - 1}, Paging: postern.Paging{Limit: 100}})
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range page.Items {
				ids = append(ids, a.ID)
			}
			return ids
		}
		for _, tt := range []struct {
			first, last postern.Date
			want        []string
		}{
			{friday, friday, []string{made.ID}}, {friday, friday + 1, []string{made.ID, next.ID}}, {friday + 1, friday + 30, []string{next.ID}},
			{friday + 5, friday + 30, nil}, {friday - 30, friday - 1, nil},
		} {
			if got := found(tt.first, tt.last); !cmp.Equal(got, tt.want) {
				t.Errorf("from %s to %s: got %v, want %v", tt.first, tt.last, got, tt.want)
			}
		}
		if err := do.DeleteAbsence(ctx, made.ID, w); err != nil {
			t.Error(err)
		}
		_, err = see.Absence(ctx, made.ID)
		refusedWith(t, "deleted", err, postern.NotFound)
		refusedWith(t, "deleted again", do.DeleteAbsence(ctx, made.ID, w), postern.NotFound)
	})
}

func TestAnAbsenceIsChangedByEitherEnd(t *testing.T) {
	t.Parallel()
	bothEnds(t, func(t *testing.T, h *real, do, see postern.Directory) {
		ctx, w := t.Context(), postern.Write{Actor: "test"}
		a := h.acme.absence
		first := a.From.Date()
		for _, tt := range []struct {
			name   string
			change postern.AbsenceChange
			want   postern.Span
		}{
			{"a later start", postern.AbsenceChange{From: new((first + 1).At(12 * time.Hour))}, postern.DaySpan(first+1, first+2, true, false)},
			{"half a last day", postern.AbsenceChange{To: new((first + 4).At(12 * time.Hour))}, postern.DaySpan(first+1, first+4, true, true)},
			{"no end", postern.AbsenceChange{To: new(postern.LocalTime(0))}, postern.DaySpan(first+1, 0, true, false)},
			{"as it was", postern.AbsenceChange{From: new(a.From), To: new(a.To)}, a.Span},
			{"a comment", postern.AbsenceChange{Comment: new("at sea")}, a.Span},
		} {
			if err := do.ChangeAbsence(ctx, a.ID, tt.change, w); err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			if got, err := see.Absence(ctx, a.ID); err != nil || got.Span != tt.want {
				t.Errorf("%s: got %v, %v, want %v", tt.name, got.Span, err, tt.want)
			}
		}
		if got, err := see.Absence(ctx, a.ID); err != nil || got.Comment != "at sea" {
			t.Errorf("got %q, %v", got.Comment, err)
		}
		refusedWith(t, "an end before the start", do.ChangeAbsence(ctx, a.ID, postern.AbsenceChange{To: new((first - 3).At(0))}, w), postern.Invalid)
		refusedWith(t, "an hour of a day", do.ChangeAbsence(ctx, a.ID, postern.AbsenceChange{From: new(first.At(9 * time.Hour))}, w), postern.Invalid)
		refusedWith(t, "until an hour of a day", do.ChangeAbsence(ctx, a.ID, postern.AbsenceChange{To: new((first + 2).At(17 * time.Hour))}, w), postern.Invalid)
		refusedWith(t, "another tenant's", do.ChangeAbsence(ctx, h.globex.absence.ID, postern.AbsenceChange{}, w), postern.NotFound)
	})
}

func TestWorkAndTheBreaksInItAreRecordedByEitherEnd(t *testing.T) {
	t.Parallel()
	bothEnds(t, func(t *testing.T, h *real, do, see postern.Directory) {
		ctx, w := t.Context(), postern.Write{Actor: "test", SkipApproval: true}
		day := postern.NewDate(2026, 11, 23)
		record := func(kind postern.AttendanceType, from, to time.Duration) (postern.Attendance, error) {
			a := postern.Attendance{Person: h.acme.person, Type: kind, Span: postern.Span{From: day.At(from)}}
			if to != 0 {
				a.To = day.At(to)
			}
			return do.CreateAttendance(ctx, a, w)
		}
		_, err := record(postern.Break, 12*time.Hour, 13*time.Hour)
		refusedWith(t, "a break without work", err, postern.Invalid)
		work, err := record(postern.Work, 22*time.Hour, 30*time.Hour) // across midnight
		if err != nil || work.Status != postern.Confirmed || work.Date != day {
			t.Fatalf("got %+v, %v", work, err)
		}
		pause, err := record(postern.Break, 24*time.Hour, 24*time.Hour+30*time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		_, err = record(postern.Work, 29*time.Hour, 31*time.Hour)
		refusedWith(t, "work over work", err, postern.Invalid)
		running, err := record(postern.Work, 33*time.Hour, 0)
		if err != nil || running.To != 0 {
			t.Fatalf("got %+v, %v", running, err)
		}
		if err := do.ChangeAttendance(ctx, running.ID, postern.AttendanceChange{To: new(day.At(34 * time.Hour)), Comment: new("done"), Project: new("3")}, w); err != nil {
			t.Error(err)
		}
		if got, err := see.Attendance(ctx, running.ID); err != nil || got.To != day.At(34*time.Hour) || got.Comment != "done" || got.Project != "3" {
			t.Errorf("got %+v, %v", got, err)
		}
		refusedWith(t, "work without its break", do.ChangeAttendance(ctx, work.ID, postern.AttendanceChange{To: new(day.At(24 * time.Hour))}, w), postern.Invalid)
		page, err := see.Attendances(ctx, postern.AttendanceQuery{Dates: postern.DateRange{From: day, To: day + 1}, People: []postern.PersonID{h.acme.person}, ByPerson: true, Paging: postern.Paging{Limit: 100}})
		var got []string
		for _, a := range page.Items {
			got = append(got, fmt.Sprintf("%s %s %s", a.Type, a.From, a.Date))
		}
		want := []string{"WORK 2026-11-23T22:00:00 2026-11-23", "BREAK 2026-11-24T00:00:00 2026-11-24", "WORK 2026-11-24T09:00:00 2026-11-24"}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		if err := do.DeleteAttendance(ctx, work.ID, w); err != nil {
			t.Error(err)
		}
		_, err = see.Attendance(ctx, pause.ID)
		refusedWith(t, "the break of work that was deleted", err, postern.NotFound)
	})
}

// Who writes back what they read books a day more, unless the switch makes both ends of
// the wire exclusive. DIVERGENCES.md warns of it.
func TestWhatIsReadAndWrittenBackIsADayLongerUnlessSwitched(t *testing.T) {
	t.Parallel()
	h := newReal(t)
	token := h.token(testTenant, "personio-v2", hr.Scopes())
	path := "/v2/absence-periods/" + h.acme.absence.ID
	back := func() postern.Absence {
		t.Helper()
		const readEnd = `{"ends_at":{"date_time":"2026-03-05T00:00:00","type":"SECOND_HALF"}}`
		if w := send(t, h.handler, http.MethodPatch, path, readEnd, "Authorization", "Bearer "+token); w.Code != http.StatusNoContent {
			t.Fatalf("got %d %s", w.Code, w.Body)
		}
		a, err := h.db.Directory(testTenant).Absence(t.Context(), h.acme.absence.ID)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	if a := back(); a.Last() != h.acme.absence.Last()+1 {
		t.Errorf("got %v, want a day more than %v", a.Span, h.acme.absence.Span)
	}
	if err := h.db.SetSandbox(t.Context(), postern.Sandbox{Tenant: testTenant, Switches: map[string]string{"absence-end": "exclusive"}}, event(postern.ActSandbox)); err != nil {
		t.Fatal(err)
	}
	if a := back(); a.Span != h.acme.absence.Span {
		t.Errorf("by the switch: got %v, want %v", a.Span, h.acme.absence.Span)
	}
}
