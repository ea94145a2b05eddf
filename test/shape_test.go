package test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// The shapes of a refusal. Each says what is wrong with an answer that is to be a
// refusal of its dialect, whatever its status.

// envelope is that of personio-v1.
func envelope(a answer) error {
	v, err := members(a, "application/json", "success", "error")
	if err != nil {
		return err
	}
	var e struct {
		Code    *int
		Message string
	}
	if err := json.Unmarshal(v["error"], &e); err != nil || e.Code == nil || e.Message == "" || string(v["success"]) != "false" {
		return fmt.Errorf("got %v, want success false and an error with code and message", a)
	}
	return nil
}

// problem is that of personio-v2.
func problem(a answer) error {
	v, err := members(a, "application/problem+json", "error", "error_description", "error_uri|type", "timestamp", "trace_id", "meta?")
	if err != nil {
		return err
	}
	return matches(a, v, map[string]string{"error": words, "error_description": `.{10,}`, "timestamp": `20\d\d-.*Z`, "trace_id": `[0-9a-f]{32}`})
}

// family is that of personify and comm100.
func family(a answer) error {
	v, err := members(a, "application/json; charset=UTF-8", "error", "error_description?")
	if err != nil {
		return err
	}
	return matches(a, v, map[string]string{"error": words})
}

// standard is that of RFC 6749 section 5.2.
func standard(a answer) error {
	v, err := members(a, "application/json", "error", "error_description?")
	if err != nil {
		return err
	}
	if challenged := a.header.Get("Www-Authenticate") != ""; challenged != (a.status == 401) {
		return fmt.Errorf("got %v with a challenge %v, want one with 401 only", a, challenged)
	}
	return matches(a, v, map[string]string{"error": words, "error_description": `[\x20-\x21\x23-\x5B\x5D-\x7E]+`})
}

const words = `invalid_request|invalid_client|invalid_grant|unauthorized_client|unsupported_grant_type|invalid_scope|invalid_target|temporarily_unavailable|server_error`

// members checks the media type, the cache headers and the names of the members: a
// name with "?" may be missing, of two joined by "|" there is one.
func members(a answer, kind string, names ...string) (map[string]json.RawMessage, error) {
	v := map[string]json.RawMessage{}
	if err := json.Unmarshal(a.body, &v); err != nil {
		return nil, fmt.Errorf("got %v, want a JSON object: %w", a, err)
	}
	if got := a.header.Get("Content-Type"); got != kind {
		return nil, fmt.Errorf("got %v as %q, want %q", a, got, kind)
	}
	if got := a.header.Get("Cache-Control"); !strings.Contains(got, "no-store") || a.header.Get("Pragma") != "no-cache" {
		return nil, fmt.Errorf("got %v with Cache-Control %q, want no-store, and Pragma no-cache", a, got)
	}
	rest := slices.Collect(maps.Keys(v))
	for _, name := range names {
		name, optional := strings.CutSuffix(name, "?")
		among := strings.Split(name, "|")
		before := len(rest)
		rest = slices.DeleteFunc(rest, func(s string) bool { return slices.Contains(among, s) })
		if n := before - len(rest); n > 1 || n == 0 && !optional {
			return nil, fmt.Errorf("got %v with %d of %q, want one", a, n, name)
		}
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("got %v with %q, want no such members", a, rest)
	}
	return v, nil
}

func matches(a answer, v map[string]json.RawMessage, patterns map[string]string) error {
	for name, pattern := range patterns {
		raw, ok := v[name]
		if !ok {
			continue
		}
		var s string
		if err := json.Unmarshal(raw, &s); err != nil || !regexp.MustCompile(`^(?:`+pattern+`)$`).MatchString(s) {
			return fmt.Errorf("got %v with %s %s, want %s", a, name, raw, pattern)
		}
	}
	return nil
}
