package registrar_test

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
	"postern.dev/postern/registrar"
)

func (d *desk) signIn(email, password, code string, b postern.Browser) (postern.Secret, error) {
	cookie, _, err := d.reg.SignIn(d.t.Context(), email, postern.NewSecret(password), code, b)
	return cookie, err
}

func TestSigningInBeginsASession(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	op, _ := d.operator(postern.Admin, "")
	d.pause(time.Minute)
	cookie, got, err := d.reg.SignIn(t.Context(), " "+strings.ToUpper(op.Email), postern.NewSecret(goodPassword), "", abroad)
	must(t, err)
	if got.ID != op.ID || got.PasswordHash != "set" {
		t.Errorf("got %+v, want the operator %s without a hash", got, op.ID)
	}
	if len(cookie.Reveal()) != 43 {
		t.Errorf("a cookie holds %d characters, want 43 for 32 bytes", len(cookie.Reveal()))
	}
	who, s, err := d.reg.SignedIn(t.Context(), cookie, abroad)
	must(t, err)
	want := postern.Session{ID: s.ID, Operator: op.ID, CreatedAt: d.now(), SeenAt: d.now(), ProvenAt: d.now(),
		ExpiresAt: d.now().Add(registrar.SessionLife), Source: "198.51.100.9", Agent: "other"}
	if diff := cmp.Diff(want, s); diff != "" || who.ID != op.ID {
		t.Errorf("the session (-want +got):\n%s", diff)
	}
	if strings.Contains(s.ID, cookie.Reveal()) || s.ID == "" {
		t.Errorf("the session is called %q after its cookie", s.ID)
	}
	ev := d.last(postern.SystemTenant)
	if ev.Action != postern.ActOperatorSignedIn || ev.Actor != "operator:"+op.ID || ev.Source != "198.51.100.9" || ev.RequestID != "req-2" {
		t.Errorf("got the record %+v", ev)
	}
}

// Whatever is wrong, one hash is compared and one answer given.
func TestWhatIsWrongAtTheDoorIsToldToNobody(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	op, _ := d.operator(postern.Admin, "")
	off, _ := d.operator(postern.Admin, "")
	_, err := d.owner().ChangeOperator(t.Context(), off.ID, postern.OperatorChange{Disabled: at(true)}, postern.Edit{})
	must(t, err)
	invited, _, err := d.owner().CreateOperator(t.Context(), postern.Operator{Email: "new@ops.test", Role: postern.Admin}, postern.Edit{})
	must(t, err)
	var texts []string
	for _, tt := range []struct{ name, email, password, cause string }{
		{"unknown address", "nobody@ops.test", goodPassword, "unknown operator"},
		{"no address", "", goodPassword, "unknown operator"},
		{"an endless address", strings.Repeat("a", 100_000), goodPassword, "unknown operator"},
		{"wrong password", op.Email, "another one entirely", "wrong password"},
		{"no password", op.Email, "", "wrong password"},
		{"endless password", op.Email, strings.Repeat("a", 100_000), "wrong password"},
		{"disabled", off.Email, goodPassword, "disabled operator"},
		{"not set up", invited.Email, "", "wrong password"},
	} {
		d.pass.compared()
		_, err := d.signIn(tt.email, tt.password, "", home)
		wantReason(t, err, postern.Unauthenticated, postern.BadGrant)
		texts = append(texts, postern.Public(err))
		if n := len(d.pass.compared()); n != 1 {
			t.Errorf("%s: %d hashes were compared, want 1", tt.name, n)
		}
		ev := d.last(postern.SystemTenant)
		if ev.Action != postern.ActOperatorRefused || ev.Cause != tt.cause || ev.Actor != "" || strings.Contains(ev.Object+ev.Detail, "@") {
			t.Errorf("%s: got the record %+v", tt.name, ev)
		}
	}
	if slices.Sort(texts); len(slices.Compact(texts)) != 1 {
		t.Errorf("the answers differ: %q", texts)
	}
}

// From one network at one account it becomes slow at once, whether the account exists or
// not; elsewhere the operator comes in.
func TestGuessingLocksOutTheGuesserAndNobodyElse(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	op, _ := d.operator(postern.Admin, "")
	waits := map[string][]time.Duration{}
	for _, email := range []string{op.Email, "nobody@ops.test"} {
		for range 12 {
			_, err := d.signIn(email, "a wrong password here", "", abroad)
			wait := time.Duration(0)
			if postern.CodeOf(err) == postern.TooMany {
				wait = postern.AsError(err).Wait
				d.pause(wait)
			}
			waits[email] = append(waits[email], wait)
		}
	}
	want := []time.Duration{0, 0, 0, 0, 0, time.Second, 0, 2 * time.Second, 0, 4 * time.Second, 0, 8 * time.Second}
	if diff := cmp.Diff(want, waits[op.Email]); diff != "" {
		t.Errorf("the waits (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(waits[op.Email], waits["nobody@ops.test"]); diff != "" {
		t.Errorf("an account that exists and one that does not differ (-known +unknown):\n%s", diff)
	}
	_, err := d.signIn(op.Email, "a wrong password here", "", abroad)
	_, locked := d.signIn(op.Email, goodPassword, "", abroad)
	wantCode(t, err, postern.Unauthenticated)
	wantCode(t, locked, postern.TooMany)
	d.pass.compared()
	if _, err := d.signIn(op.Email, goodPassword, "", home); err != nil {
		t.Errorf("from elsewhere: %v", err)
	}
	if _, err := d.signIn("Nobody@Ops.test ", "x", "", abroad); postern.CodeOf(err) != postern.Unauthenticated {
		t.Errorf("after its wait: %v", err)
	}
}

func TestTheRightPasswordForgetsTheWrongOnes(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	op, _ := d.operator(postern.Admin, "")
	for range 10 {
		for range 3 {
			_, err := d.signIn(op.Email, "a wrong password here", "", home)
			wantCode(t, err, postern.Unauthenticated)
		}
		_, err := d.signIn(op.Email, goodPassword, "", home)
		must(t, err)
	}
	got, err := d.db.Operator(t.Context(), op.ID)
	must(t, err)
	if got.Failures != 0 || !got.Locked.IsZero() || !got.SeenAt.Equal(d.now()) {
		t.Errorf("got %d failures, locked until %v, seen %v", got.Failures, got.Locked, got.SeenAt)
	}
}

// guessFrom tries a wrong password from a network of its own each time.
func (d *desk) guessFrom(n int, email string) error {
	b := postern.Browser{Source: netip.AddrFrom4([4]byte{10, byte(n >> 8), byte(n), 1})}
	_, err := d.signIn(email, "a wrong password here", "", b)
	return err
}

// Many networks together lock an account for a while, and after a hundred guesses for
// good; where the operator has signed in before the door stays open.
func TestAnAccountIsLockedForStrangersAndOpenAtHome(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	op, _ := d.operator(postern.Admin, "")
	_, err := d.signIn(op.Email, goodPassword, "", home)
	must(t, err)
	tried := 0
	for n := 0; tried < 100; n++ {
		err := d.guessFrom(n, op.Email)
		if postern.CodeOf(err) == postern.TooMany {
			d.pause(postern.AsError(err).Wait)
			continue
		}
		wantCode(t, err, postern.Unauthenticated)
		tried++
		if n < 19 && tried != n+1 {
			t.Fatalf("locked after %d guesses, want 20", tried)
		}
	}
	d.pause(365 * 24 * time.Hour)
	wantCode(t, d.guessFrom(5000, op.Email), postern.TooMany)
	got, err := d.db.Operator(t.Context(), op.ID)
	must(t, err)
	if got.Failures != 100 || got.Locked.Before(d.now().AddDate(50, 0, 0)) {
		t.Errorf("got %d failures, locked until %v; want 100 and for good", got.Failures, got.Locked)
	}
	_, err = d.signIn(op.Email, goodPassword, "", home)
	wantCode(t, err, postern.TooMany) // a network is known for a month
	_, err = d.owner().ChangeOperator(t.Context(), op.ID, postern.OperatorChange{Unlock: at(true)}, postern.Edit{})
	must(t, err)
	if _, err = d.signIn(op.Email, goodPassword, "", home); err != nil {
		t.Errorf("after unlocking: %v", err)
	}
	for n := range 25 {
		_ = d.guessFrom(n, op.Email)
	}
	wantCode(t, d.guessFrom(300, op.Email), postern.TooMany)
	if _, err = d.signIn(op.Email, goodPassword, "", home); err != nil {
		t.Errorf("at home while strangers are locked out: %v", err)
	}
}

func TestTryingOnePasswordOnEverybodyLeadsNowhere(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	right := 0
	for range 200 {
		if _, err := d.signIn(d.fresh("a")+"@ops.test", goodPassword, "", abroad); postern.CodeOf(err) == postern.Unauthenticated {
			right++
		}
	}
	if right != 100 {
		t.Errorf("%d accounts were looked at without a pause, want 100", right)
	}
	if _, err := d.signIn("a1@ops.test", goodPassword, "", home); postern.CodeOf(err) != postern.Unauthenticated {
		t.Errorf("another network: %v", err)
	}
}

// Guesses are counted before they are looked at.
func TestGuessesAtOnceDoNotOutrunTheLock(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	op, _ := d.operator(postern.Admin, "")
	d.pass.compared()
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() { _, _ = d.signIn(op.Email, "a wrong password here", "", abroad) })
	}
	wg.Wait()
	if n := len(d.pass.compared()); n != 5 {
		t.Errorf("%d passwords were looked at, want 5", n)
	}
}

func TestASessionEndsUnusedAndInAnyCase(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	_, cookie := d.operator(postern.Admin, "")
	d.pause(registrar.SessionIdle - time.Second)
	_, _, err := d.reg.SignedIn(t.Context(), cookie, home)
	must(t, err)
	begin := d.now().Add(time.Second - registrar.SessionIdle)
	for d.now().Add(10*time.Minute).Sub(begin) < registrar.SessionLife {
		d.pause(10 * time.Minute)
		_, _, err := d.reg.SignedIn(t.Context(), cookie, home)
		must(t, err)
	}
	d.pause(registrar.SessionLife - d.now().Sub(begin))
	_, _, err = d.reg.SignedIn(t.Context(), cookie, home)
	wantReason(t, err, postern.Unauthenticated, postern.BadToken)

	_, cookie = d.operator(postern.Admin, "")
	d.pause(registrar.SessionIdle)
	_, _, err = d.reg.SignedIn(t.Context(), cookie, home)
	wantReason(t, err, postern.Unauthenticated, postern.BadToken)
}

func TestCookiesThatAreNoneAreNobody(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	_, cookie := d.operator(postern.Admin, "")
	_, s, err := d.reg.SignedIn(t.Context(), cookie, home)
	must(t, err)
	for _, c := range []string{"", "x", s.ID, cookie.Reveal() + "A", strings.Repeat("a", 100_000), "\x00"} {
		_, _, err := d.reg.SignedIn(t.Context(), postern.NewSecret(c), home)
		wantReason(t, err, postern.Unauthenticated, postern.BadToken)
		must(t, d.reg.SignOut(t.Context(), postern.NewSecret(c), home))
	}
}

func TestSigningOutEndsTheSession(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	op, cookie := d.operator(postern.Admin, "")
	must(t, d.reg.SignOut(t.Context(), cookie, home))
	_, _, err := d.reg.SignedIn(t.Context(), cookie, home)
	wantReason(t, err, postern.Unauthenticated, postern.BadToken)
	if ev := d.last(postern.SystemTenant); ev.Action != postern.ActOperatorSignedOut || ev.Object != op.ID {
		t.Errorf("got the record %+v", ev)
	}
}

// A cookie that somebody planted, or saw, is worth nothing after a proof.
func TestAProofGivesAnotherCookieAndEndsTheOneBefore(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	op, cookie := d.operator(postern.Admin, "")
	_, before, err := d.reg.SignedIn(t.Context(), cookie, home)
	must(t, err)
	d.pause(registrar.ProofLife)
	_, err = d.reg.Prove(t.Context(), cookie, postern.NewSecret("a wrong password here"), "", home)
	wantReason(t, err, postern.Unauthenticated, postern.BadGrant)
	fresh, err := d.reg.Prove(t.Context(), cookie, postern.NewSecret(goodPassword), "", home)
	must(t, err)
	_, _, err = d.reg.SignedIn(t.Context(), cookie, home)
	wantReason(t, err, postern.Unauthenticated, postern.BadToken)
	who, s, err := d.reg.SignedIn(t.Context(), fresh, home)
	must(t, err)
	if who.ID != op.ID || s.ID == before.ID || !s.ProvenAt.Equal(d.now()) || !s.ExpiresAt.Equal(before.ExpiresAt) {
		t.Errorf("got %+v after %+v", s, before)
	}
	if ev := d.last(postern.SystemTenant); ev.Action != postern.ActOperatorProven {
		t.Errorf("got the record %+v", ev)
	}
	if cookie2, err := d.signIn(op.Email, goodPassword, "", home); err != nil || cookie2.Reveal() == fresh.Reveal() {
		t.Errorf("signing in again gave the same cookie, or %v", err)
	}
}

func TestAnOperatorHasTwentySessionsAtMost(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	op, first := d.operator(postern.Admin, "")
	var cookies []postern.Secret
	for range 20 {
		d.pause(time.Second)
		cookie, err := d.signIn(op.Email, goodPassword, "", home)
		must(t, err)
		cookies = append(cookies, cookie)
	}
	_, _, err := d.reg.SignedIn(t.Context(), first, home)
	wantReason(t, err, postern.Unauthenticated, postern.BadToken)
	for i, c := range cookies {
		if _, _, err := d.reg.SignedIn(t.Context(), c, home); err != nil {
			t.Errorf("session %d: %v", i, err)
		}
	}
	all, err := d.owner().Sessions(t.Context(), op.ID)
	must(t, err)
	if len(all) != 20 {
		t.Errorf("got %d sessions, want 20", len(all))
	}
}

func TestWhoIsDisabledDeletedOrDemotedIsOutAtOnce(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(d *desk, id string) error{
		"disabled": func(d *desk, id string) error {
			return second(d.owner().ChangeOperator(d.t.Context(), id, postern.OperatorChange{Disabled: at(true)}, postern.Edit{}))
		},
		"deleted": func(d *desk, id string) error { return d.owner().DeleteOperator(d.t.Context(), id, postern.Edit{}) },
		"demoted": func(d *desk, id string) error {
			return second(d.owner().ChangeOperator(d.t.Context(), id, postern.OperatorChange{Role: at(postern.Auditor)}, postern.Edit{}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			op, cookie := d.operator(postern.Admin, "")
			other, _ := d.operator(postern.Admin, "")
			must(t, end(d, op.ID))
			_, _, err := d.reg.SignedIn(t.Context(), cookie, home)
			wantReason(t, err, postern.Unauthenticated, postern.BadToken)
			all, err := d.db.Sessions(t.Context(), op.ID)
			must(t, err)
			if len(all) != 0 {
				t.Errorf("%d sessions are left", len(all))
			}
			if all, err := d.db.Sessions(t.Context(), other.ID); err != nil || len(all) != 1 {
				t.Errorf("somebody else has %d sessions, %v", len(all), err)
			}
		})
	}
}

// Of a disabled tenant everything is refused, its operators too.
func TestOperatorsOfADisabledTenantAreOut(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tenant("acme")
	op, cookie := d.operator(postern.Owner, "acme")
	must(t, second(d.owner().ChangeTenant(t.Context(), "acme", postern.TenantChange{Disabled: at(true)}, postern.Edit{})))
	_, _, err := d.reg.SignedIn(t.Context(), cookie, home)
	wantReason(t, err, postern.Unauthenticated, postern.BadToken)
	d.pass.compared()
	_, err = d.signIn(op.Email, goodPassword, "", home)
	wantReason(t, err, postern.Unauthenticated, postern.BadGrant)
	if ev := d.last("acme"); ev.Cause != "disabled tenant" || len(d.pass.compared()) != 1 {
		t.Errorf("got the record %+v", ev)
	}
	must(t, second(d.owner().ChangeTenant(t.Context(), "acme", postern.TenantChange{Disabled: at(false)}, postern.Edit{})))
	_, err = d.signIn(op.Email, goodPassword, "", home)
	must(t, err)
}

func TestAPageThatAsksByItselfDoesNotKeepASessionAlive(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	_, cookie := d.operator(postern.Auditor, "")
	polls := home
	polls.Polls = true
	for range int(registrar.SessionIdle/time.Minute) - 1 {
		d.pause(time.Minute)
		if _, _, err := d.reg.SignedIn(t.Context(), cookie, polls); err != nil {
			t.Fatalf("it ended before it was idle long enough: %v", err)
		}
	}
	d.pause(time.Minute)
	_, _, err := d.reg.SignedIn(t.Context(), cookie, polls)
	wantReason(t, err, postern.Unauthenticated, postern.BadToken)
}

func TestOperatorsListAndEndTheirOwnSessions(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	op, cookie := d.operator(postern.Admin, "")
	other, _ := d.operator(postern.Owner, "")
	self := d.reg.Office(postern.Actor{Name: "operator:" + op.ID, Role: postern.Admin}) // no fresh proof
	_, s, err := d.reg.SignedIn(t.Context(), cookie, home)
	must(t, err)
	all, err := self.Sessions(t.Context(), op.ID)
	must(t, err)
	if len(all) != 1 || all[0].ID != s.ID {
		t.Errorf("got %+v", all)
	}
	_, err = self.Sessions(t.Context(), other.ID)
	wantCode(t, err, postern.Forbidden)
	theirs, err := d.db.Sessions(t.Context(), other.ID)
	must(t, err)
	wantCode(t, self.EndSession(t.Context(), op.ID, theirs[0].ID), postern.NotFound)
	must(t, self.EndSession(t.Context(), op.ID, s.ID))
	wantCode(t, self.EndSession(t.Context(), op.ID, s.ID), postern.NotFound)
	_, _, err = d.reg.SignedIn(t.Context(), cookie, home)
	wantReason(t, err, postern.Unauthenticated, postern.BadToken)
	if ev := d.last(postern.SystemTenant); ev.Action != postern.ActSessionEnded || ev.Actor != "operator:"+op.ID {
		t.Errorf("got the record %+v", ev)
	}
}
