package console

import (
	"net/http"

	"postern.dev/postern"
)

// SignedIn says who is signed in at the browser that makes a call, for surfaces beside
// the console that take its cookie. secure is as Config.Secure. It fails with
// Unauthenticated, NoToken, for a call without a cookie of ours, and as Door.SignedIn.
func SignedIn(door postern.Door, r *http.Request, secure bool) (postern.Actor, error) {
	c := &call{house: &house{Config: Config{Door: door, Secure: secure}}, r: r, ctx: r.Context()}
	cookie := c.kept(sessionCookie)
	if cookie == "" {
		return postern.Actor{}, postern.Errorf(postern.Unauthenticated, "nobody is signed in").Because(postern.NoToken)
	}
	o, s, err := door.SignedIn(c.ctx, postern.NewSecret(cookie), c.browser())
	if err != nil {
		return postern.Actor{}, err
	}
	return c.actor(o, s), nil
}

// actor is what an operator is in the office, and notes who it is for the log of requests.
func (c *call) actor(o postern.Operator, s postern.Session) postern.Actor {
	b := c.browser()
	postern.CallFrom(c.ctx).Operator = o.ID
	return postern.Actor{Name: ofOperator + o.ID, Role: o.Role, Tenant: o.Tenant, ProvenAt: s.ProvenAt, RequestID: b.RequestID, Source: b.Source}
}
