package postern

import (
	"context"
	"net/netip"
	"strings"
	"unicode"
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
	Operator string // id of who is signed in at the console
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

// Steers says whether a character steers a terminal or turns around the order of what
// stands beside it, and so has no place in what others typed: control characters
// (Unicode category Cc), and the embeddings, overrides and isolates of UAX #9.
func Steers(r rune) bool {
	return unicode.IsControl(r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// Shorten cuts s to at most n bytes at a character boundary and replaces control
// characters, invalid UTF-8 and what turns around the order of other characters, so that
// it can stand in a message, a log line or a terminal.
func Shorten(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || Steers(r) {
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
