package dialect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"postern.dev/postern"
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 1 << 20

// Fetch is the client's end of d: encode, send, cap the answer, decode. No
// redirect is followed, since it would carry the credentials elsewhere. The errors
// hold neither URLs nor credentials. IssuedAt and ExpiresAt of the token are
// counted from before it was asked for.
func Fetch(ctx context.Context, hc *http.Client, d Dialect, base string, req postern.Request) (postern.Token, error) {
	r, err := d.EncodeRequest(base, req)
	if err != nil {
		return postern.Token{}, err
	}
	start := time.Now()
	resp, err := send(ctx, hc, r)
	if err != nil {
		return postern.Token{}, scrub(err, req, r)
	}
	tok, err := d.DecodeResponse(resp)
	if err != nil {
		return postern.Token{}, scrub(err, req, r)
	}
	if tok.ExpiresIn > 0 {
		tok.IssuedAt, tok.ExpiresAt = start, start.Add(tok.ExpiresIn)
	}
	return tok, nil
}

// Revoke ends a token at the server behind base, as v writes it.
func Revoke(ctx context.Context, hc *http.Client, v Revoker, base string, req postern.Request, token postern.Secret) error {
	r, err := v.EncodeRevoke(base, req, token)
	if err != nil {
		return err
	}
	resp, err := send(ctx, hc, r)
	if err == nil {
		err = v.DecodeRevoked(resp)
	}
	return scrub(err, req, r, token)
}

// Introspect asks the server behind base what a token means, as in writes it. A
// token that is not active is NotFound.
func Introspect(ctx context.Context, hc *http.Client, in Introspector, base string, req postern.Request, token postern.Secret) (postern.Claims, error) {
	r, err := in.EncodeIntrospect(base, req, token)
	if err != nil {
		return postern.Claims{}, err
	}
	resp, err := send(ctx, hc, r)
	if err != nil {
		return postern.Claims{}, scrub(err, req, r, token)
	}
	c, err := in.DecodeIntrospection(resp)
	return c, scrub(err, req, r, token)
}

// Describe asks the server behind base whose token it is, as d writes it.
func Describe(ctx context.Context, hc *http.Client, d Describer, base string, token postern.Secret) (postern.User, error) {
	r, err := d.EncodeDescribe(base, token)
	if err != nil {
		return postern.User{}, err
	}
	resp, err := send(ctx, hc, r)
	if err != nil {
		return postern.User{}, scrub(err, postern.Request{}, r, token)
	}
	u, err := d.DecodeDescription(resp)
	return u, scrub(err, postern.Request{}, r, token)
}

// send makes one round trip. It uses the transport itself: a Client would look at
// redirects even when told not to follow them, and put URLs into its errors.
func send(ctx context.Context, hc *http.Client, r *http.Request) (*http.Response, error) {
	var rt http.RoundTripper = http.DefaultTransport
	if hc != nil && hc.Transport != nil {
		rt = hc.Transport
	}
	if hc != nil && hc.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, hc.Timeout)
		defer cancel()
	}
	host := r.URL.Host
	resp, err := rt.RoundTrip(r.WithContext(ctx))
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, &postern.Error{Code: postern.Unavailable, Msg: "the token server at " + host + " could not be reached", Err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, &postern.Error{Code: postern.Unavailable, Msg: "the answer of " + host + " broke off", Err: err}
	case len(body) > maxAnswer:
		return nil, &postern.Error{Code: postern.Unavailable, Msg: fmt.Sprintf("the answer of %s is longer than %d bytes", host, maxAnswer)}
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// scrub withholds what of an error repeats a credential or the query, the cause first
// and then the message: some servers answer with what they were sent.
func scrub(err error, req postern.Request, r *http.Request, more ...postern.Secret) error {
	e := postern.AsError(err)
	if e == nil {
		return nil
	}
	private := append(more, req.Secret, req.Password, postern.NewSecret(r.URL.RawQuery))
	repeats := func(text string) bool {
		return slices.ContainsFunc(private, func(s postern.Secret) bool { return !s.Empty() && strings.Contains(text, s.Reveal()) })
	}
	if !repeats(e.Error() + e.Hint) {
		return e
	}
	out := &postern.Error{Code: e.Code, Reason: e.Reason, Msg: "the token server failed", Wait: e.Wait,
		Err: errors.New("details withheld: they repeat a credential")}
	if !repeats(e.Msg) {
		out.Msg = e.Msg
	}
	return out
}
