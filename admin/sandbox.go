package admin

import (
	"context"
	"math"
	"net/http"
	"time"

	"postern.dev/postern"
)

// Sandbox is how the HR API of a tenant behaves, on the wire: every switch there is, with
// what it can be. What was read can be sent back.
type Sandbox struct {
	Tenant   string          `json:"tenant"`
	Switches []SandboxSwitch `json:"switches"`
	Faults   []Fault         `json:"faults"`
	Log      bool            `json:"log"`
}

// SandboxSwitch is one switch on the wire.
type SandboxSwitch struct {
	Name    string   `json:"name"`
	Value   string   `json:"value"`
	Default bool     `json:"default"`
	Values  []string `json:"values"`
	Help    string   `json:"help"`
}

// Fault is what goes wrong on purpose, on the wire.
type Fault struct {
	Path  string  `json:"path,omitempty"`
	Kind  string  `json:"kind"`
	Rate  float64 `json:"rate"`
	Delay string  `json:"delay,omitempty"`
}

// SandboxOf writes a sandbox with every switch there is.
func SandboxOf(s postern.Sandbox, switches []Switch) Sandbox {
	out := Sandbox{Tenant: s.Tenant, Switches: []SandboxSwitch{}, Log: s.Log, Faults: []Fault{}}
	for _, w := range switches {
		value, set := s.Switches[w.Name]
		if !set {
			value = w.Values[0]
		}
		out.Switches = append(out.Switches, SandboxSwitch{w.Name, value, value == w.Values[0], w.Values, w.Help})
	}
	for _, f := range s.Faults {
		w := Fault{Path: f.Path, Kind: f.Kind, Rate: f.Rate}
		if f.Delay > 0 {
			w.Delay = f.Delay.String()
		}
		out.Faults = append(out.Faults, w)
	}
	return out
}

func (s Sandbox) noun() (postern.Sandbox, error) {
	out := postern.Sandbox{Tenant: s.Tenant, Log: s.Log}
	for _, w := range s.Switches {
		if w.Default {
			continue
		}
		if out.Switches == nil {
			out.Switches = map[string]string{}
		}
		if _, twice := out.Switches[w.Name]; twice {
			return out, badParam("switches", "the switch %s is there twice", postern.Shorten(w.Name, 60))
		}
		out.Switches[w.Name] = w.Value
	}
	for _, f := range s.Faults {
		fault := postern.Fault{Path: f.Path, Kind: f.Kind, Rate: f.Rate}
		if math.IsNaN(f.Rate) || math.IsInf(f.Rate, 0) {
			return out, badParam("faults[].rate", "a rate is a number") // not reached: JSON has no others
		}
		if f.Delay != "" {
			var err error
			if fault.Delay, err = time.ParseDuration(f.Delay); err != nil {
				return out, badParam("faults[].delay", "%q is not a duration such as 2s", postern.Shorten(f.Delay, 20))
			}
		}
		out.Faults = append(out.Faults, fault)
	}
	return out, nil
}

// Visit is a call of the HR API as a request log has it, on the wire.
type Visit struct {
	Seq       int64   `json:"seq"`
	At        string  `json:"at"`
	ClientID  string  `json:"client_id,omitempty"`
	Method    string  `json:"method"`
	Path      string  `json:"path"`
	Status    int64   `json:"status"`
	Took      float64 `json:"took_ms"`
	RequestID string  `json:"request_id,omitempty"`
	Note      string  `json:"note,omitempty"`
}

// VisitOf writes a call.
func VisitOf(v postern.Visit) Visit {
	return Visit{v.Seq, v.At.UTC().Format(time.RFC3339Nano), v.ClientID, v.Method, v.Path, v.Status,
		float64(v.Took.Microseconds()) / 1000, v.RequestID, v.Note}
}

func (v Visit) noun(tenant string) postern.Visit {
	return postern.Visit{Tenant: tenant, Seq: v.Seq, At: moment(v.At), ClientID: v.ClientID, Method: v.Method, Path: v.Path, Status: v.Status,
		Took: time.Duration(math.Round(v.Took*1000)) * time.Microsecond, RequestID: v.RequestID, Note: v.Note}
}

// Reset says what is left of a tenant's people, on the wire.
type Reset struct {
	Tenant  string `json:"tenant"`
	Persons int    `json:"persons"`
}

func sandboxRoutes() []route {
	return []route{
		{method: http.MethodGet, path: base + "/tenants/{tenant}/sandbox", do: (*call).getSandbox},
		{method: http.MethodPut, path: base + "/tenants/{tenant}/sandbox", do: (*call).setSandbox},
		{method: http.MethodGet, path: base + "/tenants/{tenant}/visits", query: append([]string{"client"}, paged...), do: (*call).listVisits},
		{method: http.MethodPost, path: base + "/tenants/{tenant}/reset", long: true, do: (*call).resetTenant},
	}
}

func (c *call) getSandbox() error {
	s, err := c.office.Sandbox(c.ctx, c.id("tenant"))
	if err != nil {
		return err
	}
	s.Tenant = c.id("tenant")
	return c.answer(http.StatusOK, SandboxOf(s, c.Switches))
}

// setSandbox puts a sandbox in the place of the one that is there: what the body does not
// name is as by default.
func (c *call) setSandbox() error {
	var w Sandbox
	if err := c.read(&w); err != nil {
		return err
	}
	if w.Tenant != "" && w.Tenant != c.id("tenant") {
		return badParam("tenant", "the body is about another tenant than the path")
	}
	for i := range w.Switches { // whoever sends a value means it
		w.Switches[i].Default = c.byDefault(w.Switches[i])
	}
	s, err := w.noun()
	if err != nil {
		return err
	}
	s.Tenant = c.id("tenant")
	if err := c.office.SetSandbox(c.ctx, s); err != nil {
		return err
	}
	return c.answer(http.StatusOK, SandboxOf(s, c.Switches))
}

func (c *call) byDefault(w SandboxSwitch) bool {
	for _, s := range c.Switches {
		if s.Name == w.Name {
			return s.Values[0] == w.Value
		}
	}
	return false
}

func (c *call) listVisits() error {
	p, err := c.paging()
	if err != nil {
		return err
	}
	q := postern.VisitQuery{Tenant: c.id("tenant"), ClientID: c.query.Get("client"), Limit: p.Limit}
	if q.Before, err = c.seq(); err != nil {
		return err
	}
	all, err := c.office.Visits(c.ctx, q)
	if err != nil {
		return err
	}
	out := postern.Page[postern.Visit]{Items: all}
	if n := len(all); n > 0 && n == p.Limit {
		out.Next = numbered(all[n-1].Seq)
	}
	return page(c, out, VisitOf)
}

func (c *call) resetTenant() error {
	n, err := c.office.ResetTenant(c.ctx, c.id("tenant"))
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, Reset{c.id("tenant"), n})
}

// Sandbox implements postern.Sandboxes.
func (m *Remote) Sandbox(ctx context.Context, tenant string) (postern.Sandbox, error) {
	w, err := one[Sandbox](ctx, m, ask{path: at("tenants", tenant, "sandbox")})
	if err != nil {
		return postern.Sandbox{}, err
	}
	return w.noun()
}

// SetSandbox implements postern.Sandboxes.
func (m *Remote) SetSandbox(ctx context.Context, s postern.Sandbox) error {
	w := Sandbox{Tenant: s.Tenant, Switches: []SandboxSwitch{}, Faults: SandboxOf(s, nil).Faults, Log: s.Log}
	for name, value := range s.Switches {
		w.Switches = append(w.Switches, SandboxSwitch{Name: name, Value: value, Values: []string{}})
	}
	return m.do(ctx, ask{method: http.MethodPut, path: at("tenants", s.Tenant, "sandbox"), body: w}, nil)
}

// Visits implements postern.Sandboxes. What is wanted beyond one page of the API is asked
// for page by page.
func (m *Remote) Visits(ctx context.Context, q postern.VisitQuery) ([]postern.Visit, error) {
	want := q.Limit
	if want == 0 {
		want = defaultPage
	}
	var out []postern.Visit
	for before := q.Before; ; {
		a := ask{path: at("tenants", q.Tenant, "visits")}
		a.set("client", q.ClientID)
		p := postern.Paging{Limit: want - len(out)}
		if before != 0 {
			p.After = closed(numbered(before))
		}
		got, err := many(ctx, m, a, p, func(v Visit) postern.Visit { return v.noun(q.Tenant) })
		if err != nil {
			return nil, err
		}
		out = append(out, got.Items...)
		if before, err = m.seqOf(got.Next); err != nil {
			return nil, err
		}
		if before == 0 || len(out) >= want || len(got.Items) == 0 {
			return out, nil
		}
	}
}

// ResetTenant implements postern.Sandboxes.
func (m *Remote) ResetTenant(ctx context.Context, tenant string) (int, error) {
	w, err := one[Reset](ctx, m, ask{method: http.MethodPost, path: at("tenants", tenant, "reset")})
	return w.Persons, err
}
