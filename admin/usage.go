package admin

import (
	"context"
	"net/http"
	"time"

	"postern.dev/postern"
)

// Usage is how tokens were given and refused, on the wire.
type Usage struct {
	Steps   []UsageStep   `json:"steps"`
	Clients []ClientUsage `json:"clients"`
	Through string        `json:"through,omitempty"`
}

// UsageStep is one cut of time on the wire.
type UsageStep struct {
	At      string `json:"at"`
	Dialect string `json:"dialect"`
	Issued  int64  `json:"issued"`
	Refused int64  `json:"refused"`
}

// ClientUsage is what one client did, on the wire.
type ClientUsage struct {
	ClientID string `json:"client_id"`
	Issued   int64  `json:"issued"`
	Refused  int64  `json:"refused"`
	Query    int64  `json:"query_credentials"`
	Last     string `json:"last,omitempty"`
}

// UsageOf writes how tokens were given and refused.
func UsageOf(u postern.Usage) Usage {
	out := Usage{Steps: []UsageStep{}, Clients: []ClientUsage{}, Through: stamp(u.Through)}
	for _, s := range u.Steps {
		out.Steps = append(out.Steps, UsageStep{stamp(s.At), s.Dialect, s.Issued, s.Refused})
	}
	for _, c := range u.Clients {
		out.Clients = append(out.Clients, ClientUsage{c.ClientID, c.Issued, c.Refused, c.Query, stamp(c.Last)})
	}
	return out
}

func (u Usage) noun() postern.Usage {
	out := postern.Usage{Through: moment(u.Through)}
	for _, s := range u.Steps {
		out.Steps = append(out.Steps, postern.UsageStep{At: moment(s.At), Dialect: s.Dialect, Issued: s.Issued, Refused: s.Refused})
	}
	for _, c := range u.Clients {
		out.Clients = append(out.Clients, postern.ClientUsage{ClientID: c.ClientID, Issued: c.Issued, Refused: c.Refused, Query: c.Query, Last: moment(c.Last)})
	}
	return out
}

func usageRoutes() []route {
	return []route{{method: http.MethodGet, path: base + "/usage", query: []string{"tenant", "client", "since", "step"}, do: (*call).getUsage}}
}

// steps are the words for how time is cut.
var steps = []struct {
	word string
	step time.Duration
}{{"hour", time.Hour}, {"day", 24 * time.Hour}}

func (c *call) getUsage() error {
	q := postern.UsageQuery{Tenant: c.query.Get("tenant"), ClientID: c.query.Get("client")}
	var err error
	if q.Since, err = c.moment("since"); err != nil {
		return err
	}
	for _, s := range steps {
		if w := c.query.Get("step"); w == s.word || w == "" && q.Step == 0 {
			q.Step = s.step
		}
	}
	if q.Step == 0 {
		return badParam("step", "step is hour or day")
	}
	u, err := c.office.Usage(c.ctx, q)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, UsageOf(u))
}

// Usage implements postern.Trail.
func (m *Remote) Usage(ctx context.Context, q postern.UsageQuery) (postern.Usage, error) {
	a := ask{path: at("usage")}
	a.set("tenant", q.Tenant)
	a.set("client", q.ClientID)
	a.since("since", q.Since)
	for _, s := range steps {
		if s.step == q.Step {
			a.set("step", s.word)
		}
	}
	if q.Step != 0 && a.query.Get("step") == "" {
		return postern.Usage{}, badParam("step", "the time is cut into hours or days, not %s", q.Step)
	}
	w, err := one[Usage](ctx, m, a)
	return w.noun(), err
}
