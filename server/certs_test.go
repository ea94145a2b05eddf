package server_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/server"
)

type certFiles struct{ cert, key string }

// newCert writes a self-signed certificate that expires after life.
func newCert(t testing.TB, name string, life time.Duration) certFiles {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(life),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	f := certFiles{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	write(t, f.cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	write(t, f.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
	return f
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// become copies the files of other over those of f.
func (f certFiles) become(t testing.TB, other certFiles) {
	t.Helper()
	for _, p := range [][2]string{{f.cert, other.cert}, {f.key, other.key}} {
		data, err := os.ReadFile(p[1])
		if err != nil {
			t.Fatal(err)
		}
		write(t, p[0], data)
	}
}

func insecureClient() *http.Client {
	return &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{
		ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
}

// served gives the name in the certificate that a new connection sees.
func served(t testing.TB, s *running) string {
	t.Helper()
	c, err := tls.Dial("tcp", s.addr(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatalf("TLS: %v", err)
	}
	defer func() { _ = c.Close() }()
	return c.ConnectionState().PeerCertificates[0].Subject.CommonName
}

func TestReloadTakesAGoodCertificateAndKeepsTheOldOneOtherwise(t *testing.T) {
	t.Parallel()
	files := newCert(t, "one.test", time.Hour)
	s := start(t, server.Config{TLSCert: files.cert, TLSKey: files.key, CertPoll: time.Hour})
	if got := served(t, s); got != "one.test" {
		t.Fatalf("got %s at first", got)
	}
	files.become(t, newCert(t, "two.test", time.Hour))
	if err := s.Reload(); err != nil {
		t.Errorf("Reload of a good certificate: %v", err)
	}
	if got := served(t, s); got != "two.test" {
		t.Errorf("got %s, want the new certificate", got)
	}
	bad := newCert(t, "bad.test", time.Hour)
	write(t, bad.cert, []byte("no certificate"))
	mixed := newCert(t, "mixed.test", time.Hour)
	mixed.key = newCert(t, "other.test", time.Hour).key
	for name, other := range map[string]certFiles{
		"not PEM": bad, "another's key": mixed, "expired": newCert(t, "old.test", -time.Hour),
	} {
		files.become(t, other)
		if err := s.Reload(); postern.CodeOf(err) != postern.Invalid {
			t.Errorf("%s: Reload gave %v, want Invalid", name, err)
		}
		if got := served(t, s); got != "two.test" {
			t.Errorf("%s: got %s, want the old certificate kept", name, got)
		}
	}
	if n := len(s.log.records(t, "certificate kept: the new one cannot be used")); n != 3 {
		t.Errorf("got %d records of it, want 3", n)
	}
}

func TestChangedCertificateIsNoticed(t *testing.T) {
	t.Parallel()
	files := newCert(t, "one.test", time.Hour)
	s := start(t, server.Config{TLSCert: files.cert, TLSKey: files.key, CertPoll: 2 * time.Millisecond})
	write(t, files.key, []byte("half written"))
	s.log.record(t, "certificate kept: the new one cannot be used", 0)
	if got := served(t, s); got != "one.test" {
		t.Errorf("got %s, want the old certificate kept", got)
	}
	files.become(t, newCert(t, "two.test", time.Hour))
	eventually(t, "new certificate", func() bool { return served(t, s) == "two.test" })
}

func TestTLSIsModernAndSpeaksHTTP2(t *testing.T) {
	t.Parallel()
	files := newCert(t, "one.test", time.Hour)
	s := start(t, server.Config{TLSCert: files.cert, TLSKey: files.key, Routes: tokenRoutes()})
	if !strings.HasPrefix(s.URL(), "https://") {
		t.Errorf("URL is %s, want https", s.URL())
	}
	resp, err := insecureClient().Get(s.URL() + "/things/a")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.ProtoMajor != 2 || resp.StatusCode != 200 || resp.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("got %s %d, HSTS %q; want HTTP/2, 200 and HSTS", resp.Proto, resp.StatusCode, resp.Header.Get("Strict-Transport-Security"))
	}
	resp, err = insecureClient().Post(s.URL()+"//token", "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != 404 {
		t.Errorf("//token over HTTP/2: got %d, want 404", resp.StatusCode)
	}
	for name, cfg := range map[string]*tls.Config{
		"TLS 1.0": {MaxVersion: tls.VersionTLS10}, "TLS 1.1": {MaxVersion: tls.VersionTLS11},
		"CBC": {MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA}},
	} {
		cfg.InsecureSkipVerify, cfg.MinVersion = true, tls.VersionTLS10
		if c, err := tls.Dial("tcp", s.addr(), cfg); err == nil {
			_ = c.Close()
			t.Errorf("%s was accepted", name)
		}
	}
	c, err := tls.Dial("tcp", s.addr(), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatalf("TLS 1.2: %v", err)
	}
	_ = c.Close()
}

func TestInClearThereIsAWarningBeyondLoopbackOnly(t *testing.T) {
	t.Parallel()
	const warning = "tokens are served in clear"
	for listen, want := range map[string]bool{"127.0.0.1:0": false, "0.0.0.0:0": true, ":0": true} {
		var buf bytes.Buffer
		s, err := server.New(server.Config{Listen: listen, Log: slog.New(slog.NewJSONHandler(&buf, nil))})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Listen(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(buf.String(), warning); got != want {
			t.Errorf("%s: warned %v, want %v: %s", listen, got, want, buf.String())
		}
		if u := s.URL(); !strings.HasPrefix(u, "http://127.0.0.1:") || strings.HasSuffix(u, ":0") {
			t.Errorf("%s: URL is %s, want loopback and the port", listen, u)
		}
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}
