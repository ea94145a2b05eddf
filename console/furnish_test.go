package console_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"postern.dev/postern"
)

// furnish gives a town a past.
func (t *town) furnish() {
	t.keys = []postern.KeyStanding{
		{Key: postern.Key{ID: "4f1d2c90ab", Alg: postern.ES256, Generation: 7, CreatedAt: noon.AddDate(0, -2, 0), SignFrom: noon.AddDate(0, -2, 1)}, State: postern.KeyActive},
		{Key: postern.Key{ID: "9a0be113fe", Alg: postern.ES256, Generation: 8, CreatedAt: noon.Add(-time.Hour), SignFrom: noon.AddDate(0, 0, 1)}, State: postern.KeyNext},
		{Key: postern.Key{ID: "77c0de2211", Alg: postern.RS256, Generation: 2, CreatedAt: noon.AddDate(0, -2, 0), SignFrom: noon.AddDate(0, -2, 1)}, State: postern.KeyActive},
		{Key: postern.Key{ID: "00aa11bb22", Alg: postern.RS256, Generation: 1, CreatedAt: noon.AddDate(0, -5, 0), SignFrom: noon.AddDate(0, -5, 1), RemoveAt: noon.AddDate(0, 0, 2)}, State: postern.KeyRetiring},
	}
	for i := range 40 {
		e := postern.Event{Tenant: "acme", Seq: int64(i + 1), At: noon.Add(time.Duration(i-40) * 7 * time.Minute), Action: postern.ActTokenIssued,
			Actor: "client:aaclient", ClientID: "aaclient", Dialect: "first", TokenID: fmt.Sprintf("%032x", i), Scope: "api:persons:read", Source: "192.0.2.7", Via: "form"}
		switch {
		case i%9 == 4:
			e.Action, e.Code, e.Cause, e.TokenID, e.Via = postern.ActTokenRefused, postern.Unauthenticated, "wrong secret", "", "query"
		case i == 22:
			e.Action, e.Actor, e.Object, e.Detail, e.TokenID = postern.ActClientChanged, "operator:ada", "aaclient", "scopes: api:persons:read", ""
		}
		sum := sha256.Sum256([]byte{byte(i)})
		e.Hash = hex.EncodeToString(sum[:])
		t.events = append(t.events, e)
	}
	for d := range 30 {
		at := noon.Truncate(24*time.Hour).AddDate(0, 0, d-29)
		n := int64(220 + 90*((d*7)%5) + 12*d)
		if wd := at.Weekday(); wd == time.Saturday || wd == time.Sunday {
			n /= 5
		}
		t.usage.Steps = append(t.usage.Steps,
			postern.UsageStep{At: at, Dialect: "first", Issued: n, Refused: int64((d * 3) % 7)},
			postern.UsageStep{At: at, Dialect: "second", Issued: n / 3, Refused: int64(d % 3)},
			postern.UsageStep{At: at, Dialect: "oauth2", Issued: n / 5})
	}
	t.usage.Clients = []postern.ClientUsage{
		{ClientID: "aaclient", Issued: 9120, Refused: 61, Query: 14, Last: noon.Add(-2 * time.Minute)},
		{ClientID: "abclient", Issued: 2210, Last: noon.Add(-50 * time.Minute)},
		{ClientID: "adclient", Issued: 64, Refused: 212, Last: noon.Add(-26 * time.Hour)},
	}
	t.usage.Through = noon.Add(-3 * time.Second)
	t.refusals = []postern.Refusal{
		{At: noon.Add(-9 * time.Minute), Dialect: "first", Cause: "wrong secret", Source: "198.51.100.9", Count: 12},
		{At: noon.Add(-5 * time.Hour), Dialect: "second", Cause: "address not allowed", Source: "203.0.113.77", Count: 1},
	}
	t.health = postern.Health{Database: "sqlite", Version: "v0.6.0",
		Nodes:    []postern.Node{{Name: "gate-1", URL: "https://gate.example.org", Version: "v0.6.0", StartedAt: noon.AddDate(0, 0, -6), SeenAt: noon.Add(-4 * time.Second)}},
		Expiring: []postern.ExpiringSecret{{Tenant: "acme", ClientID: "aaclient", Name: "Payroll sync", ExpiresAt: noon.AddDate(0, 0, 12)}},
		Warnings: []string{"tokens are served in clear on a loopback address"}}
	t.sandboxes["acme"] = postern.Sandbox{Tenant: "acme", Log: true, Switches: map[string]string{"single-get": "wrapped"},
		Faults: []postern.Fault{{Path: "/v2/persons", Kind: "429", Rate: .2}, {Kind: "slow", Rate: 1, Delay: 3 * time.Second}}}
	for i := range 12 {
		v := postern.Visit{Tenant: "acme", Seq: int64(200 - i), At: noon.Add(-time.Duration(i) * 11 * time.Second), ClientID: "aaclient", Method: "GET",
			Path: "/v2/persons?limit=50", Status: 200, Took: 3200 * time.Microsecond, RequestID: strings.Repeat("0f", 16)}
		if i%5 == 3 {
			v.Status, v.Note = 429, "fault: 429"
		}
		t.visits = append(t.visits, v)
	}
}
