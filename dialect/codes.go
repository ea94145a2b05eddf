package dialect

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
)

// row translates between one kind of failure and its words on a wire.
type row struct {
	code   postern.Code
	reason postern.Reason // "" stands for every reason
	param  string         // "" stands for every parameter
	status int
	word   string // the error member; "" where the wire has none
	text   string // the description; "" for none
	// say sends the message of the error as its description. Only for failures that
	// this package itself finds: their messages never repeat input (RFC 6749 section
	// 5.2 allows few characters there, and an echo helps only an attacker).
	say bool
}

// table is an ordered list of rows. The server reads it from left to right and
// takes the first row that fits the error; the client reads it from right to left
// and takes the first that fits the answer. Order decides, so it is not a map.
type table []row

// bounds are the rows of what goes wrong before a dialect's own rules begin; they
// are the same in every dialect but for the word.
func bounds(word string) table {
	return table{
		{code: postern.Invalid, reason: postern.TooLarge, status: http.StatusRequestEntityTooLarge, word: word, say: true},
		{code: postern.Invalid, reason: postern.TooSlow, status: http.StatusRequestTimeout, word: word, say: true},
		{code: postern.Invalid, reason: postern.BadMediaType, param: contentEncoding, status: http.StatusUnsupportedMediaType, word: word, say: true},
	}
}

// faults are the rows of trouble that is not the caller's. OAuth has words for
// them at the authorization endpoint only (RFC 6749 section 4.1.2.1); we use them
// here by analogy, as others do.
func faults() table {
	return table{
		{code: postern.TooMany, status: http.StatusTooManyRequests, word: "temporarily_unavailable"},
		{code: postern.Unavailable, status: http.StatusServiceUnavailable, word: "temporarily_unavailable"},
		{code: postern.Internal, status: http.StatusInternalServerError, word: "server_error"},
	}
}

func join(parts ...table) table {
	var out table
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// forError gives the first row that fits err.
func (t table) forError(err error) (row, *postern.Error) {
	e := postern.AsError(err)
	for _, r := range t {
		if r.code == e.Code && (r.reason == "" || r.reason == e.Reason) && (r.param == "" || r.param == e.Param) {
			return r, e
		}
	}
	// Not reached while every table ends with a row for each code, as a test checks.
	return row{code: postern.Internal, status: http.StatusInternalServerError, word: "server_error"}, e
}

// description gives the text that goes out with r.
func (r row) description(e *postern.Error) string {
	if r.say {
		return describable(postern.Public(e))
	}
	return r.text
}

// describable keeps s within the characters of an error description (RFC 6749
// section 5.2: %x20-21 / %x23-5B / %x5D-7E) and within a bound.
func describable(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '"' || r == '\\':
			return '\''
		case r < ' ' || r > '~':
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), 200)]
}

// forAnswer gives the error that a foreign answer stands for. detail is what the
// other side said; it goes to the log only, for who knows what it repeats.
func (t table) forAnswer(resp *http.Response, word, detail string) error {
	e := &postern.Error{Code: codeOfStatus(resp.StatusCode)}
	found := 0
	for _, r := range t {
		if word == "" || r.word != word || r.status != resp.StatusCode {
			continue
		}
		if found++; found == 1 {
			e.Code, e.Reason = r.code, r.reason
		} else if r.code == e.Code && r.reason != e.Reason {
			e.Reason = "" // one word for several reasons: the wire does not tell them apart
		}
	}
	if found == 0 {
		t.byWord(e, resp.StatusCode, word)
	}
	return t.finish(e, resp, word, detail)
}

// byWord is for servers that use our words with another status.
func (t table) byWord(e *postern.Error, status int, word string) {
	if status == http.StatusTooManyRequests || status >= 500 {
		return // the status says to come back later, whatever the word
	}
	for _, r := range t {
		if word != "" && r.word == word && r.status < 500 {
			e.Code, e.Reason = r.code, r.reason
			return
		}
	}
}

func (t table) finish(e *postern.Error, resp *http.Response, word, detail string) error {
	e.Msg = "the token server answered " + strconv.Itoa(resp.StatusCode)
	if word != "" {
		e.Msg += " " + describable(postern.Shorten(word, 60))
	}
	if detail != "" {
		e.Err = errors.New(postern.Shorten(detail, 300))
	}
	switch {
	case e.Code == postern.TooMany || e.Code == postern.Unavailable:
		e.Wait = retryAfter(resp.Header)
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		e.Hint = "token requests follow no redirect; check the base URL"
	}
	return e
}

// codeOfStatus is what a status alone says.
func codeOfStatus(status int) postern.Code {
	switch {
	case status == http.StatusUnauthorized:
		return postern.Unauthenticated
	case status == http.StatusForbidden:
		return postern.Forbidden
	case status == http.StatusNotFound:
		return postern.NotFound
	case status == http.StatusTooManyRequests:
		return postern.TooMany
	case status >= 300 && status < 500:
		return postern.Invalid
	}
	return postern.Unavailable
}

// waitSeconds is the Retry-After of a refusal that may be repeated, "" for others
// (RFC 9110 section 10.2.3; RFC 6585 section 4).
func waitSeconds(e *postern.Error) string {
	switch {
	case e.Code != postern.TooMany && e.Code != postern.Unavailable:
		return ""
	case e.Wait <= 0:
		return "1"
	}
	return strconv.FormatInt(int64((e.Wait+time.Second-1)/time.Second), 10)
}

// retryAfter reads the header in its form of seconds. The form of a date would
// need a clock both sides share; it counts as unknown.
func retryAfter(h http.Header) time.Duration {
	n, err := strconv.Atoi(strings.TrimSpace(h.Get("Retry-After")))
	if err != nil || n < 0 {
		return 0
	}
	return min(time.Duration(min(n, 86400))*time.Second, 24*time.Hour)
}
