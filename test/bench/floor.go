package main

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
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	_ "net/http/pprof" // on http.DefaultServeMux
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The floor is the least that any token endpoint written in Go has to do, and nothing
// that a real one has to do besides. For each request it
//
//   - reads HTTP with net/http, without a mux, a timeout, a bound or a log line;
//   - parses the same form (http.Request.ParseForm) and the same Basic credentials;
//   - computes one SHA-256 over the secret, and compares it with nothing;
//   - encodes a JWS of the same header and payload as Postern's token and makes one
//     signature of the same algorithm over it (for introspection: verifies one;
//     for a person: hashes one password with the same parameters before);
//   - writes an answer of the same bytes but for the signature, with the three header
//     fields that RFC 6749 section 5.1 asks for.
//
// It looks nobody up, draws no token id, reads no clock, keeps no record and writes to
// no disk. It is built with the same flags and runs as a process of its own with the
// runtime's defaults, as Postern does.
type floor struct {
	cfg    floorConfig
	sign   func(input []byte) []byte
	public *ecdsa.PublicKey
}

// floorCommand runs this program as the floor. Its configuration comes by standard
// input and its address goes to standard output.
const floorCommand = "floor"

// floorConfig says what the floor does. Bodies are base64 in JSON, which nobody
// measures.
type floorConfig struct {
	Alg      string
	Header   []byte // of the token
	Payload  []byte
	Before   []byte // of the answer, what stands around the token
	After    []byte
	Public   []byte // the key to verify with, PKIX; empty when the floor signs
	Password bool
	// Body, when there is one, is all that the floor answers, to any GET: it is then
	// the least that an API which serves these bytes has to do.
	Body []byte
}

// serveFloor answers until it is killed.
func serveFloor(in io.Reader, out io.Writer) error {
	f := &floor{}
	if err := json.NewDecoder(in).Decode(&f.cfg); err != nil {
		return err
	}
	if len(f.cfg.Public) > 0 {
		key, err := x509.ParsePKIXPublicKey(f.cfg.Public)
		if err != nil {
			return err
		}
		f.public = key.(*ecdsa.PublicKey) //nolint:errcheck // its sender is this program
	} else if len(f.cfg.Body) == 0 {
		if err := f.makeKey(); err != nil {
			return err
		}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, ln.Addr()); err != nil {
		return err
	}
	return http.Serve(ln, f) //nolint:gosec // bare is what it is for
}

func (f *floor) makeKey() error {
	hashed := func(sign func(digest []byte) ([]byte, error)) func([]byte) []byte {
		return func(input []byte) []byte {
			digest := sha256.Sum256(input)
			sig, err := sign(digest[:])
			if err != nil {
				panic(err)
			}
			return sig
		}
	}
	switch f.cfg.Alg {
	case "ES256":
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		// It leaves the signature as it comes: eight bytes more than R||S, no conversion.
		f.sign = hashed(func(digest []byte) ([]byte, error) { return ecdsa.SignASN1(rand.Reader, key, digest) })
		return err
	case "RS256":
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		f.sign = hashed(func(digest []byte) ([]byte, error) { return rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest) })
		return err
	case "EdDSA":
		_, key, err := ed25519.GenerateKey(rand.Reader)
		f.sign = func(input []byte) []byte { return ed25519.Sign(key, input) }
		return err
	case "HS256":
		key := make([]byte, 32)
		_, err := rand.Read(key)
		f.sign = func(input []byte) []byte {
			m := hmac.New(sha256.New, key)
			m.Write(input)
			return m.Sum(nil)
		}
		return err
	}
	return fmt.Errorf("the floor knows no %q", f.cfg.Alg)
}

// ServeHTTP is the floor.
func (f *floor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet { // the bench's own questions
		if r.URL.Path == "/metrics" {
			floorMetrics(w)
			return
		}
		if len(f.cfg.Body) > 0 {
			h := w.Header()
			h["Content-Type"] = []string{"application/json"}
			h["Content-Length"] = []string{strconv.Itoa(len(f.cfg.Body))}
			_, _ = w.Write(f.cfg.Body)
			return
		}
		http.DefaultServeMux.ServeHTTP(w, r)
		return
	}
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	secret := r.PostForm.Get("client_secret")
	if _, basic, ok := r.BasicAuth(); ok {
		secret = basic
	}
	if f.cfg.Password {
		// Salt and parameters as in issuer/passwords.go.
		secret = string(argon2.IDKey([]byte(r.PostForm.Get("password")), make([]byte, 16), 2, 19456, 1, 32))
	}
	if sha256.Sum256([]byte(secret)) == [sha256.Size]byte{} { // so that the sum is computed
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Cache-Control"] = []string{"no-store"}
	h["Pragma"] = []string{"no-cache"}
	if f.public != nil {
		if !f.verify(r.PostForm.Get("token")) {
			http.Error(w, "no", http.StatusBadRequest)
			return
		}
		_, _ = w.Write(f.cfg.Before)
		return
	}
	_, _ = w.Write(f.answer())
}

var b64url = base64.RawURLEncoding

// answer makes the token in its place in the answer.
func (f *floor) answer() []byte {
	out := make([]byte, 0, 2048)
	out = append(out, f.cfg.Before...)
	at := len(out)
	out = b64url.AppendEncode(out, f.cfg.Header)
	out = append(out, '.')
	out = b64url.AppendEncode(out, f.cfg.Payload)
	sig := f.sign(out[at:])
	out = append(out, '.')
	out = b64url.AppendEncode(out, sig)
	return append(out, f.cfg.After...)
}

// verify checks an ES256 token.
func (f *floor) verify(token string) bool {
	dot := strings.LastIndexByte(token, '.')
	if dot < 0 {
		return false
	}
	sig, err := b64url.DecodeString(token[dot+1:])
	if err != nil || len(sig) != 64 {
		return false
	}
	digest := sha256.Sum256([]byte(token[:dot]))
	return ecdsa.Verify(f.public, digest[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:]))
}

func floorMetrics(w http.ResponseWriter) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Fprintf(w, "%s %d\n%s %d\n", metricMallocs, m.Mallocs, metricBytes, m.TotalAlloc)
}

// floorFor gives the configuration of the floor of a row, from an answer that Postern
// gave in it.
func floorFor(r row, d *database, answer []byte) (cfg floorConfig, err error) {
	if r.verify {
		return floorConfig{Before: answer, Public: d.public}, nil
	}
	before, rest, ok1 := strings.Cut(string(answer), r.ask.before)
	token, after, ok2 := strings.Cut(rest, `"`)
	parts := strings.Split(token, ".")
	if !ok1 || !ok2 || len(parts) != 3 {
		return cfg, fmt.Errorf("there is no token in %q", answer)
	}
	cfg = floorConfig{Before: []byte(before + r.ask.before), After: []byte(`"` + after), Password: r.password}
	var err1, err2 error
	cfg.Header, err1 = b64url.DecodeString(parts[0])
	cfg.Payload, err2 = b64url.DecodeString(parts[1])
	var h struct{ Alg string }
	if err := errors.Join(err1, err2, json.Unmarshal(cfg.Header, &h)); err != nil {
		return cfg, err
	}
	cfg.Alg = h.Alg
	return cfg, nil
}
