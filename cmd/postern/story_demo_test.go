package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func init() {
	storyCommands["tour"], storyCommands["silent"], storyCommands["certificate"] = storyTour, storySilent, storyCertificate
}

// storyTour pastes every command that `serve --demo` printed into a shell of its own,
// and wants a token from each, or data where it asks for data:
//
//	tour FILE
func storyTour(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(poll(patience, func() error { // the tour comes after the line that says listening
		if tour := ts.ReadFile(args[0]); !strings.Contains(tour, "Ctrl-C") {
			return fmt.Errorf("the tour is not at its end: %s", tour)
		}
		return nil
	}))
	var pasted []string
	token := regexp.MustCompile(`"(access_token|token)":"eyJ[\w-]+\.[\w-]+\.[\w-]+"`)
	data := regexp.MustCompile(`^\{"(_data"|success":true,.*"data"):\[\{"`)
	tools := regexp.MustCompile(`"name":"get_person"[^\n]*\n\{.*"structuredContent":\{.*"person_name":"`)
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		if !strings.HasPrefix(line, ". '") {
			continue
		}
		pasted = append(pasted, line)
		want := token
		if strings.Contains(line, "$MCP_URL") {
			want = tools
		} else if strings.Contains(line, "TOKEN=$(") {
			want = data
		}
		if err := ts.Exec("sh", "-c", line); err != nil || !want.MatchString(ts.ReadFile("stdout")) || ts.ReadFile("stderr") != "" {
			ts.Fatalf("tour: %s: got %v %s%s, want %v", line, err, ts.ReadFile("stdout"), ts.ReadFile("stderr"), want)
		}
	}
	if want := []string{"/v1/auth", "/v2/auth/token", "/connect/token", "/oauth/token", "OAUTH2_TOKEN_URL", "/v2/persons", "/v2/absence-periods",
		"/v1/company/employees", "X-Tenant-Id"}; len(pasted) < len(want) {
		ts.Fatalf("tour: got %d commands, want one for each of %v: %s", len(pasted), want, pasted)
	}
}

// storySilent wants that files hold none of the secrets of a demo.env:
//
//	silent DEMO.ENV FILE …
func storySilent(ts *testscript.TestScript, _ bool, args []string) {
	secrets := 0
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if value = strings.Trim(value, "'"); !ok || !strings.Contains(name, "SECRET") && !strings.Contains(name, "PASSWORD") {
			continue
		}
		secrets++
		for _, file := range args[1:] {
			if value == "" || strings.Contains(ts.ReadFile(file), value) {
				ts.Fatalf("silent: %s holds %s, or it is empty", file, name)
			}
		}
	}
	if secrets < 5 {
		ts.Fatalf("silent: got %d secrets in %s, want 5 at least", secrets, args[0])
	}
}

// storyCertificate writes c.pem and k.pem for 127.0.0.1; http trusts c.pem:
//
//	certificate
func storyCertificate(ts *testscript.TestScript, _ bool, _ []string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	now := time.Now()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	ts.Check(err)
	plan := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "story"}, IsCA: true,
		BasicConstraintsValid: true, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	cert, err := x509.CreateCertificate(rand.Reader, plan, plan, &key.PublicKey, key)
	ts.Check(err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	for name, block := range map[string]*pem.Block{"c.pem": {Type: "CERTIFICATE", Bytes: cert}, "k.pem": {Type: "PRIVATE KEY", Bytes: der}} {
		ts.Check(os.WriteFile(filepath.Join(ts.MkAbs("."), name), pem.EncodeToMemory(block), 0o600))
	}
}
