package postern

import (
	"errors"
	"fmt"
	"time"
)

// Code is the kind of a failure. The list is closed: every surface has a table
// from codes to its own words, and a test walks all of them through each table.
type Code string

// The codes. TooMany and Unavailable are the ones worth retrying.
const (
	Invalid         Code = "invalid"         // the request is wrong as written
	Unauthenticated Code = "unauthenticated" // the caller did not prove who it is
	Forbidden       Code = "forbidden"       // the caller is known and may not
	NotFound        Code = "not_found"       // there is no such thing, or the caller may not know
	Conflict        Code = "conflict"        // it exists already, or changed meanwhile
	TooMany         Code = "too_many"        // slow down
	Unavailable     Code = "unavailable"     // a part we need does not answer now
	Internal        Code = "internal"        // our fault
)

// Codes lists every code in the order of their declaration.
var Codes = []Code{Invalid, Unauthenticated, Forbidden, NotFound, Conflict, TooMany, Unavailable, Internal}

// Reason refines a code where a wire has more words than we have codes: most are
// the error codes of RFC 6749 section 5.2 and RFC 8707 section 2. The empty reason is
// always allowed.
type Reason string

// The reasons, each with the code it refines.
const (
	BadRequest       Reason = "bad_request"       // Invalid: malformed, repeated or oversized parameters
	MissingParameter Reason = "missing_parameter" // Invalid: Error.Param names it
	BadMediaType     Reason = "bad_media_type"    // Invalid: the body is not of the kind this endpoint reads
	BadMethod        Reason = "bad_method"        // Invalid: another HTTP method is needed
	TooLarge         Reason = "too_large"         // Invalid: beyond a stated bound
	TooSlow          Reason = "too_slow"          // Invalid: the body did not arrive in time
	UnknownGrant     Reason = "unknown_grant"     // Invalid: unsupported_grant_type
	BadScope         Reason = "bad_scope"         // Invalid: invalid_scope
	BadTarget        Reason = "bad_target"        // Invalid: invalid_target (RFC 8707)
	BadClient        Reason = "bad_client"        // Unauthenticated: invalid_client
	BadGrant         Reason = "bad_grant"         // Unauthenticated: invalid_grant, as for a wrong password
	BadToken         Reason = "bad_token"         // Unauthenticated: invalid_token (RFC 6750)
	NoToken          Reason = "no_token"          // Unauthenticated: no credentials at all
	NeedCode         Reason = "need_code"         // Unauthenticated: a second factor is missing
	StaleProof       Reason = "stale_proof"       // Unauthenticated: it was proven too long ago for what is wanted
	GrantForbidden   Reason = "grant_forbidden"   // Forbidden: unauthorized_client
	QueryCredentials Reason = "query_credentials" // Forbidden: credentials in the query are refused here
	LowScope         Reason = "low_scope"         // Forbidden: insufficient_scope (RFC 6750)
)

// Error is a failure on its way out. Msg and Hint are safe for whoever asked;
// Cause and Err are for the log and the audit trail and never leave.
type Error struct {
	Code   Code
	Reason Reason        // refines Code; may be empty
	Msg    string        // what happened, to what
	Hint   string        // what to do next; may be empty
	Param  string        // the parameter at fault, if one is
	Wait   time.Duration // for TooMany and Unavailable: when to try again; 0 means unknown
	Cause  string        // short and closed set, for audit: "wrong secret", "unknown client"
	Err    error         // the underlying error
}

// Error is for logs: it may name the cause. Use Public for anything that leaves.
func (e *Error) Error() string {
	s := string(e.Code)
	if e.Msg != "" {
		s += ": " + e.Msg
	}
	if e.Cause != "" {
		s += " (" + e.Cause + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the underlying error.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error with a message that is safe for whoever asked.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Msg: fmt.Sprintf(format, args...)}
}

// Because sets the reason and gives e back.
func (e *Error) Because(r Reason) *Error { e.Reason = r; return e }

// WithHint sets the hint and gives e back.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// AsError finds the Error in err. An error that carries none becomes Internal
// with err as its cause; nil stays nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Code: Internal, Err: err}
}

// CodeOf gives the code of err, Internal when it carries none, "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	return AsError(err).Code
}

// ReasonOf gives the reason of err, "" when it has none.
func ReasonOf(err error) Reason {
	if err == nil {
		return ""
	}
	return AsError(err).Reason
}

// Public gives the only text of err that may leave: the message of an Error
// that is not Internal, and "internal error" for everything else.
func Public(err error) string {
	e := AsError(err)
	switch {
	case e == nil:
		return ""
	case e.Code == Internal || e.Msg == "":
		if e.Code != Internal {
			return string(e.Code)
		}
		return "internal error"
	}
	return e.Msg
}
