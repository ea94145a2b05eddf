package registrar_test

import (
	"encoding/base32"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/registrar"
)

// RFC 6238 appendix B, with the last six of its eight digits.
func TestCodesAreThoseOfTheStandard(t *testing.T) {
	t.Parallel()
	secret := []byte("12345678901234567890")
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		if got := registrar.CodeAt(secret, time.Unix(at, 0)); got != want {
			t.Errorf("at %d: got %s, want %s", at, got, want)
		}
	}
}

func TestACodeIsGoodOneStepAroundAndOnce(t *testing.T) {
	t.Parallel()
	secret, now := []byte("12345678901234567890"), time.Unix(1_800_000_015, 0)
	step := now.Unix() / 30
	for by, good := range map[int64]bool{-2: false, -1: true, 0: true, 1: true, 2: false} {
		code := registrar.CodeAt(secret, now.Add(time.Duration(by)*30*time.Second))
		got, ok := registrar.StepOf(secret, code, now, 0)
		if ok != good || ok && got != step+by {
			t.Errorf("%+d steps: got %t, step %d", by, ok, got)
		}
		if _, ok := registrar.StepOf(secret, code, now, step+by); ok {
			t.Errorf("%+d steps: the code was good again", by)
		}
	}
	code := registrar.CodeAt(secret, now)
	if _, ok := registrar.StepOf(secret, code[:3]+" "+code[3:], now, 0); !ok {
		t.Error("a code with a space in it is not read")
	}
	for _, bad := range []string{"", "1", code + "0", "000000000", strings.Repeat("1", 10_000)} {
		if _, ok := registrar.StepOf(secret, bad, now, 0); ok {
			t.Errorf("%.20q is taken for a code", bad)
		}
	}
}

// secretOf reads the secret out of a URI as an app does.
func secretOf(t *testing.T, uri postern.Secret) []byte {
	t.Helper()
	u, err := url.Parse(uri.Reveal())
	must(t, err)
	if u.Scheme != "otpauth" || u.Host != "totp" || u.Query().Get("issuer") != "Postern" {
		t.Errorf("the URI is %s", u.Redacted())
	}
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(u.Query().Get("secret"))
	must(t, err)
	return secret
}

// withTOTP gives an operator a second factor.
func (d *desk) withTOTP(cookie postern.Secret) (secret []byte) {
	d.t.Helper()
	uri, err := d.reg.NewTOTP(d.t.Context(), cookie)
	must(d.t, err)
	secret = secretOf(d.t.(*testing.T), uri)
	must(d.t, d.reg.KeepTOTP(d.t.Context(), cookie, uri, registrar.CodeAt(secret, d.now()), home))
	return secret
}

func TestASecondFactorIsAskedForAfterTheRightPassword(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	op, cookie := d.operator(postern.Admin, "")
	secret := d.withTOTP(cookie)
	if kept, err := d.db.Operator(t.Context(), op.ID); err != nil || kept.TOTP == "" || strings.Contains(kept.TOTP, string(secret)) {
		t.Errorf("the secret is kept as %q, %v", kept.TOTP, err)
	}
	d.pause(30 * time.Second)
	code := registrar.CodeAt(secret, d.now())
	_, err := d.signIn(op.Email, "a wrong password here", code, home)
	wantReason(t, err, postern.Unauthenticated, postern.BadGrant)
	_, err = d.signIn(op.Email, "a wrong password here", "", home)
	wantReason(t, err, postern.Unauthenticated, postern.BadGrant)
	_, err = d.signIn(op.Email, goodPassword, "", home)
	wantReason(t, err, postern.Unauthenticated, postern.NeedCode)
	_, err = d.signIn(op.Email, goodPassword, "000000", home)
	wantReason(t, err, postern.Unauthenticated, postern.BadGrant)
	if ev := d.last(postern.SystemTenant); ev.Cause != "wrong code" {
		t.Errorf("got the record %+v", ev)
	}
	d.pause(time.Minute)
	code = registrar.CodeAt(secret, d.now())
	_, err = d.signIn(op.Email, goodPassword, code, home)
	must(t, err)
	_, err = d.signIn(op.Email, goodPassword, code, home)
	wantReason(t, err, postern.Unauthenticated, postern.BadGrant)
	_, err = d.reg.Prove(t.Context(), cookie, postern.NewSecret(goodPassword), "", home)
	wantReason(t, err, postern.Unauthenticated, postern.NeedCode)
}

func TestACodeLetsOneInHoweverManyComeAtOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	op, cookie := d.operator(postern.Admin, "")
	secret := d.withTOTP(cookie)
	d.pause(time.Minute)
	code := registrar.CodeAt(secret, d.now())
	var in atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := d.signIn(op.Email, goodPassword, code, home); err == nil {
				in.Add(1)
			}
		})
	}
	wg.Wait()
	if in.Load() != 1 {
		t.Errorf("%d were let in by one code", in.Load())
	}
}

// Whoever knows the password cannot go through the codes.
func TestCodesAreGuessedNoFasterThanPasswords(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	op, cookie := d.operator(postern.Admin, "")
	d.withTOTP(cookie)
	tried := 0
	for range 20 {
		_, err := d.signIn(op.Email, goodPassword, "", abroad)
		if postern.CodeOf(err) != postern.TooMany {
			tried++
		}
		_, err = d.signIn(op.Email, goodPassword, "123456", abroad)
		if postern.CodeOf(err) != postern.TooMany {
			tried++
		}
	}
	if tried > 5 {
		t.Errorf("%d guesses without a pause, want 5", tried)
	}
}

func TestTheWardrobeWantsAFreshProof(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	_, cookie := d.operator(postern.Admin, "")
	uri, err := d.reg.NewTOTP(t.Context(), cookie)
	must(t, err)
	d.pause(registrar.ProofLife + time.Second)
	for name, do := range map[string]func(postern.Secret) error{
		"ChangePassword": func(c postern.Secret) error {
			return d.reg.ChangePassword(t.Context(), c, postern.NewSecret("some other words entirely"), home)
		},
		"NewTOTP": func(c postern.Secret) error { return second(d.reg.NewTOTP(t.Context(), c)) },
		"KeepTOTP": func(c postern.Secret) error {
			return d.reg.KeepTOTP(t.Context(), c, uri, registrar.CodeAt(secretOf(t, uri), d.now()), home)
		},
		"DropTOTP": func(c postern.Secret) error { return d.reg.DropTOTP(t.Context(), c, home) },
	} {
		wantReason(t, do(cookie), postern.Unauthenticated, postern.StaleProof)
		wantReason(t, do(postern.NewSecret("nobody")), postern.Unauthenticated, postern.BadToken)
		if t.Failed() {
			t.Fatal(name)
		}
	}
	fresh, err := d.reg.Prove(t.Context(), cookie, postern.NewSecret(goodPassword), "", home)
	must(t, err)
	must(t, d.reg.ChangePassword(t.Context(), fresh, postern.NewSecret("some other words entirely"), home))
}

func TestAnotherPasswordEndsTheOtherSessions(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	op, cookie := d.operator(postern.Admin, "")
	elsewhere, err := d.signIn(op.Email, goodPassword, "", abroad)
	must(t, err)
	wantCode(t, d.reg.ChangePassword(t.Context(), cookie, postern.NewSecret("short"), home), postern.Invalid)
	must(t, d.reg.ChangePassword(t.Context(), cookie, postern.NewSecret("some other words entirely"), home))
	if _, _, err := d.reg.SignedIn(t.Context(), cookie, home); err != nil {
		t.Error(err)
	}
	_, _, err = d.reg.SignedIn(t.Context(), elsewhere, abroad)
	wantReason(t, err, postern.Unauthenticated, postern.BadToken)
	_, err = d.signIn(op.Email, goodPassword, "", home)
	wantReason(t, err, postern.Unauthenticated, postern.BadGrant)
	_, err = d.signIn(op.Email, "some other words entirely", "", home)
	must(t, err)
}

func TestASecondFactorCountsOnceACodeOfItWasShown(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	op, cookie := d.operator(postern.Admin, "")
	uri, err := d.reg.NewTOTP(t.Context(), cookie)
	must(t, err)
	wantCode(t, d.reg.KeepTOTP(t.Context(), cookie, uri, "000000", home), postern.Invalid)
	for _, bad := range []string{"", "https://totp/x?secret=AAAA", "otpauth://totp/x?secret=AAAA", "otpauth://hotp/x", strings.Repeat("a", 10_000), "%"} {
		wantCode(t, d.reg.KeepTOTP(t.Context(), cookie, postern.NewSecret(bad), "000000", home), postern.Invalid)
	}
	_, err = d.signIn(op.Email, goodPassword, "", home)
	must(t, err)
	d.withTOTP(cookie)
	if ev := d.last(postern.SystemTenant); ev.Action != postern.ActOperatorChanged || ev.Detail != "second factor set" || ev.Actor != "operator:"+op.ID {
		t.Errorf("got the record %+v", ev)
	}
	must(t, d.reg.DropTOTP(t.Context(), cookie, home))
	_, err = d.signIn(op.Email, goodPassword, "", home)
	must(t, err)
}

// A new link is for a lost password; it does not take the place of the second factor.
func TestALinkDoesNotTakeThePlaceOfTheSecondFactor(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	op, cookie := d.operator(postern.Admin, "")
	secret := d.withTOTP(cookie)
	d.pause(time.Minute)
	office := d.owner().(postern.Inviter)
	_, code, err := office.InviteOperator(t.Context(), op.ID)
	must(t, err)
	got, _, err := d.reg.Accept(t.Context(), code, postern.Operator{}, postern.NewSecret("some other words entirely"), home)
	wantReason(t, err, postern.Unauthenticated, postern.NeedCode)
	if !got.Empty() {
		t.Error("a session was begun")
	}
	_, err = d.signIn(op.Email, "some other words entirely", registrar.CodeAt(secret, d.now()), home)
	must(t, err)
	must(t, second(d.owner().ChangeOperator(t.Context(), op.ID, postern.OperatorChange{NoTOTP: at(true)}, postern.Edit{})))
	_, err = d.signIn(op.Email, "some other words entirely", "", home)
	must(t, err)
}
