package mcptool_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
	"postern.dev/postern/mcptool"
)

// book calls create_absence_period without a surface.
func book(t *testing.T, tools *mcptool.Tools, who mcptool.Caller, args map[string]any) (map[string]any, error) {
	t.Helper()
	raw, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	a, err := tools.Call(t.Context(), who, "create_absence_period", raw)
	return a.Data, err
}

// rehearsed gives the value confirm of a dry run.
func rehearsed(t *testing.T, tools *mcptool.Tools, args map[string]any) string {
	t.Helper()
	data, err := book(t, tools, agent(), args)
	confirm, _ := data["confirm"].(string)
	if err != nil || data["booked"] != false || confirm == "" {
		t.Fatalf("dry run of %v: got %v, %v, want booked false and a confirm", args, data, err)
	}
	return confirm
}

func TestABookingCarriesWhoAndHow(t *testing.T) {
	t.Parallel()
	l := newLedger()
	tools := over(l, nil)
	args := wish("skip_approval", true, "idempotency_key", "k1", "end_half", "true", "person_id", 7, "comment", "sailing")
	args["confirm"] = rehearsed(t, tools, args)
	delete(args, "idempotency_key") // the confirmation has it
	data, err := book(t, tools, agent(), args)
	if err != nil || data["booked"] != true {
		t.Fatalf("got %v, %v, want it booked", data, err)
	}
	want := postern.Write{Actor: "client:agent", ClientID: "agent", RequestID: "r1", Key: "k1", SkipApproval: true}
	if l.last != want {
		t.Errorf("wrote as %+v, want %+v", l.last, want)
	}
	item := data["absence"].(map[string]any)
	if item["first_day"] != "2026-12-01" || item["last_day"] != "2026-12-02" || item["end_half_day"] != true || item["status"] != "APPROVED" || item["comment"] != nil {
		t.Errorf("got %v", item)
	}
}

func TestAConfirmationIsForOneCallerOneChangeAndTenMinutes(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	l := newLedger()
	tools := over(l, func(c *mcptool.Config) { c.Now = func() time.Time { return now } })
	otherKey := over(l, func(c *mcptool.Config) { c.Key = [32]byte{2} })
	confirm := rehearsed(t, tools, wish("idempotency_key", "k1"))
	other, elsewhere := agent(), agent()
	other.ClientID, elsewhere.Tenant = "other", "else"
	expired := "expired"
	for name, c := range map[string]struct {
		who  mcptool.Caller
		args map[string]any
		says string
	}{
		"another client":     {other, wish("confirm", confirm), "another caller"},
		"another tenant":     {elsewhere, wish("confirm", confirm), "another caller"},
		"another person":     {agent(), wish("confirm", confirm, "person_id", "8"), "other arguments"},
		"another type":       {agent(), wish("confirm", confirm, "absence_type_id", training), "other arguments"},
		"another first day":  {agent(), wish("confirm", confirm, "first_day", "2026-12-02"), "other arguments"},
		"another last day":   {agent(), wish("confirm", confirm, "last_day", "2026-12-03"), "other arguments"},
		"half a first day":   {agent(), wish("confirm", confirm, "start_half", true), "other arguments"},
		"half a last day":    {agent(), wish("confirm", confirm, "end_half", true), "other arguments"},
		"a comment":          {agent(), wish("confirm", confirm, "comment", "x"), "other arguments"},
		"approval skipped":   {agent(), wish("confirm", confirm, "skip_approval", true), "other arguments"},
		"another key":        {agent(), wish("confirm", confirm, "idempotency_key", "k2"), "another idempotency_key"},
		"cut":                {agent(), wish("confirm", confirm[:len(confirm)-2]), "altered"},
		"not base64":         {agent(), wish("confirm", "yes"), "altered"},
		"true":               {agent(), wish("confirm", true), "no text"},
		"of another server":  {agent(), wish("confirm", rehearsed(t, otherKey, wish())), "altered"},
		"after ten minutes":  {agent(), wish("confirm", confirm), expired},
		"after eleven hours": {agent(), wish("confirm", confirm), expired},
	} {
		now = time.Date(2026, 11, 22, 9, 9, 59, 0, time.UTC)
		if c.says == expired {
			now = now.Add(time.Second)
		}
		_, err := book(t, tools, c.who, c.args)
		if e := postern.AsError(err); postern.CodeOf(err) != postern.Invalid || !strings.Contains(e.Msg, c.says) || l.count() != 0 {
			t.Errorf("%s: got %v and %d writes, want Invalid that says %q and none", name, err, l.count(), c.says)
		}
	}
	now = time.Date(2026, 11, 22, 9, 9, 59, 0, time.UTC)
	if data, err := book(t, tools, agent(), wish("confirm", confirm, "idempotency_key", "k1")); err != nil || data["booked"] != true {
		t.Errorf("in time and unaltered: got %v, %v, want it booked", data, err)
	}
}

func TestNoBitOfAConfirmationCanBeAltered(t *testing.T) {
	t.Parallel()
	l := newLedger()
	tools := over(l, nil)
	raw, err := base64.RawURLEncoding.DecodeString(rehearsed(t, tools, wish()))
	if err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * len(raw) {
		altered := slices.Clone(raw)
		altered[bit/8] ^= 1 << (bit % 8)
		_, err := book(t, tools, agent(), wish("confirm", base64.RawURLEncoding.EncodeToString(altered)))
		if e := postern.AsError(err); postern.CodeOf(err) != postern.Invalid || !strings.Contains(e.Msg, "altered") {
			t.Errorf("bit %d: got %v, want Invalid that says so", bit, err)
		}
	}
	for n := range raw {
		if _, err := book(t, tools, agent(), wish("confirm", base64.RawURLEncoding.EncodeToString(raw[:n])+"A")); postern.CodeOf(err) != postern.Invalid {
			t.Errorf("%d bytes: got %v, want Invalid", n, err)
		}
	}
	if l.count() != 0 {
		t.Errorf("got %d writes, want none", l.count())
	}
}

func TestASecondUseGivesTheFirstAnswerThoughTheAbsenceIsGone(t *testing.T) {
	t.Parallel()
	l := newLedger()
	tools := over(l, nil)
	args := wish("confirm", rehearsed(t, tools, wish()))
	first, err := book(t, tools, agent(), args)
	if err != nil {
		t.Fatal(err)
	}
	l.booked, l.keys = nil, map[string]int{} // somebody deleted it
	again, err := book(t, tools, agent(), args)
	if err != nil || again["already_booked"] != true || l.count() != 1 {
		t.Errorf("got %v, %v and %d writes, want already_booked and one", again, err, l.count())
	}
	if diff := cmp.Diff(first["absence"], again["absence"]); diff != "" {
		t.Errorf("the absence differs (-first +again):\n%s", diff)
	}
}

func TestOtherPeoplesAbsencesAreNotInTheWay(t *testing.T) {
	t.Parallel()
	l := newLedger()
	l.loose = true
	l.booked = []postern.Absence{{ID: "x", Person: 8, Type: vacation, Span: postern.DaySpan(day(2026, 12, 1), day(2026, 12, 2), false, false), Status: postern.Approved}}
	rehearsed(t, over(l, nil), wish())
}

func TestAConfirmationThatExpiredIsNotRedeemedByASecondUse(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	l := newLedger()
	l.forgets = true
	tools := over(l, func(c *mcptool.Config) { c.Now = func() time.Time { return now } })
	args := wish("confirm", rehearsed(t, tools, wish()))
	if _, err := book(t, tools, agent(), args); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour)
	if _, err := book(t, tools, agent(), args); postern.CodeOf(err) != postern.Invalid || l.books() != 1 {
		t.Errorf("got %v and %d absences, want Invalid and 1", err, l.books())
	}
}

func TestACallerThatConfirmsFarTooMuchWaitsAndOthersDoNot(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	l := newLedger()
	tools := over(l, func(c *mcptool.Config) { c.Now = func() time.Time { return now } })
	confirmed := func(who mcptool.Caller, n int) error {
		l.booked, l.keys = nil, map[string]int{} // somebody deleted it
		dry, err := book(t, tools, who, wish("idempotency_key", strconv.Itoa(n)))
		if err == nil {
			_, err = book(t, tools, who, wish("confirm", dry["confirm"]))
		}
		return err
	}
	for n := range 1000 {
		if err := confirmed(agent(), n); err != nil {
			t.Fatalf("booking %d: %v", n, err)
		}
	}
	if err := confirmed(agent(), 1000); postern.CodeOf(err) != postern.TooMany || l.books() != 0 {
		t.Errorf("one too many: got %v and %d absences, want TooMany and none", err, l.books())
	}
	other := agent()
	other.ClientID = "other"
	if err := confirmed(other, 0); err != nil || l.books() != 1 {
		t.Errorf("another caller: got %v and %d absences, want one", err, l.books())
	}
	now = now.Add(10 * time.Minute)
	if err := confirmed(agent(), 1001); err != nil || l.books() != 1 {
		t.Errorf("ten minutes later: got %v and %d absences, want one", err, l.books())
	}
}

func TestTwoThatConfirmAtOnceBookOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLedger()
		l.forgets, l.hold, l.holding = true, make(chan struct{}), make(chan struct{}, 8)
		tools := over(l, nil)
		args := wish("confirm", rehearsed(t, tools, wish()))
		answers := make(chan map[string]any, 8)
		for range 8 {
			go func() {
				data, err := book(t, tools, agent(), args)
				if err != nil {
					t.Errorf("got %v", err)
				}
				answers <- data
			}()
		}
		synctest.Wait() // one books, and the others wait for it
		if got := len(l.holding); got != 1 {
			t.Errorf("%d are booking at once, want 1", got)
		}
		close(l.hold)
		booked, again := 0, 0
		for range 8 {
			if data := <-answers; data["already_booked"] == true {
				again++
			} else if data["booked"] == true {
				booked++
			}
		}
		if booked != 1 || again != 7 || l.count() != 1 {
			t.Errorf("got %d booked, %d again and %d writes, want 1, 7 and 1", booked, again, l.count())
		}
	})
}

func TestARetryAfterALostAnswerBooksNothingTwice(t *testing.T) {
	t.Parallel()
	for name, forgets := range map[string]bool{"keys are known": false, "keys are not known, and absences may overlap": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLedger()
			l.loses, l.forgets = 1, forgets
			tools := over(l, nil)
			args := wish("confirm", rehearsed(t, tools, wish()))
			if _, err := book(t, tools, agent(), args); postern.CodeOf(err) != postern.Unavailable || !strings.Contains(postern.AsError(err).Hint, "same confirm") {
				t.Errorf("lost: got %v, want Unavailable and a hint to use the same confirm", err)
			}
			restarted := over(l, nil) // it remembers no use of the confirmation
			for _, tools := range []*mcptool.Tools{tools, restarted} {
				data, err := book(t, tools, agent(), args)
				if err != nil || data["booked"] != true || data["already_booked"] != true || data["absence"].(map[string]any)["id"] == "" {
					t.Errorf("retry: got %v, %v, want it booked already", data, err)
				}
			}
			if l.books() != 1 {
				t.Errorf("got %d absences, want 1", l.books())
			}
		})
	}
}

func TestAFailedBookingMayBeConfirmedAgain(t *testing.T) {
	t.Parallel()
	l := newLedger()
	fails := true
	tools := over(l, func(c *mcptool.Config) {
		c.Directory = func(mcptool.Caller) (postern.Directory, error) {
			if fails {
				return nil, postern.Errorf(postern.Unavailable, "down")
			}
			return l, nil
		}
	})
	fails = false
	args := wish("confirm", rehearsed(t, tools, wish()))
	fails = true
	if _, err := book(t, tools, agent(), args); postern.CodeOf(err) != postern.Unavailable {
		t.Fatalf("got %v, want Unavailable", err)
	}
	fails = false
	if data, err := book(t, tools, agent(), args); err != nil || data["booked"] != true || l.count() != 1 {
		t.Errorf("got %v, %v and %d writes, want it booked once", data, err, l.count())
	}
}

func day(y int, m time.Month, d int) postern.Date { return postern.NewDate(y, m, d) }

// nameless is a directory that keeps its persons to itself.
type nameless struct{ *ledger }

func (nameless) Persons(context.Context, postern.PersonQuery) (postern.Page[postern.Person], error) {
	return postern.Page[postern.Person]{}, postern.Errorf(postern.Forbidden, "the permission is missing")
}

// What cannot go over the wire is refused before anybody confirms it.
func TestAnIdempotencyKeyIsPrintableASCII(t *testing.T) {
	t.Parallel()
	tools := over(newLedger(), nil)
	for _, key := range []string{"a\nb", "a\tb", "ключ", " a", "a ", strings.Repeat("k", 256)} {
		if _, err := book(t, tools, agent(), wish("idempotency_key", key)); postern.CodeOf(err) != postern.Invalid || postern.AsError(err).Param != "idempotency_key" {
			t.Errorf("%q: got %v, want Invalid", key, err)
		}
	}
	rehearsed(t, tools, wish("idempotency_key", "visit of 2026-12-01 #1"))
}

func TestWhatCannotBeRecordedIsNotBooked(t *testing.T) {
	t.Parallel()
	l, broken := newLedger(), false
	tools := over(l, func(c *mcptool.Config) {
		c.Record = func(context.Context, postern.Event) error {
			if broken {
				return errors.New("disk full")
			}
			return nil
		}
	})
	confirm := rehearsed(t, tools, wish())
	broken = true
	if data, err := book(t, tools, agent(), wish("confirm", confirm)); err == nil || l.count() != 0 {
		t.Errorf("got %v, %v and %d writes, want an error and none", data, err, l.count())
	}
	broken = false
	if data, err := book(t, tools, agent(), wish("confirm", confirm)); err != nil || data["booked"] != true || l.count() != 1 {
		t.Errorf("got %v, %v and %d writes, want it booked once", data, err, l.count())
	}
}

func TestABookingThatBeganIsFinishedWhenItsCallerLeaves(t *testing.T) {
	t.Parallel()
	l := newLedger()
	l.hold, l.holding = make(chan struct{}), make(chan struct{}, 1)
	var recorded []postern.Event
	tools := over(l, func(c *mcptool.Config) {
		c.Record = func(ctx context.Context, e postern.Event) error {
			if ctx.Err() != nil {
				t.Errorf("a record is kept in a context that ended: %+v", e)
			}
			recorded = append(recorded, e)
			return nil
		}
	})
	args, err := json.Marshal(wish("confirm", rehearsed(t, tools, wish())))
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := tools.Call(ctx, agent(), "create_absence_period", args)
		done <- err
	}()
	<-l.holding
	leave()
	close(l.hold)
	if err := <-done; err != nil {
		t.Errorf("got %v", err)
	}
	l.hold = nil
	if l.books() != 1 {
		t.Fatalf("got %d absences, want 1", l.books())
	}
	if got := len(recorded); got != 3 || recorded[1].Action != postern.ActToolCalled || !strings.Contains(recorded[1].Detail, "confirmed") || recorded[2].Code != "" {
		t.Errorf("got the records %+v, want a dry run, a confirmed booking that begins and one that is done", recorded)
	}
	a, err := tools.Call(t.Context(), agent(), "create_absence_period", args)
	if err != nil || a.Data["already_booked"] != true {
		t.Errorf("asked again: got %v, %v, want already_booked", a.Data, err)
	}
}
