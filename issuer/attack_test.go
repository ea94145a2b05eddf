package issuer_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"

	"postern.dev/postern"
	"postern.dev/postern/issuer"
)

// The control of every attack: what is put together again unchanged is accepted.
func TestWhatWeSignedIsAccepted(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := newForger(t, h)
	for _, g := range goodTokens(t, h) {
		c, err := h.Verify(t.Context(), f.token(g.alg, g.header, g.payload), postern.Want{})
		if err != nil {
			t.Errorf("%s: %v", g.dialect, err)
		}
		if g.dialect == "comm100" != (c.Kind == postern.Human) {
			t.Errorf("%s: kind %s", g.dialect, c.Kind)
		}
	}
}

func TestTheAlgorithmIsTheKeysAndNotTheTokens(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := newForger(t, h)
	all := goodTokens(t, h)
	es, rs, hs := named(t, all, "oauth2"), named(t, all, "personify"), named(t, all, "personio-v1")
	public := map[string][]byte{}
	for _, k := range h.PublicKeys() {
		der, err := base64.StdEncoding.DecodeString(k.PublicDER)
		if err != nil {
			t.Fatal(err)
		}
		name := string(k.Alg)
		public[name+" DER"], public[name+" base64"] = der, []byte(k.PublicDER)
		public[name+" PEM"] = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		if r, ok := k.Public.(*rsa.PublicKey); ok {
			public["modulus"] = r.N.Bytes()
			public["PKCS1"] = x509.MarshalPKCS1PublicKey(r)
			public["PKCS1 PEM"] = pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(r)})
		}
	}
	public["nothing"], public["zeros"] = []byte{}, make([]byte, 32)
	for name, secret := range public {
		for _, g := range []good{es, rs, hs} {
			for _, kid := range []string{"", f.kid[postern.RS256], f.kid[postern.ES256], f.kid[postern.HS256]} {
				for _, typ := range []string{"at+jwt", "JWT"} {
					header := `{"alg":"HS256","kid":"` + kid + `","typ":"` + typ + `"}`
					if kid == "" {
						header = `{"typ":"` + typ + `","alg":"HS256"}`
					}
					input := b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString([]byte(g.payload))
					raw := input + "." + b64.EncodeToString(signWith(t, secret, input))
					if cause := h.invalid(raw); cause != "signature" {
						t.Errorf("HS256 with %s as the secret, header %s: %q", name, header, cause)
					}
				}
			}
		}
	}
	for _, alg := range []string{`"none"`, `"None"`, `"NONE"`, `"nOnE"`, `"es256"`, `"Es256"`, `"ES256 "`, `"ES384"`, `"ES512"`,
		`"ES256K"`, `"PS256"`, `"RS512"`, `"rs256"`, `"HS384"`, `"hs256"`, `"EdDSA"`, `"Ed25519"`, `"RS256"`, `"HS256"`, `""`,
		`null`, `1`, `["ES256"]`, `{"ES256":1}`, `true`, `"RSA1_5"`, `"dir"`} {
		for _, g := range []good{es, rs, hs} {
			if alg == `"`+string(g.alg)+`"` {
				continue
			}
			header := swap(t, g.header, `"`+string(g.alg)+`"`, alg)
			input := b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString([]byte(g.payload))
			h.invalid(input + ".")
			h.invalid(input + "." + b64.EncodeToString(g.signature))
			h.invalid(f.token(g.alg, header, g.payload)) // signed anew, over this header
		}
	}
	h.invalid(f.token(es.alg, swap(t, es.header, `"alg":"ES256",`, ``), es.payload))
}

func TestTheKeyIsOursAndNamedRight(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := newForger(t, h)
	es := named(t, goodTokens(t, h), "oauth2")
	kid := `"` + f.kid[postern.ES256] + `"`
	for _, other := range []string{`"` + f.kid[postern.RS256] + `"`, `"` + f.kid[postern.EdDSA] + `"`, `"` + f.kid[postern.HS256] + `"`,
		`"unknown"`, `""`, strings.ToUpper(kid), `"` + f.kid[postern.ES256] + ` "`, `"' OR '1'='1"`, `"x'; DROP TABLE keys; --"`,
		`"../../../../etc/passwd"`, `"/dev/null"`, `"` + f.kid[postern.ES256] + `\u0000"`, `"\u0000"`, `"%00"`,
		`"` + strings.Repeat("a", 5000) + `"`, `null`, `1`, `["` + f.kid[postern.ES256] + `"]`, `{}`, `true`} {
		h.invalid(f.token(postern.ES256, swap(t, es.header, kid, other), es.payload))
	}
	h.invalid(f.token(postern.ES256, swap(t, es.header, `"kid":`+kid+`,`, ``), es.payload))

	// The key that a token brings along adds no trust.
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := own.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	jwk := `{"kty":"EC","crv":"P-256","kid":` + kid + `,"x":"` + b64.EncodeToString(point[1:33]) + `","y":"` + b64.EncodeToString(point[33:]) + `"}`
	for _, header := range []string{es.header,
		swap(t, es.header, `{`, `{"jwk":`+jwk+`,`),
		swap(t, es.header, `"kid":`+kid, `"jwk":`+jwk),
		swap(t, es.header, `{`, `{"jku":"https://evil.test/jwks.json",`),
		swap(t, es.header, `{`, `{"x5u":"https://evil.test/x.pem",`),
		swap(t, es.header, `{`, `{"x5c":["MIIB"],`),
		swap(t, es.header, `{`, `{"x5t":"AAAA",`)} {
		input := b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString([]byte(es.payload))
		h.invalid(input + "." + b64.EncodeToString(signWith(t, own, input)))
	}
	// A removed key's token.
	raw := f.token(postern.ES256, es.header, es.payload)
	h.retire(f.kid[postern.ES256])
	h.invalid(raw)
}

// Headers that we never write are refused, even over a signature of ours.
func TestTheHeaderIsAsWeWriteIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := newForger(t, h)
	all := goodTokens(t, h)
	for _, dialect := range []string{"oauth2", "personio-v1", "personify"} {
		g := named(t, all, dialect)
		typ := member(t, g.header, "typ")
		alg := member(t, g.header, "alg")
		for name, header := range map[string]string{
			"crit of a claim":      swap(t, g.header, `{`, `{"crit":["exp"],"exp":1,`),
			"crit, empty":          swap(t, g.header, `{`, `{"crit":[],`),
			"crit, no list":        swap(t, g.header, `{`, `{"crit":"exp",`),
			"crit of b64":          swap(t, g.header, `{`, `{"crit":["b64"],"b64":true,`),
			"crit of b64, off":     swap(t, g.header, `{`, `{"crit":["b64"],"b64":false,`),
			"b64 off":              swap(t, g.header, `{`, `{"b64":false,`),
			"zip":                  swap(t, g.header, `{`, `{"zip":"DEF",`),
			"enc":                  swap(t, g.header, `{`, `{"enc":"A256GCM",`),
			"p2c":                  swap(t, g.header, `{`, `{"p2c":1000000000,`),
			"alg twice":            swap(t, g.header, alg, alg+`,`+alg),
			"alg twice, one none":  swap(t, g.header, alg, `"alg":"none",`+alg),
			"typ twice":            swap(t, g.header, typ, `"typ":"x",`+typ),
			"typ in another case":  swap(t, g.header, typ, strings.ToUpper(typ[:7])+typ[7:]),
			"typ value's case":     swap(t, g.header, typ, typ[:7]+strings.ToUpper(typ[7:])+" "),
			"typ missing":          strings.NewReplacer(typ+`,`, ``, `,`+typ, ``).Replace(g.header),
			"typ of another kind":  swap(t, g.header, typ, `"typ":"dpop+jwt"`),
			"typ of an id token":   swap(t, g.header, typ, `"typ":"ID"`),
			"typ a number":         swap(t, g.header, typ, `"typ":1`),
			"typ empty":            swap(t, g.header, typ, `"typ":""`),
			"typ null":             swap(t, g.header, typ, `"typ":null`),
			"a nonce":              swap(t, g.header, `{`, `{"nonce":"x",`),
			"something unknown":    swap(t, g.header, `{`, `{"x":1,`),
			"space":                swap(t, g.header, `{`, `{ `),
			"a line":               g.header + "\n",
			"two objects":          g.header + g.header,
			"a list":               `[` + g.header + `]`,
			"no object":            `"x"`,
			"broken":               g.header[:len(g.header)-1],
			"a byte order mark":    "\ufeff" + g.header,
			"invalid UTF-8":        swap(t, g.header, `{`, "{\"x\":\"\xff\","),
			"very deep":            swap(t, g.header, `{`, `{"x":`+strings.Repeat("[", 2000)+strings.Repeat("]", 2000)+`,`),
			"a nested JWT":         swap(t, g.header, `{`, `{"cty":"JWT",`),
			"other format's typ":   swap(t, g.header, typ, map[bool]string{true: `"typ":"at+jwt"`, false: `"typ":"JWT"`}[dialect == "personio-v1"]),
			"media type of typ":    swap(t, g.header, typ, swap(t, typ, `:"`, `:"application/`)),
			"kid where none is":    strings.Replace(g.header, `"typ"`, `"kid":"`+f.kid[g.alg]+`","kid":"x","typ"`, 1),
			"embedded NUL in name": swap(t, g.header, `{`, `{"al\u0067":"none",`),
		} {
			if header == g.header {
				t.Fatalf("%s: no change", name)
			}
			if _, err := h.Verify(t.Context(), f.token(g.alg, header, g.payload), postern.Want{}); postern.CodeOf(err) != postern.Unauthenticated {
				t.Errorf("%s: header %s (%.120s): %v", dialect, name, header, err)
			}
		}
	}
}

func TestOnlyCompactTokensAreRead(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	f := newForger(t, h)
	for _, g := range goodTokens(t, h) {
		p := strings.Split(g.raw, ".")
		padded := func(i int) string {
			q := append([]string{}, p...)
			q[i] += strings.Repeat("=", 3-(len(q[i])+3)%4)
			if q[i] == p[i] {
				q[i] += "="
			}
			return strings.Join(q, ".")
		}
		for name, raw := range map[string]string{
			"empty": "", "dots": "..", "one part": p[0], "two parts": p[0] + "." + p[1], "two parts and a dot": p[0] + "." + p[1] + ".",
			"four parts": g.raw + "." + p[2], "five parts": g.raw + "..", "five full parts": g.raw + "." + p[1] + "." + p[2],
			"no header": "." + p[1] + "." + p[2], "no payload": p[0] + ".." + p[2],
			"a space before": " " + g.raw, "a space after": g.raw + " ", "a line after": g.raw + "\n", "CR LF": g.raw + "\r\n",
			"a line inside": g.raw[:20] + "\n" + g.raw[20:], "a tab inside": g.raw[:20] + "\t" + g.raw[20:],
			"a NUL after": g.raw + "\x00", "a NUL inside": g.raw[:20] + "\x00" + g.raw[20:],
			"padded header": padded(0), "padded payload": padded(1), "padded signature": padded(2),
			"with its scheme": "Bearer " + g.raw, "in quotes": `"` + g.raw + `"`, "twice": g.raw + g.raw, "with a comma": g.raw + "," + g.raw,
			"URL-encoded dots": strings.ReplaceAll(g.raw, ".", "%2E"),
			"flattened JSON":   `{"protected":"` + p[0] + `","payload":"` + p[1] + `","signature":"` + p[2] + `"}`,
			"general JSON":     `{"payload":"` + p[1] + `","signatures":[{"protected":"` + p[0] + `","signature":"` + p[2] + `"}]}`,
			"detached":         p[0] + ".." + p[2],
			"standard base64":  p[0] + "." + p[1] + "." + base64.RawStdEncoding.EncodeToString(append([]byte{0xfb, 0xff}, g.signature...)),
			"no ASCII":         g.raw[:20] + "é" + g.raw[20:],
			"full width":       g.raw[:20] + "Ａ" + g.raw[21:],
			"many dots":        strings.Repeat(".", issuer.MaxToken),
			"very long":        g.raw + strings.Repeat("A", issuer.MaxToken),
			"a megabyte":       strings.Repeat("A.", 1<<19),
		} {
			if _, err := h.Verify(t.Context(), raw, postern.Want{}); postern.CodeOf(err) != postern.Unauthenticated {
				t.Errorf("%s, %s: %v", g.dialect, name, err)
			}
		}
		// Long, but within the bound and well signed: not a payload of ours.
		h.invalid(f.token(g.alg, g.header, swap(t, g.payload[:1], `{`, `{"x":"`+strings.Repeat("x", 5000)+`",`)+g.payload[1:]))
	}
}

// There is one spelling of a token: the spare bits of the last digits are zero.
func TestSpareBitsMakeNoOtherToken(t *testing.T) {
	t.Parallel()
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	h := newHouse(t)
	tried := 0
	for _, g := range goodTokens(t, h) {
		p := strings.Split(g.raw, ".")
		for i, part := range p {
			want, _ := b64.DecodeString(part)
			for _, c := range alphabet {
				other := part[:len(part)-1] + string(c)
				if got, err := b64.DecodeString(other); other == part || err != nil || string(got) != string(want) {
					continue
				}
				tried++
				q := append([]string{}, p...)
				q[i] = other
				h.invalid(strings.Join(q, "."))
			}
		}
	}
	if tried == 0 {
		t.Error("no other spelling was tried")
	}
}

func TestSignaturesHaveTheOneForm(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	all := goodTokens(t, h)
	es := named(t, all, "oauth2")
	input := es.raw[:strings.LastIndex(es.raw, ".")+1]
	r, s := new(big.Int).SetBytes(es.signature[:32]), new(big.Int).SetBytes(es.signature[32:])
	der, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
	if err != nil {
		t.Fatal(err)
	}
	n := elliptic.P256().Params().N
	for name, sig := range map[string][]byte{
		"DER": der, "nothing": {}, "one byte": {0}, "zeros": make([]byte, 64), "63 bytes": es.signature[:63],
		"65 bytes": append(es.signature[:64:64], 0), "a leading zero": append([]byte{0}, es.signature...),
		"twice": append(es.signature[:64:64], es.signature...), "halves exchanged": append(es.signature[32:64:64], es.signature[:32]...),
		"r only": append(es.signature[:32:32], make([]byte, 32)...), "s only": append(make([]byte, 32), es.signature[32:]...),
		"order as r": append(n.Bytes(), es.signature[32:]...), "r beyond the order": append(new(big.Int).Add(n, big.NewInt(1)).Bytes(), es.signature[32:]...),
		"all ones": []byte(strings.Repeat("\xff", 64)),
	} {
		raw := input + b64.EncodeToString(sig)
		if _, err := h.Verify(t.Context(), raw, postern.Want{}); postern.CodeOf(err) != postern.Unauthenticated {
			t.Errorf("ES256 signature %s: %v", name, err)
		}
	}
	for _, dialect := range []string{"personify", "personio-v1"} {
		g := named(t, all, dialect)
		input := g.raw[:strings.LastIndex(g.raw, ".")+1]
		for name, sig := range map[string][]byte{"shorter": g.signature[:len(g.signature)-1], "longer": append(g.signature[:len(g.signature):len(g.signature)], 0),
			"zeros": make([]byte, len(g.signature)), "a leading zero": append([]byte{0}, g.signature...), "half": g.signature[:len(g.signature)/2]} {
			if _, err := h.Verify(t.Context(), input+b64.EncodeToString(sig), postern.Want{}); postern.CodeOf(err) != postern.Unauthenticated {
				t.Errorf("%s signature %s: %v", dialect, name, err)
			}
		}
	}
	// (r, n-s) is as good a signature as (r, s), which is ECDSA's nature. It is the
	// same token, and is revoked with it.
	turned := append(es.signature[:32:32], new(big.Int).Sub(n, s).FillBytes(make([]byte, 32))...)
	other := input + b64.EncodeToString(turned)
	if err := h.Revoke(t.Context(), postern.Request{}, es.raw); err != nil {
		t.Fatal(err)
	}
	if cause := h.invalid(other); cause != "revoked" {
		t.Errorf("a revoked token with its signature turned over is refused for %q", cause)
	}
}

func TestNoChangedTokenIsValid(t *testing.T) {
	t.Parallel()
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	h := newHouse(t)
	for _, g := range goodTokens(t, h) {
		if g.alg == postern.RS256 && testing.Short() {
			continue
		}
		check := func(what string, i int, raw string) {
			if _, err := h.Verify(t.Context(), raw, postern.Want{}); postern.CodeOf(err) != postern.Unauthenticated {
				t.Errorf("%s token %s at %d of %d: %v", g.dialect, what, i, len(g.raw), err)
			}
		}
		for i := range len(g.raw) {
			check("truncated", i, g.raw[:i])
			check("without its beginning", i, g.raw[i+1:])
			check("without a character", i, g.raw[:i]+g.raw[i+1:])
			at := strings.IndexByte(alphabet, g.raw[i])
			for _, other := range []byte{alphabet[(at+64+1)%64], alphabet[(at+64+32)%64], '.', g.raw[i] ^ 0x20, g.raw[i] ^ 0x80} {
				if other != g.raw[i] {
					check("changed", i, g.raw[:i]+string(rune(other))+g.raw[i+1:])
				}
			}
		}
		for _, c := range alphabet + ".= " {
			check("extended", len(g.raw), g.raw+string(c))
		}
	}
}

func TestLongInputsCostNothing(t *testing.T) {
	h := newHouse(t)
	long := strings.Repeat("A.", 1<<20)
	if n := testing.AllocsPerRun(100, func() { _, _ = h.Verify(t.Context(), long, postern.Want{}) }); n > 3 {
		t.Errorf("two megabytes of dots cost %v allocations", n)
	}
}
