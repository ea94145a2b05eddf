package console

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"postern.dev/postern"
)

// SandboxPage is how the HR API of a tenant behaves, and who is away in it.
type SandboxPage struct {
	Tenant   string
	Month    *Month // nil when people are not here to be shown
	Switches []SwitchRow
	Log      bool
	Faults   []FaultRow
	Kinds    []string
	Faulty   TypedFault
	Wrong    []Fault
}

// SwitchRow is a choice of how it behaves.
type SwitchRow struct {
	Name, Help string
	Values     []Choice
	Changed    bool
}

// FaultRow is something that goes wrong on purpose.
type FaultRow struct {
	Index       int
	Key         string // tells it from another in its place
	Kind, Path  string
	Rate, Delay string
}

// TypedFault is a fault as it was typed.
type TypedFault struct{ Kind, Path, Rate, Delay string }

func (SandboxPage) page() head {
	return head{Sheet: "sandbox", Title: "Sandbox", Section: inSandbox, Chooses: true}
}

// VisitsPage is the request log.
type VisitsPage struct {
	Tenant, Client string
	Log            bool
	Rows           []postern.Visit
	Next           string
}

func (p VisitsPage) page() head {
	return head{Sheet: "visits", Title: "Request log", Section: inSandbox, Crumbs: []Crumb{{"Sandbox", sandboxOf(p.Tenant)}}}
}

func sandboxOf(tenant string) string { return "/console/sandbox?tenant=" + url.QueryEscape(tenant) }

func sandboxPages() []page {
	return []page{
		{pattern: "GET /console/sandbox", do: (*call).sandboxPage},
		{pattern: "POST /console/sandbox/switches", do: (*call).sandboxSwitches},
		{pattern: "POST /console/sandbox/faults", do: (*call).faultAdd},
		{pattern: "POST /console/sandbox/faults/drop", do: (*call).faultDrop},
		{pattern: "GET /console/sandbox/log", do: (*call).visitsPage},
		{pattern: "GET /console/sandbox/reset", to: managers, do: (*call).resetPage},
		{pattern: "POST /console/sandbox/reset", do: (*call).reset},
	}
}

func (c *call) sandboxPage() error {
	s, err := c.sandbox()
	if err != nil {
		return err
	}
	p := c.sandboxOf(s)
	if p.Month, err = c.whoIsAway(); err != nil {
		return err
	}
	return c.show(p)
}

// sandbox gives that of the tenant, if it is the operator's to see: everything else of
// these pages comes after it.
func (c *call) sandbox() (postern.Sandbox, error) {
	if err := c.pickTenant(); err != nil {
		return postern.Sandbox{}, err
	}
	s, err := c.office.Sandbox(c.ctx, c.tenant)
	s.Tenant = c.tenant
	return s, err
}

// whoIsAway asks the directory of the tenant, which the sandbox was asked for before.
func (c *call) whoIsAway() (*Month, error) {
	if c.Directory == nil {
		return nil, nil
	}
	t, err := c.office.Tenant(c.ctx, c.tenant)
	if err != nil {
		return nil, err
	}
	now := c.now()
	if zone, err := postern.ParseZone(t.Zone); err == nil && zone != nil {
		now = now.In(zone)
	}
	m, err := c.month(c.Directory(c.tenant), parseMonth(c.query("month"), now), now, c.query("after"))
	if err != nil {
		return nil, err
	}
	for _, to := range []*string{&m.Prev, &m.Next} {
		*to = "/console/sandbox?" + url.Values{"tenant": {c.tenant}, "month": {*to}}.Encode()
	}
	if m.More != "" {
		m.More = "/console/sandbox?" + url.Values{"tenant": {c.tenant}, "month": {c.query("month")}, "after": {m.More}}.Encode()
	}
	return &m, nil
}

func (c *call) sandboxOf(s postern.Sandbox) SandboxPage {
	p := SandboxPage{Tenant: s.Tenant, Log: s.Log, Kinds: c.FaultKinds, Faulty: TypedFault{Rate: "100"}}
	for _, w := range c.Switches {
		on, ok := s.Switches[w.Name]
		if !ok {
			on = w.Values[0]
		}
		row := SwitchRow{Name: w.Name, Help: w.Help, Changed: on != w.Values[0]}
		for _, v := range w.Values {
			row.Values = append(row.Values, Choice{v, v, v == on})
		}
		p.Switches = append(p.Switches, row)
	}
	for i, f := range s.Faults {
		row := FaultRow{Index: i, Key: keyOf(f), Kind: f.Kind, Path: f.Path, Rate: strconv.FormatFloat(f.Rate*100, 'f', -1, 64)}
		if f.Delay > 0 {
			row.Delay = f.Delay.String()
		}
		p.Faults = append(p.Faults, row)
	}
	return p
}

func keyOf(f postern.Fault) string {
	return f.Kind + " " + f.Path + " " + strconv.FormatFloat(f.Rate, 'f', -1, 64)
}

func (c *call) sandboxSwitches() error {
	s, err := c.sandbox()
	if err != nil {
		return err
	}
	s.Switches = maps.Clone(s.Switches)
	if s.Switches == nil {
		s.Switches = map[string]string{}
	}
	for _, w := range c.Switches {
		v := c.form.text("switch-" + w.Name)
		switch {
		case !slices.Contains(w.Values, v): // not in the form
		case v == w.Values[0]:
			delete(s.Switches, w.Name)
		default:
			s.Switches[w.Name] = v
		}
	}
	s.Log = c.form.ticked("log")
	if err := c.office.SetSandbox(c.ctx, s); err != nil {
		return err
	}
	return c.done(sandboxOf(c.tenant), "The sandbox behaves so from now on; a running server sees it within a second.")
}

func (c *call) faultAdd() error {
	s, err := c.sandbox()
	if err != nil {
		return err
	}
	typed := TypedFault{c.form.text("kind"), c.form.text("path"), c.form.text("rate"), c.form.text("delay")}
	f, err := c.faultOf(typed)
	if err == nil {
		s.Faults = append(slices.Clone(s.Faults), f)
		err = c.office.SetSandbox(c.ctx, s)
	}
	if err == nil {
		return c.done(sandboxOf(c.tenant), "From now on that goes wrong.")
	}
	p := c.sandboxOf(s)
	p.Faulty = typed
	if p.Wrong, err = faultsOf(err); err != nil {
		return err
	}
	if p.Month, err = c.whoIsAway(); err != nil {
		return err
	}
	return c.showAs(http.StatusUnprocessableEntity, p)
}

func (c *call) faultOf(typed TypedFault) (postern.Fault, error) {
	f := postern.Fault{Kind: typed.Kind, Path: typed.Path}
	if !slices.Contains(c.FaultKinds, f.Kind) {
		return f, wrong("kind", "choose what goes wrong")
	}
	if f.Path != "" && f.Path[0] != '/' {
		return f, wrong("path", "a path begins with /")
	}
	rate, err := strconv.ParseFloat(typed.Rate, 64)
	if err != nil || !(rate > 0 && rate <= 100) {
		return f, wrong("rate", "it is a part of a hundred, above 0")
	}
	f.Rate = rate / 100
	if typed.Delay != "" {
		seconds, err := strconv.ParseFloat(typed.Delay, 64)
		if err != nil || !(seconds >= 0 && seconds <= 20) {
			return f, wrong("delay", "it is at most 20 seconds")
		}
		f.Delay = time.Duration(seconds * float64(time.Second))
	}
	return f, nil
}

func (c *call) faultDrop() error {
	s, err := c.sandbox()
	if err != nil {
		return err
	}
	i, err := c.form.number("index")
	if err != nil {
		return err
	}
	if i < 0 || i >= int64(len(s.Faults)) || keyOf(s.Faults[i]) != c.form.values.Get("fault") {
		return postern.Errorf(postern.Conflict, "the faults were changed meanwhile").WithHint("load the page again")
	}
	s.Faults = slices.Delete(slices.Clone(s.Faults), int(i), int(i)+1)
	if err := c.office.SetSandbox(c.ctx, s); err != nil {
		return err
	}
	return c.done(sandboxOf(c.tenant), "That goes wrong no more.")
}

func (c *call) visitsPage() error {
	s, err := c.sandbox()
	if err != nil {
		return err
	}
	before, err := form{c.r.URL.Query()}.number("before")
	if err != nil {
		return err
	}
	q := postern.VisitQuery{Tenant: c.tenant, ClientID: postern.Shorten(c.query("client"), 100), Before: before, Limit: auditLimit}
	visits, err := c.office.Visits(c.ctx, q)
	if err != nil {
		return err
	}
	p := VisitsPage{Tenant: c.tenant, Client: q.ClientID, Log: s.Log, Rows: visits}
	if len(visits) == q.Limit {
		p.Next = "/console/sandbox/log?" + url.Values{"tenant": {c.tenant}, "client": {q.ClientID}, "before": {decimal(visits[len(visits)-1].Seq)}}.Encode()
	}
	return c.show(p)
}

func sureOfReset(tenant string) SurePage {
	return SurePage{
		Section: inSandbox, Crumbs: []Crumb{{"Sandbox", sandboxOf(tenant)}}, Title: "Forget everybody of " + tenant,
		Text:   "All persons, absences and attendances of this tenant are gone for good. The demo tenant gets its made-up company again. Credentials and users stay.",
		Action: "/console/sandbox/reset?tenant=" + url.QueryEscape(tenant), Back: sandboxOf(tenant), Button: "Forget everybody", Type: tenant,
	}
}

func (c *call) resetPage() error {
	if _, err := c.sandbox(); err != nil {
		return err
	}
	return c.show(sureOfReset(c.tenant))
}

func (c *call) reset() error {
	if _, err := c.sandbox(); err != nil {
		return err
	}
	if err := c.typed(c.tenant); err != nil {
		return c.again(sureOfReset(c.tenant), err)
	}
	n, err := c.office.ResetTenant(c.ctx, c.tenant)
	if err != nil {
		return err
	}
	return c.done(sandboxOf(c.tenant), "Done: "+c.tenant+" has "+strconv.Itoa(n)+" persons now.")
}
