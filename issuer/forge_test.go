package issuer_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"postern.dev/postern"
)

var b64 = base64.RawURLEncoding

// forger signs what it likes with the real keys: whoever holds the master key can.
// So a refusal of what it makes is for the form, never for the signature.
type forger struct {
	t    testing.TB
	h    *house
	kid  map[postern.Alg]string
	open map[postern.Alg]any
}

func newForger(t testing.TB, h *house) *forger {
	t.Helper()
	f := &forger{t: t, h: h, kid: map[postern.Alg]string{}, open: map[postern.Alg]any{}}
	for _, k := range h.allKeys() {
		plain, err := testBox.Open("key/"+k.ID+"/"+string(k.Alg), k.Sealed)
		if err != nil {
			t.Fatal(err)
		}
		f.kid[k.Alg], f.open[k.Alg] = k.ID, any(plain)
		if k.Alg != postern.HS256 {
			if f.open[k.Alg], err = x509.ParsePKCS8PrivateKey(plain); err != nil {
				t.Fatal(err)
			}
		}
	}
	return f
}

// signature signs input as alg does.
func (f *forger) signature(alg postern.Alg, input string) []byte {
	f.t.Helper()
	return signWith(f.t, f.open[alg], input)
}

func signWith(t testing.TB, key any, input string) []byte {
	t.Helper()
	digest := sha256.Sum256([]byte(input))
	switch key := key.(type) {
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
		if err != nil {
			t.Fatal(err)
		}
		sig := make([]byte, 64)
		r.FillBytes(sig[:32])
		s.FillBytes(sig[32:])
		return sig
	case *rsa.PrivateKey:
		sig, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
		if err != nil {
			t.Fatal(err)
		}
		return sig
	case ed25519.PrivateKey:
		return ed25519.Sign(key, []byte(input))
	case []byte:
		m := hmac.New(sha256.New, key)
		m.Write([]byte(input))
		return m.Sum(nil)
	}
	t.Fatalf("cannot sign with %T", key)
	return nil
}

// token makes a token of any header and payload.
func (f *forger) token(alg postern.Alg, header, payload string) string {
	f.t.Helper()
	input := b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString([]byte(payload))
	return input + "." + b64.EncodeToString(f.signature(alg, input))
}

// parts opens a token.
func parts(t testing.TB, raw string) (header, payload string, signature []byte) {
	t.Helper()
	p := strings.Split(raw, ".")
	if len(p) != 3 {
		t.Fatalf("%d parts", len(p))
	}
	var out [3][]byte
	for i := range p {
		var err error
		if out[i], err = b64.DecodeString(p[i]); err != nil {
			t.Fatal(err)
		}
	}
	return string(out[0]), string(out[1]), out[2]
}

// good is a token of each format, by dialect, with what it is made of.
type good struct {
	dialect         string
	alg             postern.Alg
	raw             string
	header, payload string
	signature       []byte
}

func goodTokens(t testing.TB, h *house) (out []good) {
	t.Helper()
	c, s := h.client()
	app, u := h.app(), h.user(fmt.Sprintf("u%d@example.com", serial.Add(1)))
	for _, d := range append([]string{"comm100"}, machineDialects...) {
		req := request(d, c, s)
		if d == "comm100" {
			req = login(app, u.Email, rightPassword)
		}
		g := good{dialect: d, raw: h.issue(req).Value.Reveal()}
		g.header, g.payload, g.signature = parts(t, g.raw)
		for _, alg := range postern.Algs {
			if strings.Contains(g.header, `"`+string(alg)+`"`) {
				g.alg = alg
			}
		}
		out = append(out, g)
	}
	return out
}

func named(t testing.TB, all []good, dialect string) good {
	t.Helper()
	for _, g := range all {
		if g.dialect == dialect {
			return g
		}
	}
	t.Fatalf("no token of %s", dialect)
	return good{}
}

// swap replaces one thing in a text, which must be there.
func swap(t testing.TB, s, old, new string) string {
	t.Helper()
	if strings.Count(s, old) != 1 {
		t.Fatalf("%q is %d times in %s", old, strings.Count(s, old), s)
	}
	return strings.Replace(s, old, new, 1)
}

// member gives `"name":value` as it stands in a JSON object of ours.
func member(t testing.TB, object, name string) string {
	t.Helper()
	i := strings.Index(object, `"`+name+`":`)
	if i < 0 {
		t.Fatalf("no %s in %s", name, object)
	}
	depth, quoted := 0, false
	for j := i + len(name) + 3; j < len(object); j++ {
		switch c := object[j]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[':
			depth++
		case c == ']':
			depth--
		case (c == ',' || c == '}') && depth == 0:
			return object[i:j]
		}
	}
	t.Fatalf("no end of %s in %s", name, object)
	return ""
}
