package issuer_test

import (
	"strings"
	"testing"

	"postern.dev/postern"
)

// FuzzVerify feeds Verify anything, and good tokens with something changed. It must
// not panic, and accept what was issued and nothing else. (Keys are new in every
// process, so the changes are an argument rather than part of a seed.)
func FuzzVerify(f *testing.F) {
	h := newHouse(f)
	all := goodTokens(f, h)
	issued := map[string]bool{}
	for i, g := range all {
		issued[g.raw] = true
		f.Add(g.raw, uint8(i), uint16(0), byte(0))
		f.Add(g.raw[:len(g.raw)/2], uint8(i), uint16(len(g.raw)-1), byte(1))
		f.Add(strings.ReplaceAll(g.raw, ".", ".."), uint8(i), uint16(10), byte(0x20))
		f.Add(b64.EncodeToString([]byte(`{"alg":"none"}`))+"."+b64.EncodeToString([]byte(g.payload))+".", uint8(i), uint16(40), byte(2))
		f.Add(`{"payload":"`+b64.EncodeToString([]byte(g.payload))+`"}`, uint8(i), uint16(300), byte(0x80))
	}
	f.Fuzz(func(t *testing.T, raw string, which uint8, at uint16, xor byte) {
		good := all[int(which)%len(all)].raw
		changed := []byte(good)
		changed[int(at)%len(changed)] ^= xor
		for _, x := range []string{raw, string(changed), good + raw, raw + good, raw + "." + good} {
			c, err := h.Verify(t.Context(), x, postern.Want{})
			if issued[x] != (err == nil) {
				t.Fatalf("Verify(%q) = %+v, %v", x, c, err)
			}
			if e := postern.AsError(err); err != nil && (e.Code != postern.Unauthenticated || e.Reason != postern.BadToken || c.ID != "") {
				t.Fatalf("Verify(%q) = %+v, %v", x, c, err)
			}
		}
	})
}

// FuzzSignedPayload feeds the decoders what nobody but we could have signed. It must
// not panic, and what it accepts must be whole.
func FuzzSignedPayload(f *testing.F) {
	h := newHouse(f)
	forge := newForger(f, h)
	headers := map[postern.Alg]string{}
	for _, g := range goodTokens(f, h) {
		headers[g.alg] = g.header
		f.Add(g.payload)
		f.Add(strings.Replace(g.payload, `"exp":1`, `"exp":9`, 1))
		f.Add(strings.Replace(g.payload, `:"`, `:["`, 1))
		f.Add(strings.Replace(g.payload, `"jti":"`, `"jti":"\u0030`, 1))
	}
	f.Fuzz(func(t *testing.T, payload string) {
		forge := *forge
		forge.t = t
		for _, alg := range []postern.Alg{postern.HS256, postern.ES256} {
			c, err := h.Verify(t.Context(), forge.token(alg, headers[alg], payload), postern.Want{})
			if err != nil {
				if postern.CodeOf(err) != postern.Unauthenticated || c.ID != "" {
					t.Fatalf("payload %q: %+v, %v", payload, c, err)
				}
				continue
			}
			if len(c.ID) != 32 || c.Kind != postern.Machine || c.Tenant != testTenant || c.ClientID == "" || len(c.Audience) == 0 ||
				!strings.HasPrefix(c.Issuer, testURL) || !c.ExpiresAt.After(h.clock.Now()) || c.KeyID != forge.kid[alg] {
				t.Fatalf("payload %q is accepted as %+v", payload, c)
			}
		}
	})
}
