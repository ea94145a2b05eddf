package console

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"postern.dev/postern"
)

// AuditPage is a part of an audit trail, newest first.
type AuditPage struct {
	Filter  AuditFilter
	Tenants []Choice // whose trail, for those who have a choice
	Actions []Choice
	Rows    []EventRow
	First   bool   // nothing newer was left out
	Next    string // address of what is before
	Live    bool   // new records appear by themselves
	Poll    string // address that gives the page as it is then
	LiveAt  string // address that turns it on, or off
	Fresh   int    // records that are new since the page before
	CSV     string // addresses of exports
	Lines   string
}

// AuditFilter is what was asked for.
type AuditFilter struct {
	Tenant, Action, Client, Since, Until string
}

// EventRow is a record of the trail.
type EventRow struct {
	Seq                          int64
	At                           time.Time
	Action, Actor, Client, Words string
	Name                         string // of the operator that the actor is, for those who may know
	Bad, Fresh                   bool
	Details                      []Pair
}

// Pair is a name and a value.
type Pair struct{ Name, Value string }

func (AuditPage) page() head { return head{Sheet: "audit", Title: "Audit", Section: inAudit} }

func auditPages() []page {
	return []page{
		{pattern: "GET /console/audit", do: (*call).auditPage},
		{pattern: "GET /console/audit/export", do: (*call).auditExport, long: true},
		{pattern: "GET /console/audit/verify", do: (*call).verifyPage},
		{pattern: "POST /console/audit/verify", do: (*call).verify, long: true},
	}
}

// auditFilter reads what the address asks for.
func (c *call) auditFilter() (postern.EventFilter, AuditFilter, error) {
	shown := AuditFilter{Tenant: c.tenant, Action: c.query("action"), Client: postern.Shorten(c.query("client"), 100), Since: c.query("since"), Until: c.query("until")}
	f := postern.EventFilter{Tenant: c.tenant, ClientID: shown.Client, Limit: auditLimit}
	if slices.Contains(postern.Actions, shown.Action) {
		f.Action = shown.Action
	} else {
		shown.Action = ""
	}
	for _, edge := range []struct {
		text string
		to   *time.Time
		days int
	}{{shown.Since, &f.Since, 0}, {shown.Until, &f.Until, 1}} {
		if edge.text == "" {
			continue
		}
		day, err := time.Parse(time.DateOnly, edge.text)
		if err != nil {
			return f, shown, postern.Errorf(postern.Invalid, "%q is not a day", postern.Shorten(edge.text, 40)).WithHint("write it as 2026-11-22")
		}
		*edge.to = day.AddDate(0, 0, edge.days) // the last day is meant as a whole
	}
	before, err := form{c.r.URL.Query()}.number("before")
	f.Before = before
	return f, shown, err
}

// auditLimit is how many records a page has.
const auditLimit = 100

// keepSearching is how long a page goes on searching where nothing was found: what one
// search takes comes on top, and all of it is to stay under 50 ms.
const keepSearching = 15 * time.Millisecond

// pickChain finds the trail that a page is about: that of a tenant, or what belongs to
// none.
func (c *call) pickChain() error {
	system := c.tenant == postern.SystemTenant && c.operator.Tenant == ""
	err := c.pickTenant()
	if postern.CodeOf(err) == postern.NotFound && (system || c.tenant == "") && c.operator.Tenant == "" {
		c.tenant, err = postern.SystemTenant, nil
	}
	return err
}

func (c *call) auditPage() error {
	if err := c.pickChain(); err != nil {
		return err
	}
	f, shown, err := c.auditFilter()
	if err != nil {
		return err
	}
	var events []postern.Event
	var next int64
	for begun := time.Now(); ; {
		page, err := c.office.Events(c.ctx, f)
		if err != nil {
			return err
		}
		events, next = page.Events, page.Next
		if f.Before = next; len(events) > 0 || next == 0 || time.Since(begun) > keepSearching {
			break
		}
	}
	p := AuditPage{Filter: shown, First: !c.r.URL.Query().Has("before"), Live: c.query(liveField) != ""}
	p.Actions = choices(postern.Actions, shown.Action)
	if c.operator.Tenant == "" {
		p.Tenants = append(p.Tenants, Choice{postern.SystemTenant, "the installation", c.tenant == postern.SystemTenant})
		for _, t := range c.tenants {
			p.Tenants = append(p.Tenants, Choice{t.ID, nameOf(t), c.tenant == t.ID})
		}
	}
	seen, err := form{c.r.URL.Query()}.number("seen")
	if err != nil {
		return err
	}
	newest := seen
	for _, e := range events {
		if p.Live && e.Action == postern.ActAuditRead && e.Actor == ofOperator+c.operator.ID {
			continue // following leaves records of its own
		}
		row := rowOf(e)
		row.Fresh = seen > 0 && e.Seq > seen
		if row.Fresh {
			p.Fresh++
		}
		newest = max(newest, e.Seq)
		p.Rows = append(p.Rows, row)
	}
	p.addresses(next, newest)
	if err := c.nameActors(p.Rows); err != nil {
		return err
	}
	return c.show(p)
}

// nameActors says who the operators are that did something: an id says nothing to anybody.
// Those who may not look at operators know themselves alone; who is gone stays an id.
func (c *call) nameActors(rows []EventRow) error {
	names := map[string]string{ofOperator + c.operator.ID: c.operator.Email}
	strange := func(row EventRow) bool {
		return strings.HasPrefix(row.Actor, ofOperator) && names[row.Actor] == ""
	}
	if c.may().Look && slices.ContainsFunc(rows, strange) {
		page, err := c.office.Operators(c.ctx, postern.Paging{Limit: postern.MaxPage})
		if err != nil {
			return err
		}
		for _, o := range page.Items {
			names[ofOperator+o.ID] = o.Email
		}
	}
	for i := range rows {
		rows[i].Name = names[rows[i].Actor]
	}
	return nil
}

// ofOperator is what an operator is called by in a trail, before the id.
const ofOperator = "operator:"

// addresses makes the links of a page that has the newest record and goes on at next.
func (p *AuditPage) addresses(next, newest int64) {
	q := url.Values{}
	for name, value := range map[string]string{"tenant": p.Filter.Tenant, "action": p.Filter.Action, "client": p.Filter.Client, "since": p.Filter.Since, "until": p.Filter.Until} {
		if value != "" {
			q.Set(name, value)
		}
	}
	with := func(path string, pairs ...string) string {
		all := url.Values{}
		for name, values := range q {
			all[name] = values
		}
		for i := 0; i < len(pairs); i += 2 {
			all.Set(pairs[i], pairs[i+1])
		}
		return path + "?" + all.Encode()
	}
	p.CSV, p.Lines = with("/console/audit/export", "format", "csv"), with("/console/audit/export", "format", "jsonl")
	p.LiveAt = with("/console/audit", "live", "1")
	if p.Live {
		p.Poll, p.LiveAt = with("/console/audit", "live", "1", "seen", decimal(newest)), with("/console/audit")
	}
	if next > 0 {
		p.Next = with("/console/audit", "before", decimal(next))
	}
}

func nameOf(t postern.Tenant) string {
	if t.Name != "" {
		return t.Name
	}
	return t.ID
}

func choices(list []string, on string) (out []Choice) {
	for _, v := range slices.Sorted(slices.Values(list)) {
		out = append(out, Choice{v, v, v == on})
	}
	return out
}

// rowOf shows a record: what most want to know in a line, and everything behind it.
func rowOf(e postern.Event) EventRow {
	row := EventRow{Seq: e.Seq, At: e.At, Action: e.Action, Actor: e.Actor, Client: e.ClientID, Bad: e.Code != "" || strings.HasSuffix(e.Action, ".refused")}
	var words []string
	for _, w := range []string{e.Cause, e.Detail, e.Scope, e.Dialect} {
		if w != "" && len(words) < 2 {
			words = append(words, postern.Shorten(w, 160))
		}
	}
	row.Words = strings.Join(words, " · ")
	for _, col := range eventColumns {
		if v := col.of(e); v != "" && col.name != "seq" && col.name != "at" && col.name != "action" {
			row.Details = append(row.Details, Pair{col.name, v})
		}
	}
	return row
}
