package hr

import (
	"log/slog"
	"slices"
	"strings"

	"postern.dev/postern"
)

// A client may be shown some fields of persons only (Client.Attributes). What it is not
// shown is left out of answers without a word in the body, as the original does; a
// header and a log line say what was, so that nobody has to guess why a field is empty.
// Names are those of version 1; the fields of version 2 that say the same go with them.

// withheldHeader lists what was left out of an answer.
const (
	withheldHeader = "Postern-Withheld"
	maxWithheld    = 1 << 10 // bytes
)

// shows says whether the client may see an attribute, and remembers it as withheld when
// it may not.
func (c *call) shows(attribute string) bool {
	if c.allowed(attribute) {
		return true
	}
	if c.withheld == nil {
		c.withheld = map[string]bool{}
	}
	c.withheld[attribute] = true
	return false
}

func (c *call) allowed(attribute string) bool {
	client := c.claims.Client
	return client == nil || len(client.Attributes) == 0 || attribute == "id" || slices.Contains(client.Attributes, attribute)
}

// mayFilter refuses a query parameter that asks about an attribute which the client may
// not see: whoever can filter by it can find out what it is.
func (c *call) mayFilter(param, attribute string) error {
	if !c.query.Has(param) || c.allowed(attribute) {
		return nil
	}
	return badParam(param, "the client is not shown %s, and cannot filter by it", attribute).
		WithHint("add %s to the attributes of the client, or leave %s out", attribute, param)
}

// saysWithheld sets the header that lists what was left out, sorted, and as much of it
// as there is room for.
func (c *call) saysWithheld() {
	if len(c.withheld) == 0 {
		return
	}
	var names []string
	for name := range c.withheld {
		names = append(names, postern.Shorten(name, postern.MaxName))
	}
	slices.Sort(names)
	c.Log.DebugContext(c.ctx, "attributes withheld", slog.String("client_id", c.claims.ClientID),
		slog.String("tenant", c.tenant.ID), slog.Any("attributes", names))
	list := strings.Map(func(r rune) rune { // keys are the tenant's own words
		if r > '~' {
			return '?'
		}
		return r
	}, strings.Join(names, ", "))
	if len(list) > maxWithheld {
		list = list[:strings.LastIndex(list[:maxWithheld-5], ", ")] + ", ..."
	}
	c.w.Header()[withheldHeader] = []string{list}
}
