package mcptool

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
)

// Bounds of what is recorded of a call.
const (
	maxAbout   = 20  // persons, by number
	maxDetail  = 600 // bytes
	maxRecords = 64  // bytes of one argument
)

const recordTakes = 10 * time.Second // at most

// tellable are the arguments whose values are recorded: ids, days and switches. Of all
// others, such as an e-mail address or a comment, only that they were given.
var tellable = []string{"person_id", "absence_type_id", "from", "to", "updated_from", "updated_to", "time_zone", "limit", "include_names",
	"first_day", "last_day", "start_half", "end_half", "skip_approval"}

// asks remembers whom a call is about.
func (c *call) asks(id postern.PersonID) {
	if id != 0 && !slices.Contains(c.about, id) && len(c.about) < postern.MaxPage {
		c.about = append(c.about, id)
	}
}

// record keeps a call in the audit trail: who asked for whom, and never what was
// answered. What is asked of an upstream is nobody's tenant here.
func (c *call) record(err error) error {
	e := postern.Event{Tenant: c.who.Tenant, At: c.Now(), Action: postern.ActToolCalled, Actor: c.who.Actor, ClientID: c.who.ClientID,
		RequestID: c.who.RequestID, Object: c.object(), Detail: c.detail()}
	if c.tool != nil {
		e.Scope = c.tool.Scope
	}
	if err != nil {
		refusal := postern.AsError(err)
		e.Action, e.Code, e.Cause = postern.ActToolRefused, refusal.Code, refusal.Cause
	}
	// What happened is recorded also when whoever asked has left.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), recordTakes)
	defer cancel()
	return c.Record(ctx, e)
}

// object lists whom the call is about.
func (c *call) object() string {
	if len(c.about) == 0 {
		return ""
	}
	var numbers []string
	for _, id := range c.about[:min(len(c.about), maxAbout)] {
		numbers = append(numbers, numberOf(id))
	}
	s := "person " + strings.Join(numbers, ",")
	if rest := len(c.about) - len(numbers); rest > 0 {
		s += " and " + strconv.Itoa(rest) + " more"
	}
	return s
}

// detail gives the tool and its arguments.
func (c *call) detail() string {
	if c.tool == nil {
		return "unknown tool"
	}
	parts := []string{c.tool.Name}
	for _, name := range slices.Sorted(maps.Keys(c.given)) {
		if v := tell(name, c.given[name]); v != "" {
			name += "=" + v
		}
		parts = append(parts, name)
	}
	if c.at.After != "" || c.at.Skip > 0 {
		parts = append(parts, "cursor")
	}
	if c.who.Judged && c.who.Tenant != "" {
		parts = append(parts, "upstream="+postern.Shorten(c.who.Tenant, maxRecords))
	}
	if c.who.Agent != "" {
		parts = append(parts, "agent="+cited(postern.Shorten(c.who.Agent, maxRecords)))
	}
	return postern.Shorten(strings.Join(parts, " "), maxDetail)
}

// tell gives the value of an argument as it is recorded, "" for one that is not: what
// has another form than an id, a day or a switch may be a name.
func tell(name string, raw json.RawMessage) string {
	v := strings.Trim(string(raw), `"`)
	if !slices.Contains(tellable, name) || len(v) > maxRecords {
		return ""
	}
	id := strings.HasSuffix(name, "_id")
	if strings.ContainsFunc(v, func(r rune) bool {
		switch {
		case r >= '0' && r <= '9', r == '-':
			return false
		case id:
			return r < 'a' || r > 'f'
		}
		return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && !strings.ContainsRune("_:+./", r)
	}) {
		return ""
	}
	return v
}
