package hr_test

import (
	"encoding/base64"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/hr"
)

func TestACursorOpensAsItWasSealed(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		filters := url.Values{}
		for range r.IntN(4) {
			filters.Add(randomText(r, 10), randomText(r, 30))
		}
		limit, position, path := r.IntN(500)+1, randomText(r, 60), "/v2/"+randomText(r, 20)
		s := hr.Seal(testNow, limit, position, filters, &testKey, testTenant, path)
		gotLimit, gotPosition, gotFilters, err := hr.OpenCursor(s, &testKey, testTenant, path, testNow.Add(23*time.Hour))
		if err != nil || gotLimit != limit || gotPosition != position || gotFilters != filters.Encode() {
			t.Fatalf("%q: %d %q %q %v, want %d %q %q", s, gotLimit, gotPosition, gotFilters, err, limit, position, filters.Encode())
		}
		if len(s) > 4096 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
			t.Fatalf("%q cannot stand in a URL", s)
		}
	}
}

func randomText(r *rand.Rand, most int) string {
	b := make([]byte, r.IntN(most))
	for i := range b {
		b[i] = byte(r.IntN(256))
	}
	return string(b)
}

func TestACursorOpensNowhereElse(t *testing.T) {
	t.Parallel()
	const path = "/v2/persons"
	s := hr.Seal(testNow, 10, "13", url.Values{"email": {"a@b.test"}}, &testKey, testTenant, path)
	other := testKey
	other[0]++
	for name, open := range map[string]func() error{
		"another tenant": func() error { _, _, _, err := hr.OpenCursor(s, &testKey, "other", path, testNow); return err },
		"another list": func() error {
			_, _, _, err := hr.OpenCursor(s, &testKey, testTenant, "/v2/absence-types", testNow)
			return err
		},
		"another key": func() error { _, _, _, err := hr.OpenCursor(s, &other, testTenant, path, testNow); return err },
		"a day later": func() error {
			_, _, _, err := hr.OpenCursor(s, &testKey, testTenant, path, testNow.Add(25*time.Hour))
			return err
		},
		"the end cut off": func() error {
			_, _, _, err := hr.OpenCursor(s[:len(s)-1], &testKey, testTenant, path, testNow)
			return err
		},
		"nothing":          func() error { _, _, _, err := hr.OpenCursor("cur_", &testKey, testTenant, path, testNow); return err },
		"another's cursor": func() error { _, _, _, err := hr.OpenCursor("12", &testKey, testTenant, path, testNow); return err },
		"a long one": func() error {
			_, _, _, err := hr.OpenCursor("cur_"+strings.Repeat("A", 5000), &testKey, testTenant, path, testNow)
			return err
		},
	} {
		e := postern.AsError(open())
		if e == nil || e.Code != postern.Invalid || e.Param != "cursor" || e.Hint == "" {
			t.Errorf("%s: %v, want a refusal that names the cursor", name, e)
		} else if stale := strings.Contains(e.Msg, "stale"); stale != (name == "a day later") {
			t.Errorf("%s: %q", name, e.Msg)
		}
	}
}

// Any bit of a cursor that is turned makes it another's.
func TestATamperedCursorIsRefused(t *testing.T) {
	t.Parallel()
	s := hr.Seal(testNow, 10, "13", nil, &testKey, testTenant, "/v2/persons")
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(s, "cur_"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		for bit := range 8 {
			raw[i] ^= 1 << bit
			if _, _, _, err := hr.OpenCursor("cur_"+base64.RawURLEncoding.EncodeToString(raw), &testKey, testTenant, "/v2/persons", testNow); err == nil {
				t.Errorf("byte %d bit %d was turned and nobody noticed", i, bit)
			}
			raw[i] ^= 1 << bit
		}
	}
}

// A cursor carries the filters: what stands beside it has to be the same.
func TestACursorCarriesItsFilters(t *testing.T) {
	t.Parallel()
	long := strings.TrimSuffix(strings.Repeat("someone.with.a.long.name@firm.test,", 90), ",")
	for name, c := range map[string]struct {
		first, beside string
		status        int
	}{
		"alone":             {"first_name=Ada&limit=2", "", 200},
		"the same":          {"first_name=Ada&limit=2", "&first_name=Ada", 200},
		"another":           {"first_name=Ada&limit=2", "&first_name=Bo", 400},
		"one more":          {"first_name=Ada&limit=2", "&last_name=Bo", 400},
		"an unknown one":    {"first_name=Ada&limit=2", "&new=1", 200},
		"another limit":     {"first_name=Ada&limit=2", "&limit=3", 400},
		"a bad limit":       {"first_name=Ada&limit=2", "&limit=0", 400},
		"ids regrouped":     {"id=1,2&id=3", "&id=1&id=2,3", 200},
		"long, as linked":   {"email=" + long, "", 200},
		"long, and another": {"email=" + long, "&first_name=Bo", 400},
	} {
		person := map[string]any{"ID": 12.0, "FirstName": "Ada"}
		page := map[string]any{"Items": []any{person}, "Next": "12"}
		dir := &scripted{t: t, steps: []step{{Call: "Persons", Gives: page}, {Call: "Persons", Gives: page}}}
		h := newHouse(dir).handler(t)
		next := nextOf(t, send(t, h, "GET", "/v2/persons?"+c.first, ""))
		u, err := url.Parse(next)
		if err != nil || u.Scheme+"://"+u.Host != testOrigin || len(u.Query().Get("cursor")) > 4096 {
			t.Fatalf("%s: next link %q", name, next)
		}
		if strings.HasPrefix(c.beside, "&limit") {
			q := u.Query()
			q.Del("limit")
			u.RawQuery = q.Encode()
		}
		w := send(t, h, "GET", u.RequestURI()+c.beside, "")
		if w.Code != c.status {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, c.status)
		}
		if w.Code == 200 && len(dir.asked) == 2 {
			a, b := dir.asked[0].With[0].(map[string]any), dir.asked[1].With[0].(map[string]any)
			if b["After"] != "12" {
				t.Errorf("%s: the second page begins after %v", name, b["After"])
			}
			delete(b, "After")
			if !same(a, b) {
				t.Errorf("%s: asked %v and then %v", name, a, b)
			}
		}
	}
}
