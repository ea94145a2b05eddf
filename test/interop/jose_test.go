package interop_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"strings"
	"testing"
)

// A reader of JWS and JWK from RFC 7515, 7517, 7518 and 8037 and the standard
// library alone: the libraries that read Go's tokens share their code with what
// writes ours, and one that does not share it finds what the two agree on wrongly.

var b64 = base64.RawURLEncoding.Strict()

// token is a compact JWS taken apart.
type token struct {
	header, payload string // as signed, decoded
	signed          string
	signature       []byte
}

func split(t testing.TB, raw string) token {
	t.Helper()
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		t.Fatalf("a compact JWS has three parts, this has %d", len(parts))
	}
	var decoded [3][]byte
	for i, p := range parts {
		var err error
		if decoded[i], err = b64.DecodeString(p); err != nil {
			t.Fatalf("part %d of the token is not base64url without padding: %v", i, err)
		}
	}
	return token{string(decoded[0]), string(decoded[1]), parts[0] + "." + parts[1], decoded[2]}
}

// claims decodes the payload.
func (k token) claims(t testing.TB) []member { t.Helper(); return members(t, k.payload) }

// named gives a member of the header, "" if it is not there.
func (k token) named(t testing.TB, name string) string {
	t.Helper()
	for _, m := range members(t, k.header) {
		if m.name == name {
			return as[string](t, []member{m}, name)
		}
	}
	return ""
}

// jwk is a public key as published.
type jwk struct {
	Kty, Kid, Alg, Use, Crv string
	N, E, X, Y              string
}

// publishedKeys reads the key set at the address that the metadata names, and fails
// the test if it holds anything but public signature keys.
func publishedKeys(t testing.TB, d *demo) []jwk {
	t.Helper()
	doc := send(t, http.MethodGet, d.url+"/.well-known/oauth-authorization-server", "")
	set := send(t, http.MethodGet, as[string](t, members(t, doc.body), "jwks_uri"), "")
	if set.status != http.StatusOK {
		t.Fatalf("key set: status %d", set.status)
	}
	var raw struct{ Keys []json.RawMessage }
	if err := json.Unmarshal([]byte(set.body), &raw); err != nil || len(raw.Keys) == 0 {
		t.Fatalf("key set: %v in %s", err, set.body)
	}
	var keys []jwk
	for _, r := range raw.Keys {
		var k jwk
		if err := json.Unmarshal(r, &k); err != nil {
			t.Fatalf("key set: %v in %s", err, r)
		}
		for _, m := range members(t, string(r)) {
			if !strings.Contains(" kty kid alg use crv n e x y ", " "+m.name+" ") {
				t.Errorf("key %s publishes a member %q", k.Kid, m.name)
			}
		}
		if k.Use != "sig" || k.Kid == "" || k.Alg == "" {
			t.Errorf("key %+v: want use sig, a kid and an alg", k)
		}
		keys = append(keys, k)
	}
	return keys
}

func number(t testing.TB, s string) []byte {
	t.Helper()
	b, err := b64.DecodeString(s)
	if err != nil || len(b) == 0 {
		t.Fatalf("%q is not base64url: %v", s, err)
	}
	return b
}

// public makes a key of the standard library.
func (k jwk) public(t testing.TB) crypto.PublicKey {
	t.Helper()
	switch k.Kty + "/" + k.Alg + "/" + k.Crv {
	case "EC/ES256/P-256":
		x, y := number(t, k.X), number(t, k.Y)
		if len(x) != 32 || len(y) != 32 { // RFC 7518 section 6.2.1.2: leading zeros stay
			t.Fatalf("key %s has coordinates of %d and %d octets, want 32", k.Kid, len(x), len(y))
		}
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
		if err != nil {
			t.Fatalf("key %s: %v", k.Kid, err)
		}
		return key
	case "RSA/RS256/":
		e := new(big.Int).SetBytes(number(t, k.E))
		return &rsa.PublicKey{N: new(big.Int).SetBytes(number(t, k.N)), E: int(e.Int64())}
	case "OKP/EdDSA/Ed25519":
		x := number(t, k.X)
		if len(x) != ed25519.PublicKeySize {
			t.Fatalf("key %s has %d octets, want %d", k.Kid, len(x), ed25519.PublicKeySize)
		}
		return ed25519.PublicKey(x)
	}
	t.Fatalf("key %s: no reader for %s, %s, %s", k.Kid, k.Kty, k.Alg, k.Crv)
	return nil
}

// verifies says whether the key made the signature. The key decides the algorithm.
func (k jwk) verifies(t testing.TB, tok token) bool {
	t.Helper()
	sum := sha256.Sum256([]byte(tok.signed))
	switch key := k.public(t).(type) {
	case *ecdsa.PublicKey:
		if len(tok.signature) != 64 { // RFC 7518 section 3.4: R and S of full length
			return false
		}
		r, s := new(big.Int).SetBytes(tok.signature[:32]), new(big.Int).SetBytes(tok.signature[32:])
		return ecdsa.Verify(key, sum[:], r, s)
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], tok.signature) == nil
	case ed25519.PublicKey:
		return ed25519.Verify(key, []byte(tok.signed), tok.signature)
	}
	return false
}

// signers gives the kids of the published keys that made the token's signature.
func signers(t testing.TB, keys []jwk, tok token) []string {
	t.Helper()
	var out []string
	for _, k := range keys {
		if k.verifies(t, tok) {
			out = append(out, k.Kid)
		}
	}
	return out
}

// compact joins header, payload and signature.
func compact(header, payload string, sign func(input string) []byte) string {
	input := b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString([]byte(payload))
	return input + "." + b64.EncodeToString(sign(input))
}

// forgery is a token that nobody may take for ours, and how it came about.
type forgery struct{ name, raw string }

// forgeries makes what attackers make of a genuine token and the published keys.
func forgeries(t testing.TB, genuine string, keys []jwk) []forgery {
	t.Helper()
	tok, parts := split(t, genuine), strings.Split(genuine, ".")
	unsigned := func(string) []byte { return nil }
	headed := func(alg string) string {
		return object("alg", alg, "kid", tok.named(t, "kid"), "typ", tok.named(t, "typ"))
	}
	out := []forgery{
		{"alg none", compact(headed("none"), tok.payload, unsigned)},
		{"alg None, as lax readers take it", compact(headed("None"), tok.payload, unsigned)},
		{"the signature cut off", parts[0] + "." + parts[1] + "."},
		{"the signature shortened", genuine[:len(genuine)-4]},
		{"a claim changed", parts[0] + "." + b64.EncodeToString([]byte(strings.Replace(tok.payload, "demo", "acme", 1))) + "." + parts[2]},
		{"a signature of zeros", compact(tok.header, tok.payload, func(string) []byte { return make([]byte, 64) })},
	}
	mine, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(input string) []byte {
		sum := sha256.Sum256([]byte(input))
		r, s, err := ecdsa.Sign(rand.Reader, mine, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	}
	point, err := mine.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	embedded := `{"alg":"ES256","typ":"at+jwt","jwk":` + object("kty", "EC", "crv", "P-256",
		"x", b64.EncodeToString(point[1:33]), "y", b64.EncodeToString(point[33:])) + "}"
	out = append(out, forgery{"another key under our kid", compact(headed("ES256"), tok.payload, sign)},
		forgery{"a key of its own in the header", compact(embedded, tok.payload, sign)})
	for _, k := range keys { // RFC 8725 section 2.1: the public key taken for a shared secret
		der, err := x509.MarshalPKIXPublicKey(k.public(t))
		if err != nil {
			t.Fatal(err)
		}
		text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		for form, secret := range map[string][]byte{"PEM": text, "DER": der} {
			header := object("alg", "HS256", "kid", k.Kid, "typ", "at+jwt")
			out = append(out, forgery{"HS256 with our public " + k.Alg + " key as " + form, compact(header, tok.payload, func(input string) []byte {
				m := hmac.New(sha256.New, secret)
				m.Write([]byte(input))
				return m.Sum(nil)
			})})
		}
	}
	return out
}
