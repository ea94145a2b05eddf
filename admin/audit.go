package admin

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"postern.dev/postern"
)

// Event is a record of the audit trail on the wire.
type Event struct {
	Seq       int64        `json:"seq"`
	At        string       `json:"at"`
	Tenant    string       `json:"tenant"`
	Action    string       `json:"action"`
	Actor     string       `json:"actor,omitempty"`
	ClientID  string       `json:"client_id,omitempty"`
	UserID    string       `json:"user_id,omitempty"`
	Dialect   string       `json:"dialect,omitempty"`
	Grant     string       `json:"grant_type,omitempty"`
	TokenID   string       `json:"token_id,omitempty"`
	Scope     string       `json:"scope,omitempty"`
	Audience  string       `json:"audience,omitempty"`
	KeyID     string       `json:"kid,omitempty"`
	Via       string       `json:"via,omitempty"`
	Source    string       `json:"source,omitempty"`
	RequestID string       `json:"request_id,omitempty"`
	Code      postern.Code `json:"code,omitempty"`
	Cause     string       `json:"cause,omitempty"`
	Object    string       `json:"object,omitempty"`
	Detail    string       `json:"detail,omitempty"`
	Hash      string       `json:"hash"`
}

// EventOf writes a record, its time to the last digit, since the hash is over it.
func EventOf(e postern.Event) Event {
	return Event{e.Seq, e.At.UTC().Format(time.RFC3339Nano), e.Tenant, e.Action, e.Actor, e.ClientID, e.UserID, e.Dialect,
		e.Grant, e.TokenID, e.Scope, e.Audience, e.KeyID, e.Via, e.Source, e.RequestID, e.Code, e.Cause, e.Object, e.Detail, e.Hash}
}

func (e Event) noun() postern.Event {
	return postern.Event{Seq: e.Seq, At: moment(e.At), Tenant: e.Tenant, Action: e.Action, Actor: e.Actor, ClientID: e.ClientID, UserID: e.UserID,
		Dialect: e.Dialect, Grant: e.Grant, TokenID: e.TokenID, Scope: e.Scope, Audience: e.Audience, KeyID: e.KeyID, Via: e.Via, Source: e.Source,
		RequestID: e.RequestID, Code: e.Code, Cause: e.Cause, Object: e.Object, Detail: e.Detail, Hash: e.Hash}
}

// Chain is how an audit trail was found, on the wire.
type Chain struct {
	Tenant  string `json:"tenant"`
	Count   int64  `json:"count"`
	Head    string `json:"head"`
	Good    bool   `json:"good"`
	BadSeq  int64  `json:"first_bad_seq,omitempty"`
	Problem string `json:"problem,omitempty"`
}

// ChainOf writes how a trail was found.
func ChainOf(c postern.Chain) Chain {
	return Chain{c.Tenant, c.Count, c.Head, c.Problem == "" && c.BadSeq == 0, c.BadSeq, c.Problem}
}

func (c Chain) noun() postern.Chain {
	return postern.Chain{Tenant: c.Tenant, Count: c.Count, Head: c.Head, BadSeq: c.BadSeq, Problem: c.Problem}
}

func auditRoutes() []route {
	return []route{
		{method: http.MethodGet, path: base + "/audit", query: append([]string{"tenant", "action", "client", "since", "until"}, paged...), do: (*call).listEvents},
		{method: http.MethodGet, path: base + "/audit/chains", do: (*call).listChains},
		{method: http.MethodGet, path: base + "/audit/verify", query: []string{"tenant"}, long: true, do: (*call).verifyChain},
	}
}

func (c *call) listEvents() error {
	p, err := c.paging()
	if err != nil {
		return err
	}
	tenant, err := c.whose("%s/audit/chains lists the trails", base)
	if err != nil {
		return err
	}
	f := postern.EventFilter{Tenant: tenant, Action: c.query.Get("action"), ClientID: c.query.Get("client"), Limit: p.Limit}
	if f.Before, err = c.seq(); err != nil {
		return err
	}
	if f.Since, err = c.moment("since"); err != nil {
		return err
	}
	if f.Until, err = c.moment("until"); err != nil {
		return err
	}
	found, err := c.office.Events(c.ctx, f)
	if err != nil {
		return err
	}
	return page(c, postern.Page[postern.Event]{Items: found.Events, Next: numbered(found.Next)}, EventOf)
}

// numbered is a position that is a number, "" for none.
func numbered(seq int64) string {
	if seq == 0 {
		return ""
	}
	return strconv.FormatInt(seq, 10)
}

func (c *call) listChains() error {
	all, err := c.office.Chains(c.ctx)
	if err != nil {
		return err
	}
	return whole(c, all, func(s string) string { return s })
}

// verifyChain reads a trail from its start, which takes a second for some 100 000
// records.
func (c *call) verifyChain() error {
	tenant, err := c.whose("%s/audit/chains lists the trails", base)
	if err != nil {
		return err
	}
	found, err := c.office.VerifyChain(c.ctx, tenant, nil)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, ChainOf(found))
}

// Events implements postern.Trail. What is wanted beyond one page of the API is asked for
// page by page.
func (m *Remote) Events(ctx context.Context, f postern.EventFilter) (postern.EventPage, error) {
	want := f.Limit
	if want == 0 {
		want = defaultPage
	}
	out := postern.EventPage{Next: f.Before}
	for {
		a := ask{path: at("audit")}
		a.set("tenant", f.Tenant)
		a.set("action", f.Action)
		a.set("client", f.ClientID)
		a.since("since", f.Since)
		a.since("until", f.Until)
		p := postern.Paging{Limit: want - len(out.Events)}
		if out.Next != 0 {
			p.After = closed(numbered(out.Next))
		}
		got, err := many(ctx, m, a, p, Event.noun)
		if err != nil {
			return postern.EventPage{}, err
		}
		out.Events = append(out.Events, got.Items...)
		if out.Next, err = m.seqOf(got.Next); err != nil {
			return postern.EventPage{}, err
		}
		if out.Next == 0 || len(out.Events) >= want || len(got.Items) < postern.MaxPage {
			return out, nil
		}
	}
}

// seqOf reads a position that is a number.
func (m *Remote) seqOf(next string) (int64, error) {
	if next == "" {
		return 0, nil
	}
	s, err := opened(next)
	if err == nil {
		var n int64
		if n, err = strconv.ParseInt(s, 10, 64); err == nil && n > 0 {
			return n, nil
		}
	}
	return 0, postern.Errorf(postern.Unavailable, "the answer of %s is not of the documented form", m.host)
}

// Chains implements postern.Trail.
func (m *Remote) Chains(ctx context.Context) ([]string, error) {
	return all(ctx, m, ask{path: at("audit", "chains")}, func(s string) string { return s })
}

// VerifyChain implements postern.Trail. How far the server is, it does not say.
func (m *Remote) VerifyChain(ctx context.Context, tenant string, _ func(done int64)) (postern.Chain, error) {
	a := ask{path: at("audit", "verify")}
	a.set("tenant", tenant)
	w, err := one[Chain](ctx, m, a)
	return w.noun(), err
}
