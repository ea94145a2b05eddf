package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/dialect"
	"postern.dev/postern/issuer"
)

type tokenCmd struct {
	Get     tokenGetCmd     `cmd:"" help:"Get a token of an upstream."`
	Inspect tokenInspectCmd `cmd:"" help:"Look into a token and say whether it is ours and still good."`
	Revoke  tokenRevokeCmd  `cmd:"" help:"End a token of ours."`
}

type tokenInspectCmd struct {
	Token string `arg:"" help:"The token, or '-' to read it from standard input, where no other user of the machine can see it."`
	asJSON
}

func (tokenInspectCmd) Help() string {
	return "The content is shown for any JWT. Whether it is good can be said for tokens of the database that --data or --db names.\n\nExample:\n  echo \"$TOKEN\" | postern token inspect -"
}

type inspection struct {
	Header   json.RawMessage `json:"header"`
	Claims   json.RawMessage `json:"claims"`
	Good     *bool           `json:"good,omitempty"`
	Problem  string          `json:"problem,omitempty"`
	Dialects []string        `json:"dialects,omitempty"` // whose format it is; two of ours share one
	Kind     postern.Kind    `json:"kind,omitempty"`
	Client   string          `json:"client_id,omitempty"`
	Tenant   string          `json:"tenant,omitempty"`
	Scope    string          `json:"scope,omitempty"`
	Expires  string          `json:"expires_at,omitempty"`
}

func (c *tokenInspectCmd) Run(ctx context.Context, a *app) error {
	raw, err := a.tokenArgument(c.Token)
	if err != nil {
		return err
	}
	v, err := decodeJWT(raw)
	if err != nil {
		return err
	}
	if err := a.judge(ctx, raw, &v); err != nil {
		return err
	}
	if c.JSON {
		err = a.printJSON(v)
	} else {
		err = a.showInspection(v)
	}
	if err == nil && v.Good != nil && !*v.Good {
		return errShown
	}
	return err
}

func (a *app) tokenArgument(arg string) (string, error) {
	if arg != "-" {
		return strings.TrimSpace(arg), nil
	}
	line, err := readLine(a.stdin)
	return strings.TrimSpace(line), err
}

func decodeJWT(raw string) (v inspection, err error) {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 || len(raw) > issuer.MaxToken {
		return v, postern.Errorf(postern.Invalid, "this is not a signed JWT: it has %d parts and %d bytes", len(parts), len(raw)).
			WithHint("an opaque token can only be shown by the server that issued it, at its introspection endpoint")
	}
	for i, dst := range []*json.RawMessage{&v.Header, &v.Claims} {
		plain, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || !json.Valid(plain) {
			return v, postern.Errorf(postern.Invalid, "part %d of the token is not JSON in base64url", i+1)
		}
		*dst = plain
	}
	return v, nil
}

// judge verifies the token against the database, when there is one.
func (a *app) judge(ctx context.Context, raw string, v *inspection) error {
	p, err := a.open(ctx)
	if postern.CodeOf(err) == postern.NotFound {
		v.Problem = "not verified: " + postern.Public(err)
		return nil
	}
	if err != nil {
		return err
	}
	defer p.close()
	iss, err := p.verifier(ctx, v.Claims)
	if postern.CodeOf(err) == postern.NotFound {
		v.Good, v.Problem = new(bool), postern.Public(err)
		return nil
	}
	if err != nil {
		return err
	}
	defer iss.Close()
	claims, err := iss.Verify(ctx, raw, postern.Want{})
	good := err == nil
	v.Good = &good
	if err != nil {
		e := postern.AsError(err)
		if e.Code == postern.Unavailable || e.Code == postern.Internal {
			return err
		}
		v.Problem = e.Cause
		return nil
	}
	v.Dialects, v.Kind, v.Client, v.Tenant = formatsOf(*v), claims.Kind, claims.ClientID, claims.Tenant
	v.Scope, v.Expires = strings.Join(claims.Scope, " "), stamp(claims.ExpiresAt)
	return nil
}

// formatsOf names the dialects whose tokens look like this one.
func formatsOf(v inspection) (names []string) {
	var h struct {
		Alg postern.Alg `json:"alg"`
		Typ string      `json:"typ"`
		KID string      `json:"kid"`
	}
	_ = json.Unmarshal(v.Header, &h) // decodeJWT has seen that it is JSON
	for _, p := range dialect.Profiles() {
		if p.Type == h.Typ && p.KeyID == (h.KID != "") && slices.Contains(p.Algs, h.Alg) {
			if _, err := p.Decode(v.Claims); err == nil {
				names = append(names, p.Dialect)
			}
		}
	}
	return names
}

// verifier makes an issuer that verifies tokens whose iss is as this one says:
// the command does not know under which URL the server runs.
func (p *place) verifier(ctx context.Context, claims json.RawMessage) (*issuer.Issuer, error) {
	keys, err := p.db.Keys(ctx)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 { // an issuer would make them, and this command makes nothing
		return nil, postern.Errorf(postern.NotFound, "this database has issued no token yet")
	}
	var c struct {
		Issuer string `json:"iss"`
	}
	_ = json.Unmarshal(claims, &c)
	for _, pr := range dialect.Profiles() {
		if pr.IssuerTag != "" {
			c.Issuer = strings.TrimSuffix(c.Issuer, pr.IssuerTag)
		}
	}
	return issuer.New(ctx, issuer.Config{Registry: p.db, Journal: p.db, Revoker: p.db, KeyStore: p.db, Feed: p.db, Box: p.box,
		URL: c.Issuer, Profiles: dialect.Profiles(), Now: p.now})
}

func (a *app) showInspection(v inspection) error {
	verdict := "unknown"
	if v.Good != nil {
		verdict = yesNo(*v.Good, "good", "NOT good")
	}
	if v.Problem != "" {
		verdict += " (" + v.Problem + ")"
	}
	if err := a.pairs("Verdict", verdict, "Format of", strings.Join(v.Dialects, ", "), "Kind", string(v.Kind), "Client", v.Client, "Tenant", v.Tenant,
		"Scope", v.Scope, "Expires", v.Expires, "Left", a.left(v.Claims)); err != nil {
		return err
	}
	for _, part := range []struct {
		name string
		raw  json.RawMessage
	}{{"Header", v.Header}, {"Claims", v.Claims}} {
		var out bytes.Buffer
		if err := json.Indent(&out, part.raw, "", "  "); err != nil {
			return err
		}
		if _, err := a.stdout.Write([]byte(part.name + " " + out.String() + "\n")); err != nil {
			return err
		}
	}
	return nil
}

// left says how long the token still lives by its own word.
func (a *app) left(claims json.RawMessage) string {
	var c struct {
		Exp *float64 `json:"exp"`
	}
	if json.Unmarshal(claims, &c) != nil || c.Exp == nil {
		return ""
	}
	d := time.Unix(int64(*c.Exp), 0).Sub(a.now()).Truncate(time.Second)
	if d <= 0 {
		return "none, it expired " + (-d).String() + " ago"
	}
	return d.String()
}

type tokenRevokeCmd struct {
	Token string `arg:"" help:"The token, or '-' to read it from standard input."`
}

func (tokenRevokeCmd) Help() string { return "Example:\n  echo \"$TOKEN\" | postern token revoke -" }

func (c *tokenRevokeCmd) Run(ctx context.Context, a *app) error {
	raw, err := a.tokenArgument(c.Token)
	if err != nil {
		return err
	}
	v, err := decodeJWT(raw)
	if err != nil {
		return err
	}
	p, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	iss, err := p.verifier(ctx, v.Claims)
	if err != nil {
		return err
	}
	defer iss.Close()
	claims, err := iss.Verify(ctx, raw, postern.Want{})
	if err != nil {
		e := postern.AsError(err)
		if e.Reason != postern.BadToken {
			return err
		}
		return postern.Errorf(postern.NotFound, "there is nothing to revoke: the token is not good (%s)", e.Cause)
	}
	ev := p.event(claims.Tenant, postern.ActTokenRevoked, claims.ID, "by command")
	ev.ClientID, ev.TokenID = claims.ClientID, claims.ID
	r := postern.Revocation{Tenant: claims.Tenant, ClientID: claims.ClientID, TokenID: claims.ID, Until: claims.ExpiresAt}
	if _, err := p.db.Revoke(ctx, r, ev); err != nil {
		return err
	}
	a.note("token %s of client %s is revoked", claims.ID, claims.ClientID)
	return nil
}
