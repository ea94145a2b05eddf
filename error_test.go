package postern_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"postern.dev/postern"
)

// The marker stands for what an internal error may carry: a DSN, a row, a path.
const marker = "MARKER-7f3a"

func TestPublicShowsNothingButTheMessage(t *testing.T) {
	t.Parallel()
	cause := errors.New(marker)
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"nothing", nil, ""},
		{"a foreign error", cause, "internal error"},
		{"a wrapped foreign error", fmt.Errorf("open %s: %w", marker, cause), "internal error"},
		{"internal with a message", &postern.Error{Code: postern.Internal, Msg: marker, Err: cause}, "internal error"},
		{"no code at all", &postern.Error{Msg: "hello", Err: cause}, "hello"},
		{"a message", &postern.Error{Code: postern.Invalid, Msg: "the name is empty", Cause: marker, Err: cause}, "the name is empty"},
		{"no message", &postern.Error{Code: postern.Unavailable, Cause: marker, Err: cause}, "unavailable"},
		{"wrapped in words of ours", fmt.Errorf("%s: %w", marker, postern.Errorf(postern.Conflict, "it exists")), "it exists"},
		{"joined", errors.Join(cause, postern.Errorf(postern.NotFound, "no such thing")), "no such thing"},
	} {
		if got := postern.Public(tt.err); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestPublicNeverShowsACauseWhateverTheCode(t *testing.T) {
	t.Parallel()
	for _, code := range append(slices.Clone(postern.Codes), "", "made_up") {
		e := &postern.Error{Code: code, Cause: marker, Err: errors.New(marker), Hint: marker}
		if got := postern.Public(fmt.Errorf("deeper: %w", e)); strings.Contains(got, marker) {
			t.Errorf("%q: got %q", code, got)
		}
	}
}

func TestErrorIsForTheLogAndNamesTheCause(t *testing.T) {
	t.Parallel()
	e := postern.Errorf(postern.Unauthenticated, "the client %d is unknown", 7)
	e.Cause, e.Err = "wrong secret", io.ErrUnexpectedEOF
	if got, want := e.Error(), "unauthenticated: the client 7 is unknown (wrong secret): unexpected EOF"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := (&postern.Error{Code: postern.Internal}).Error(); got != "internal" {
		t.Errorf("got %q", got)
	}
	if !errors.Is(e, io.ErrUnexpectedEOF) {
		t.Error("errors.Is does not find the underlying error")
	}
}

func TestCodesAndReasonsSurviveWrapping(t *testing.T) {
	t.Parallel()
	for _, code := range postern.Codes {
		e := postern.Errorf(code, "no").Because(postern.BadScope).WithHint("try %s", "this")
		e.Wait = time.Minute
		wrapped := fmt.Errorf("read: %w", errors.Join(io.EOF, fmt.Errorf("again: %w", e)))
		if got := postern.CodeOf(wrapped); got != code {
			t.Errorf("CodeOf: got %q, want %q", got, code)
		}
		if got := postern.ReasonOf(wrapped); got != postern.BadScope {
			t.Errorf("%s: ReasonOf: got %q", code, got)
		}
		if got := postern.AsError(wrapped); got != e || got.Hint != "try this" || got.Wait != time.Minute {
			t.Errorf("%s: AsError: got %+v, want the error itself", code, got)
		}
	}
}

func TestAnErrorWithoutCodeIsInternal(t *testing.T) {
	t.Parallel()
	for _, err := range []error{io.EOF, context.Canceled, fmt.Errorf("x: %w", io.EOF)} {
		e := postern.AsError(err)
		if e.Code != postern.Internal || postern.CodeOf(err) != postern.Internal || !errors.Is(e, err) {
			t.Errorf("%v: got %+v", err, e)
		}
		if got := postern.ReasonOf(err); got != "" {
			t.Errorf("%v: reason %q", err, got)
		}
	}
	if postern.AsError(nil) != nil || postern.CodeOf(nil) != "" || postern.ReasonOf(nil) != "" {
		t.Error("nil is no error")
	}
}

func TestTheListOfCodesIsWholeAndDistinct(t *testing.T) {
	t.Parallel()
	seen := map[postern.Code]bool{}
	for _, c := range postern.Codes {
		if c == "" || seen[c] || strings.ToLower(string(c)) != string(c) {
			t.Errorf("%q is empty, repeated or not in lower case", c)
		}
		seen[c] = true
	}
	if len(postern.Codes) != 8 {
		t.Errorf("got %d codes, want the 8 that every surface has a table for", len(postern.Codes))
	}
}
