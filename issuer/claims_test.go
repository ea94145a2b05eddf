package issuer_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"postern.dev/postern"
)

// Payloads over a signature of ours that no issuer of ours would have made.
func TestClaimsAreOfTheirTypes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := newForger(t, h)
	for _, g := range goodTokens(t, h) {
		times := []string{"exp", "iat"}
		if strings.Contains(g.payload, `"nbf"`) {
			times = append(times, "nbf")
		}
		exp := member(t, g.payload, "exp")
		number := strings.TrimPrefix(exp, `"exp":`)
		for _, name := range times {
			old := member(t, g.payload, name)
			was := strings.TrimPrefix(old, `"`+name+`":`)
			for _, v := range []string{`"` + was + `"`, `-1`, `-` + was, `0`, `-0`, `1e400`, `-1e400`, `1e10`, was + `.5`, was + `.0`, was + `e0`,
				`null`, `true`, `[` + was + `]`, `{}`, `""`, `"now"`, `99999999999999999999`, `9223372036854775807`, `9223372036854775808`,
				`18446744073709551616`, `253402300800`, `0` + was, `+` + was, `0x10`, `NaN`, `Infinity`, was + ` ` + was} {
				raw := f.token(g.alg, g.header, swap(t, g.payload, old, `"`+name+`":`+v))
				if _, err := h.Verify(t.Context(), raw, postern.Want{}); postern.CodeOf(err) != postern.Unauthenticated {
					t.Errorf("%s with %s %s: %v", g.dialect, name, v, err)
				}
			}
			if g.dialect != "personio-v2" || name != "nbf" { // without it this is a token of oauth2
				h.invalid(f.token(g.alg, g.header, without(t, g.payload, old)))
			}
			// Twice, whichever counts.
			h.invalid(f.token(g.alg, g.header, swap(t, g.payload, old, old+`,`+old)))
			h.invalid(f.token(g.alg, g.header, swap(t, g.payload, old, old+`,"`+name+`":`+number)))
		}
		// Milliseconds are not seconds.
		h.invalid(f.token(g.alg, g.header, swap(t, g.payload, exp, exp+`000`)))
		for name, payload := range map[string]string{
			"nothing": "", "null": "null", "no object": `"x"`, "a list": `[` + g.payload + `]`, "empty": `{}`,
			"unended": g.payload[:len(g.payload)-1], "with more after it": g.payload + `{}`, "with a word after it": g.payload + `x`,
			"with a byte order mark": "\ufeff" + g.payload, "one member more": swap(t, g.payload[:1], `{`, `{"admin":true,`) + g.payload[1:],
			"an actor":      swap(t, g.payload[:1], `{`, `{"act":{"sub":"root"},`) + g.payload[1:],
			"invalid UTF-8": swap(t, g.payload, `"jti":"`, "\"jti\":\"\xff"), "very deep": strings.Repeat("[", 3000),
			"other spelling of a name": swap(t, g.payload, `"jti"`, `"JTI"`), "escaped name twice": swap(t, g.payload[:1], `{`, `{"ex\u0070":9999999999,`) + g.payload[1:],
			"a short jti":  swap(t, g.payload, member(t, g.payload, "jti"), `"jti":"00"`),
			"no jti":       without(t, g.payload, member(t, g.payload, "jti")),
			"jti a number": swap(t, g.payload, member(t, g.payload, "jti"), `"jti":12345678901234567890123456789012`),
			"jti's case":   swap(t, g.payload, member(t, g.payload, "jti"), `"jti":"`+flipCase(member(t, g.payload, "jti")[7:])),
		} {
			if _, err := h.Verify(t.Context(), f.token(g.alg, g.header, payload), postern.Want{}); postern.CodeOf(err) != postern.Unauthenticated {
				t.Errorf("%s payload %s: %v", g.dialect, name, err)
			}
		}
	}
}

func without(t testing.TB, object, member string) string {
	t.Helper()
	if strings.Contains(object, member+`,`) {
		return swap(t, object, member+`,`, ``)
	}
	return swap(t, object, `,`+member, ``)
}

func flipCase(s string) string {
	if low := strings.ToLower(s); low != s {
		return low
	}
	return strings.ToUpper(s)
}

func TestIssuerAudienceClientAndTenantAreChecked(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := newForger(t, h)
	other := h.tenant()
	foreign, _ := h.client(func(c *postern.Client) { c.Tenant = other.ID })
	for _, g := range goodTokens(t, h) {
		iss := member(t, g.payload, "iss")
		url := iss[len(`"iss":"`) : len(iss)-1]
		for _, v := range []string{`"https://evil.test"`, `"` + url + `/"`, `"` + strings.ToUpper(url) + `"`, `"` + url + `/v1/auth/x"`, `""`,
			`null`, `1`, `["` + url + `"]`, `"` + strings.TrimPrefix(url, "https:") + `"`, `"` + url + `#"`, `" ` + url + `"`, `"http` + url[5:] + `"`} {
			h.invalid(f.token(g.alg, g.header, swap(t, g.payload, iss, `"iss":`+v)))
		}
		// The issuer of another format of ours.
		if g.dialect == "personio-v1" {
			h.invalid(f.token(g.alg, g.header, swap(t, g.payload, iss, `"iss":"`+testURL+`"`)))
		} else {
			h.invalid(f.token(g.alg, g.header, swap(t, g.payload, iss, `"iss":"`+testURL+`/v1/auth"`)))
		}
		if strings.Contains(g.payload, `"client_id"`) {
			id := member(t, g.payload, "client_id")
			for _, v := range []string{`"nobody"`, `""`, `null`, `1`, strings.ToUpper(id[len(`"client_id":`):]), `"` + foreign.ID + `"`} {
				if g.dialect == "personify" && v == `"`+foreign.ID+`"` {
					continue // its tokens carry no tenant: this is the other client's token
				}
				h.invalid(f.token(g.alg, g.header, swap(t, g.payload, id, `"client_id":`+v)))
			}
		}
		if strings.Contains(g.payload, `"aud"`) {
			aud := member(t, g.payload, "aud")
			for _, v := range []string{`[]`, `""`, `null`, `1`, `[1]`, `[""]`, `[null]`, `[["x"]]`, `{}`} {
				h.invalid(f.token(g.alg, g.header, swap(t, g.payload, aud, `"aud":`+v)))
			}
		}
		if strings.Contains(g.payload, `"tenant"`) {
			for _, v := range []string{`"` + other.ID + `"`, `""`, `null`, `"nobody"`, `"-"`, `["` + testTenant + `"]`} {
				h.invalid(f.token(g.alg, g.header, swap(t, g.payload, member(t, g.payload, "tenant"), `"tenant":`+v)))
			}
		}
		if strings.Contains(g.payload, `"partnerId"`) {
			for _, v := range []string{`"20000"`, `10000`, `""`, `"0"`, `"010000"`, `"-1"`, `null`} {
				h.invalid(f.token(g.alg, g.header, swap(t, g.payload, member(t, g.payload, "partnerId"), `"partnerId":`+v)))
			}
		}
		if strings.Contains(g.payload, `"sub"`) {
			for _, v := range []string{`"nobody"`, `""`, `null`, `1`} {
				// A person is named twice, as sub and userId; a machine as sub and client_id.
				p := strings.ReplaceAll(g.payload, member(t, g.payload, "sub"), `"sub":`+v)
				h.invalid(f.token(g.alg, g.header, p))
				if strings.Contains(p, `"userId"`) {
					h.invalid(f.token(g.alg, g.header, swap(t, p, member(t, p, "userId"), `"userId":`+v)))
				}
			}
		}
	}
}

// The payload of one format is refused under the header and key of another.
func TestFormatsAreNotMixed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := newForger(t, h)
	all := goodTokens(t, h)
	for _, one := range all {
		for _, other := range all {
			if one.header == other.header {
				continue // oauth2 and personio-v2 differ in the payload alone
			}
			raw := f.token(one.alg, one.header, other.payload)
			if c, err := h.Verify(t.Context(), raw, postern.Want{}); postern.CodeOf(err) != postern.Unauthenticated {
				// RS256 is among the algorithms of oauth2 too, where it has the header of personify.
				if one.dialect == "personify" && c.Dialect != "personify" && c.Dialect != "" && c.Kind == postern.Machine {
					continue
				}
				t.Errorf("the payload of %s in a token of %s: %v", other.dialect, one.dialect, err)
			}
		}
	}
}

func TestAnAudienceIsAStringOrSeveral(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := newForger(t, h)
	g := named(t, goodTokens(t, h), "oauth2")
	aud := member(t, g.payload, "aud")
	for _, x := range []struct {
		aud  string
		want []string
		ok   bool
	}{
		{`"https://a.test"`, []string{"https://a.test"}, true},
		{`["https://a.test","https://b.test"]`, []string{"https://b.test"}, true},
		{`["https://a.test","https://b.test"]`, []string{"https://c.test", "https://a.test"}, true},
		{`"https://a.test.evil"`, []string{"https://a.test"}, false},
		{`["https://a.test/x","https://a"]`, []string{"https://a.test"}, false},
		{`"https://A.test"`, []string{"https://a.test"}, false},
		{`"https://a.test https://b.test"`, []string{"https://a.test"}, false},
		{`"https://a.test"`, nil, true},
		{`"https://a.test"`, []string{""}, false},
	} {
		raw := f.token(g.alg, g.header, swap(t, g.payload, aud, `"aud":`+x.aud))
		_, err := h.Verify(t.Context(), raw, postern.Want{Audience: x.want})
		if (err == nil) != x.ok || err != nil && postern.ReasonOf(err) != postern.BadToken {
			t.Errorf("a token for %s where %q is wanted: %v", x.aud, x.want, err)
		}
	}
}

func TestTokensExpireToTheInstant(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, g := range goodTokens(t, h) {
		h.clock.Set(testTime)
		end := h.valid(postern.Token{Value: postern.NewSecret(g.raw)}).ExpiresAt
		for _, x := range []struct {
			after time.Duration
			ok    bool
		}{{-time.Second, true}, {-time.Nanosecond, true}, {0, false}, {time.Nanosecond, false}, {365 * 24 * time.Hour, false}} {
			h.clock.Set(end.Add(x.after))
			_, err := h.Verify(t.Context(), g.raw, postern.Want{})
			if (err == nil) != x.ok {
				t.Errorf("%s, %v after its end: %v", g.dialect, x.after, err)
			}
			if e := postern.AsError(err); err != nil && (e.Cause != "expired" || e.Reason != postern.BadToken) {
				t.Errorf("%s, %v after its end: %v", g.dialect, x.after, e)
			}
		}
	}
}

func TestTokensFromAClockAheadAreTakenWithinTenSeconds(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ahead := newClock()
	fast := openHouse(t, h.path, ahead)
	for _, x := range []struct {
		ahead time.Duration
		ok    bool
	}{{0, true}, {10 * time.Second, true}, {10*time.Second + 999*time.Millisecond, true}, {11 * time.Second, false}, {time.Hour, false}} {
		ahead.Set(testTime.Add(x.ahead))
		for _, g := range goodTokens(t, fast) {
			h.clock.Set(testTime)
			_, err := h.Verify(t.Context(), g.raw, postern.Want{})
			if (err == nil) != x.ok || err != nil && postern.AsError(err).Cause != "not yet valid" {
				t.Errorf("%s from a clock %v ahead: %v", g.dialect, x.ahead, err)
			}
			if x.ok {
				continue
			}
			begin := testTime.Add(x.ahead).Truncate(time.Second)
			h.clock.Set(begin.Add(-10*time.Second - time.Nanosecond))
			h.invalid(g.raw)
			h.clock.Add(time.Nanosecond)
			if _, err := h.Verify(t.Context(), g.raw, postern.Want{}); err != nil {
				t.Errorf("%s, ten seconds before its time: %v", g.dialect, err)
			}
		}
	}
}

// nbf counts as iat does, where a format has it.
func TestNotBeforeIsChecked(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := newForger(t, h)
	for _, g := range goodTokens(t, h) {
		if !strings.Contains(g.payload, `"nbf"`) {
			continue
		}
		for later, ok := range map[int64]bool{-100: true, 10: true, 11: false, 1e6: false} {
			nbf := fmt.Sprintf(`"nbf":%d`, testTime.Unix()+later)
			_, err := h.Verify(t.Context(), f.token(g.alg, g.header, swap(t, g.payload, member(t, g.payload, "nbf"), nbf)), postern.Want{})
			if (err == nil) != ok {
				t.Errorf("%s with nbf %+d s: %v", g.dialect, later, err)
			}
		}
	}
}

func TestVerifyNamesTheFormatOfTheToken(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, g := range goodTokens(t, h) {
		if c := h.valid(postern.Token{Value: postern.NewSecret(g.raw)}); c.Dialect != g.dialect {
			t.Errorf("a token of %s is said to be of %s", g.dialect, c.Dialect)
		}
	}
}
