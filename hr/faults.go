package hr

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"postern.dev/postern"
)

// defaultDelay is how late a slow answer is when its fault does not say.
const defaultDelay = 2 * time.Second

// misbehave lets go wrong what the sandbox says. Of the faults that fit the path each
// has its chance; slowness adds up with what comes after it.
func (c *call) misbehave() error {
	for _, f := range c.sandbox.Faults {
		if !strings.HasPrefix(c.r.URL.Path, f.Path) || c.Dice() >= f.Rate {
			continue
		}
		c.fault = f.Kind
		switch f.Kind {
		case "slow":
			if err := c.dawdle(f.Delay); err != nil {
				return err
			}
		case "loop", "relative", "foreign": // for whoever makes the next link
			return nil
		default:
			return faultError(f.Kind)
		}
	}
	return nil
}

// faultError is what a fault answers with.
func faultError(kind string) error {
	e := &postern.Error{Code: postern.Internal, Cause: "fault " + kind}
	switch kind {
	case "429":
		e.Code, e.Wait = postern.TooMany, time.Second
	case "502":
		e.Code, e.Reason = postern.Unavailable, badGateway
	case "503":
		e.Code = postern.Unavailable
	case "expired":
		e.Code, e.Reason = postern.Unauthenticated, postern.BadToken
	}
	return e
}

// dawdle waits, but not for a caller who left.
func (c *call) dawdle(d time.Duration) error {
	if d <= 0 {
		d = defaultDelay
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-c.ctx.Done():
		return &postern.Error{Code: postern.Unavailable, Cause: "the caller left", Err: c.ctx.Err()}
	}
}

// visited tells the request log, without what could name a person.
func (c *call) visited(start time.Time, status int, err error) {
	if !c.sandbox.Log {
		return
	}
	tenant := c.tenant.ID
	if tenant == "" { // refused before the tenant of the call was known
		tenant = c.claims.Tenant
	}
	v := postern.Visit{
		Tenant: tenant, At: start, ClientID: c.claims.ClientID, Method: c.r.Method, Path: c.loggedPath(),
		Status: int64(status), Took: c.Now().Sub(start), RequestID: c.note.ID,
	}
	if e := postern.AsError(err); e != nil {
		v.Note = string(e.Code)
		if e.Cause != "" {
			v.Note += ": " + e.Cause
		} else if e.Param != "" {
			v.Note += ": " + postern.Shorten(e.Param, 100)
		}
	} else if c.fault != "" {
		v.Note = "fault " + c.fault
	}
	c.Visit(v)
}

// maxLoggedPath bounds what is kept of the path and the query, in bytes.
const maxLoggedPath = 1 << 10

// hidden stands for a value that could name a person.
const hidden = "…"

// loggedKeys are the query parameters whose values name nobody.
var loggedKeys = []string{
	"limit", "offset", "page", "id", "person.id", "absence_type.id", "project.id", "status", "sort", "skip_approval",
	"start_date", "end_date", "updated_from", "updated_to", "updated_since", "includePending",
	"employees[]", "attributes[]", "absence_types[]", "absence_periods[]",
	"employees", "attributes", "absence_types", "absence_periods",
	"created_at", "updated_at", "attribution_date", "starts_from", "starts_from.date_time", "ends_at", "ends_at.date_time", "start.date_time", "end.date_time",
}

func (c *call) loggedPath() string {
	out := c.plainPath()
	query := c.r.URL.Query()
	keys := make([]string, 0, len(query))
	for k := range query {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for i, k := range keys {
		sep := "&"
		if i == 0 {
			sep = "?"
		}
		name := k
		if len(k) > 64 || strings.Trim(k, plainLetters) != "" {
			name = hidden
		}
		value := hidden
		base, dot := k, ""
		if at := strings.LastIndexByte(k, '.'); at > 0 {
			base, dot = k[:at], k[at:]
		}
		bound := slices.Contains([]string{".gt", ".gte", ".lt", ".lte"}, dot)
		if slices.Contains(loggedKeys, k) || bound && slices.Contains(loggedKeys, base) {
			value = plainValue(strings.Join(query[k], ","))
		}
		out += sep + name + "=" + value
	}
	return postern.Shorten(out, maxLoggedPath)
}

// plainLetters are those of names, numbers and dates.
const plainLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.,:[]+"

// plainValue hides what is not a name of ours, a number or a date, such as an e-mail
// address where an id belongs.
func plainValue(s string) string {
	if len(s) > 200 || strings.Trim(s, plainLetters) != "" {
		return hidden
	}
	return url.QueryEscape(s)
}

// plainPath hides what stands in place of an id and is none.
func (c *call) plainPath() string {
	if c.route == nil {
		return hidden
	}
	parts := strings.Split(c.r.URL.Path, "/")
	for i, p := range strings.Split(c.route.path, "/") {
		if i < len(parts) && strings.HasPrefix(p, "{") && (len(parts[i]) > 64 || strings.Trim(parts[i], plainLetters) != "") {
			parts[i] = hidden
		}
	}
	return strings.Join(parts, "/")
}
