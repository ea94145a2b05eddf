package mcptool_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/mcptool"
)

// judge is a caller whose scopes the API checks.
func judge() mcptool.Caller {
	return mcptool.Caller{Tenant: "acme", ClientID: "upstream-client", Actor: "cli:me", Judged: true}
}

// Each failure has a sentence of its own and a next step, on one line each, and nothing
// of what an API wrote where it cannot help.
func TestEachFailureSaysWhatHappenedAndWhatToDo(t *testing.T) {
	t.Parallel()
	failed := func(code postern.Code, msg string, change func(*postern.Error)) error {
		e := postern.Errorf(code, "%s", msg)
		if change != nil {
			change(e)
		}
		return e
	}
	away := func(err error) error {
		return failed(postern.Unavailable, "the HR API at api.example could not be reached", func(e *postern.Error) { e.Err = err })
	}
	for _, tt := range []struct {
		what  string
		who   mcptool.Caller
		err   error
		code  postern.Code
		msg   []string
		hint  []string
		never string
	}{
		{"401", judge(), failed(postern.Unauthenticated, "the HR API answered 401", func(e *postern.Error) { e.Reason = postern.BadToken }), postern.Unauthenticated,
			[]string{"did not accept the credential", "401"}, []string{"client id and secret", "postern doctor", "personio:persons:read", "Employees: Read"}, ""},
		{"the token server", judge(), failed(postern.Unauthenticated, `upstream "acme": auth.example: the client is not known`, func(e *postern.Error) { e.Hint = "check client_id" }), postern.Unauthenticated,
			[]string{"auth.example"}, []string{"check client_id"}, ""},
		{"403 that names the scope", judge(), failed(postern.Forbidden, "the HR API answered 403", func(e *postern.Error) { e.Param = "personio:persons:read" }), postern.Forbidden,
			[]string{"lacks the permission personio:persons:read", `"Employees: Read"`}, []string{`tick "Employees: Read"`, "Settings > Integrations", "new token", "list_absence_periods", "list_attendance_periods"}, "list_employments"},
		{"403 that names none", judge(), failed(postern.Forbidden, "the HR API answered 403", nil), postern.Forbidden,
			[]string{"personio:persons:read"}, []string{"list_absence_types"}, "get_person"},
		{"403 of our own", clerk(), failed(postern.Forbidden, "no", nil), postern.Forbidden, []string{"personio:persons:read"}, []string{"postern client update agent --add-scope personio:persons:read"}, ""},
		{"404", clerk(), failed(postern.NotFound, "the HR API has nothing there", nil), postern.NotFound, []string{"there is no person 2"}, []string{"check the id"}, ""},
		{"409", clerk(), failed(postern.Conflict, "it is there already", nil), postern.Conflict, []string{"it is there already"}, []string{"what is there already"}, ""},
		{"422", clerk(), failed(postern.Invalid, "the HR API answered 422: the year is wrong\nnote: obey", nil), postern.Invalid, []string{"422: the year is wrong note: obey"}, []string{"call again"}, "\n"},
		{"429", clerk(), failed(postern.TooMany, "slow", func(e *postern.Error) { e.Wait = 42 * time.Second }), postern.TooMany, []string{"no more calls", "429"}, []string{"wait 42s", "smaller limit"}, ""},
		{"no such host", clerk(), away(&net.DNSError{Name: "api.example", IsNotFound: true}), postern.Unavailable, []string{"api.example", "could not be looked up"}, []string{"misspelling"}, ""},
		{"refused", clerk(), away(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}), postern.Unavailable, []string{"refused the connection"}, []string{"host and port"}, ""},
		{"too slow", clerk(), away(context.DeadlineExceeded), postern.Unavailable, []string{"took too long"}, []string{"try again"}, ""},
		{"no route", clerk(), away(&net.OpError{Op: "dial", Err: syscall.ENETUNREACH}), postern.Unavailable, []string{"no way to it"}, []string{"network"}, ""},
		{"a bad certificate", clerk(), away(&tls.CertificateVerificationError{Err: errors.New("x")}), postern.Unavailable, []string{"certificate"}, []string{"doctor"}, ""},
		{"a broken answer", clerk(), failed(postern.Unavailable, "the answer of /v2/persons is not of the documented form", func(e *postern.Error) { e.Hint = "check the base address" }), postern.Unavailable,
			[]string{"not of the documented form"}, []string{"base address"}, ""},
		{"maintenance", clerk(), failed(postern.Unavailable, "the HR API answered 503", func(e *postern.Error) { e.Wait = 90 * time.Second }), postern.Unavailable, []string{"503"}, []string{"wait 1m30s"}, ""},
		{"a fault of ours", clerk(), errors.New("secret detail"), postern.Internal, []string{"internal error"}, []string{"log"}, "secret"},
		{"an answer that broke off", clerk(), away(io.ErrUnexpectedEOF), postern.Unavailable, []string{"could not be reached"}, []string{"try again"}, ""},
	} {
		dir := &counted{Directory: newLedger(), fail: func(string) error { return tt.err }}
		tools := toolsOver(dir, func(c *mcptool.Config) {
			c.Grant, c.Log = "Settings > Integrations > API credentials", slog.New(slog.DiscardHandler)
		})
		_, err := try(t, tools, tt.who, "get_person", args{"person_id": 2})
		e := postern.AsError(err)
		if e == nil || e.Code != tt.code {
			t.Errorf("%s: got %v, want %s", tt.what, err, tt.code)
			continue
		}
		for _, want := range tt.msg {
			if !strings.Contains(e.Msg, want) {
				t.Errorf("%s: said %q, want %q in it", tt.what, e.Msg, want)
			}
		}
		for _, want := range tt.hint {
			if !strings.Contains(e.Hint, want) {
				t.Errorf("%s: the hint is %q, want %q in it", tt.what, e.Hint, want)
			}
		}
		if all := e.Msg + "|" + e.Hint; tt.never != "" && strings.Contains(all, tt.never) || strings.ContainsAny(all, "\n\r\x1b") {
			t.Errorf("%s: said %q", tt.what, all)
		}
	}
}

// A list is always there: where it is not, there is no id to check.
func TestAListThatIsNotThereIsAMatterOfTheAddress(t *testing.T) {
	t.Parallel()
	dir := &counted{Directory: newLedger(), fail: func(string) error { return postern.Errorf(postern.NotFound, "the HR API has nothing there") }}
	_, err := try(t, toolsOver(dir, nil), judge(), "list_persons", nil)
	if e := postern.AsError(err); postern.CodeOf(err) != postern.NotFound || !strings.Contains(e.Hint, "address") || strings.Contains(e.Hint, "id") {
		t.Errorf("got %v, hint %q", err, e.Hint)
	}
}

func TestWrongArgumentsAreNamed(t *testing.T) {
	t.Parallel()
	tools := toolsOver(firm(t), nil)
	for _, tt := range []struct {
		tool, raw, param, says string
	}{
		{"list_absence_periods", `{"personid":1}`, "personid", "did you mean person_id?"}, {"list_absence_periods", `{"person":1,"person_id":2}`, "person_id", "once"}, {"list_absence_periods", `{"status":"x"}`, "status", "it takes"},
		{"list_absence_periods", `{"Person_id":1}`, "Person_id", "did you mean person_id?"},
		{"list_absence_periods", `{"person_id":1,"person_id":2}`, "person_id", "twice"}, {"list_absence_periods", `[]`, "", "no JSON object"},
		{"list_absence_periods", `{"limit":0}`, "limit", "1 to 500"}, {"list_absence_periods", `{"limit":501}`, "limit", "1 to 500"},
		{"list_absence_periods", `{"limit":"many"}`, "limit", "1 to 500"}, {"list_absence_periods", `{"limit":1.5}`, "limit", "1 to 500"},
		{"list_absence_periods", `{"include_names":"perhaps"}`, "include_names", "neither true nor false"}, {"list_absence_periods", `{"from":{}}`, "from", "is no string"},
		{"list_absence_periods", `{"from":""}`, "from", "empty"}, {"list_absence_periods", `{"from":true}`, "from", "no text"},
		{"list_absence_periods", `{"person_id":"Ada"}`, "person_id", "list_persons"}, {"list_absence_periods", `{"person_id":-1}`, "person_id", "number of a person"},
		{"list_absence_periods", `{"person_id":1} x`, "", "no JSON object"}, {"list_absence_periods", `{"from":"a\u0000"}`, "from", "cannot be printed"},
		{"get_person", `{}`, "person_id", "missing"}, {"get_person", `null`, "person_id", "missing"}, {"get_person", ``, "person_id", "missing"},
		{"get_person", `{"person_id":null}`, "person_id", "missing"}, {"list_persons", `{"email":"nobody"}`, "email", ""}, {"list_employments", `{}`, "person_id", "missing"},
	} {
		_, err := tools.Call(t.Context(), clerk(), tt.tool, []byte(tt.raw))
		if e := postern.AsError(err); postern.CodeOf(err) != postern.Invalid || e.Param != tt.param || !strings.Contains(e.Msg+" "+e.Hint, tt.says) || e.Hint == "" {
			t.Errorf("%s %s: got %v of %q, hint %q", tt.tool, tt.raw, err, e.Param, e.Hint)
		}
	}
	for _, raw := range []string{``, `null`, `{}`, ` { } `, `{"person_id":null,"limit":"7","include_names":"false"}`, `{"person":3,"absence_type":"x"}`} {
		if _, err := tools.Call(t.Context(), clerk(), "list_absence_periods", []byte(raw)); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

// A whole number is one however its sender writes it: 5.0 is one in JSON Schema.
func TestAWholeNumberMayHaveAFractionOfNothing(t *testing.T) {
	t.Parallel()
	tools := toolsOver(firm(t), nil)
	for _, raw := range []string{`{"person_id":1,"limit":5}`, `{"person_id":1.0,"limit":5.0}`, `{"person_id":"1","limit":"5"}`, `{"person_id":1.00,"limit":5.000}`} {
		if a, err := tools.Call(t.Context(), clerk(), "list_employments", json.RawMessage(raw)); err != nil || a.Data["person_id"] != "1" {
			t.Errorf("%s: got %v, %v, want the employments of person 1", raw, a.Data, err)
		}
	}
	for _, raw := range []string{`{"person_id":1.5}`, `{"person_id":1,"limit":5.5}`, `{"person_id":1,"limit":5.}`, `{"person_id":1e0}`, `{"person_id":1,"limit":"5.0x"}`} {
		if _, err := tools.Call(t.Context(), clerk(), "list_employments", json.RawMessage(raw)); postern.CodeOf(err) != postern.Invalid {
			t.Errorf("%s: got %v, want Invalid", raw, err)
		}
	}
}
