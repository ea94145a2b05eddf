package broker

import (
	"context"
	"time"

	"postern.dev/postern"
)

// refusal is an Error about a credential.
type refusal struct {
	err   *postern.Error
	proof [32]byte
	fresh bool // the server said so just now
}

func (r *refusal) Error() string { return r.err.Error() }

// Unwrap gives what the callers are told.
func (r *refusal) Unwrap() error { return r.err }

// left is for a caller who does not wait any longer.
func (k *keeper) left(ctx context.Context) error {
	return &postern.Error{Code: postern.Unavailable, Msg: "upstream " + quoted(k.up.Name) + ": the caller left before there was a token",
		Hint: "give the call more time", Err: context.Cause(ctx)}
}

func (k *keeper) over() error {
	return postern.Errorf(postern.Unavailable, "upstream %q: no more tokens are asked for, since this process ends or its configuration changed", k.up.Name).
		WithHint("try again")
}

func (k *keeper) tooShort(life, goodFor time.Duration) error {
	return postern.Errorf(postern.Invalid, "upstream %q: its tokens live for %s, and one was wanted that is good for %s",
		k.up.Name, life.Round(time.Second), goodFor.Round(time.Second)).WithHint("ask for less than the life of a token")
}

// named adds the name of the upstream, and where it is missing what to do, to what a
// token server had against a request.
func (k *keeper) named(err error) *postern.Error {
	e := *postern.AsError(err)
	msg := e.Msg
	if msg == "" {
		msg = "the request for a token failed"
	}
	e.Msg = "upstream " + quoted(k.up.Name) + ": " + msg
	if e.Hint == "" {
		e.Hint = hintFor(&e)
	}
	return &e
}

// hintFor says what to do about a failure whose own error does not.
func hintFor(e *postern.Error) string {
	switch {
	case e.Reason == postern.BadScope:
		return "ask for a scope that the credential was given"
	case e.Reason == postern.BadGrant:
		return "check the e-mail address and the password of this upstream"
	case e.Code == postern.Unauthenticated:
		return "check the client id and the secret of this upstream, and whether the credential still exists"
	case e.Code == postern.Forbidden:
		return "the credential is known and may not do this: check what it is allowed at the provider"
	case e.Code == postern.TooMany:
		return "wait; if it lasts, another program uses this credential up"
	case e.Code == postern.Unavailable:
		return "check the address of the upstream and the way to it; it is tried again by itself"
	case e.Code == postern.Internal:
		return "look at the log; it is tried again by itself"
	}
	return "check the settings of this upstream"
}

func quoted(name string) string { return `"` + name + `"` }
