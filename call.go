package postern

import (
	"context"
	"net/netip"
	"strings"
	"unicode/utf8"
)

// Call is one request on its way through the server. The server makes it; the
// packages it passes through fill in what they learn, and the server writes one
// log record from it at the end. It is used by one goroutine at a time.
type Call struct {
	ID       string     // request id
	Source   netip.Addr // the caller, or who a trusted proxy says it is
	Dialect  string
	Tenant   string
	ClientID string
	TokenID  string
	Code     Code   // of the refusal, "" on success
	Cause    string // of the refusal, for operators
	Err      error  // logged when the code is Internal or Unavailable
}

type callKey struct{}

// WithCall gives a context that carries c.
func WithCall(ctx context.Context, c *Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// CallFrom gives the call that ctx carries, and an empty one when there is none.
func CallFrom(ctx context.Context) *Call {
	if c, ok := ctx.Value(callKey{}).(*Call); ok {
		return c
	}
	return &Call{}
}

// Shorten cuts s to at most n bytes at a character boundary and replaces control
// characters and invalid UTF-8, so that it can stand in a message or a log line.
func Shorten(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return '?'
		}
		return r
	}, s[:min(len(s), n+utf8.UTFMax)])
	for len(s) > n {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}
