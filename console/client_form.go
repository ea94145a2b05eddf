package console

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
)

// ClientForm is what can be chosen of a client, as it stands in a form.
type ClientForm struct {
	Name        string
	Permissions []PermissionGroup
	Dialects    []Choice
	Some        bool     // only some fields of persons are shown
	Attributes  []Choice // of ours
	Own         string   // attributes that the tenant added
	Ranges      string   // one in each line
	TokenLife   string   // minutes
	Tenants     string   // that its calls may name beside its own
	Faults      []Fault
}

// Choice is a box to tick.
type Choice struct {
	Value, Title string
	On           bool
}

// formOf shows a client in a form.
func (c *call) formOf(client postern.Client) (ClientForm, error) {
	known, err := c.office.Scopes(c.ctx, client.Tenant)
	if err != nil {
		return ClientForm{}, err
	}
	f := ClientForm{
		Name: client.Name, Permissions: permissions(known, client.Scopes, c.operator.Role == postern.Owner),
		Some: len(client.Attributes) > 0, Tenants: strings.Join(client.Tenants, " "),
	}
	for _, d := range c.Dialects {
		f.Dialects = append(f.Dialects, Choice{d.Name, d.Title, client.MayUse(d.Name)})
	}
	var own []string
	for _, a := range client.Attributes {
		if !slices.Contains(c.Attributes, a) {
			own = append(own, a)
		}
	}
	for _, a := range c.Attributes {
		f.Attributes = append(f.Attributes, Choice{a, capital(strings.ReplaceAll(a, "_", " ")), slices.Contains(client.Attributes, a)})
	}
	f.Own = strings.Join(own, " ")
	var ranges []string
	for _, p := range client.Ranges {
		ranges = append(ranges, p.String())
	}
	f.Ranges = strings.Join(ranges, "\n")
	if client.TokenLife > 0 {
		f.TokenLife = strconv.FormatInt(int64(client.TokenLife/time.Minute), 10)
	}
	return f, nil
}

// readClient takes the fields of the form that can be chosen, and no others, into a
// client. What it gives can be shown again even with an error.
func (c *call) readClient(client *postern.Client) error {
	f := c.form
	client.Name = f.text("name")
	client.Dialects = f.list("dialect")
	client.Attributes = nil
	if f.text("shown") == "some" {
		client.Attributes = append(f.list("attribute"), f.words("own")...)
	}
	if c.operator.Tenant == "" {
		client.Tenants = f.words("tenants")
	}
	var err error
	if client.Scopes, err = postern.ParseScopes(strings.Join(f.list("scope"), " ")); err != nil {
		return at("scopes", err)
	}
	if client.Ranges, err = ranges(f.words("ranges")); err != nil {
		return err
	}
	minutes, err := f.number("token_life")
	if err == nil && minutes != 0 && (minutes < int64(postern.MinTokenLife/time.Minute) || minutes > int64(postern.MaxTokenLife/time.Minute)) {
		err = wrong("token_life", "a token lives 1 to %d minutes", postern.MaxTokenLife/time.Minute)
	}
	if err != nil {
		return err
	}
	client.TokenLife = time.Duration(minutes) * time.Minute
	if f.text("shown") == "some" && len(client.Attributes) == 0 {
		return wrong("attributes", "choose at least one field, or show all")
	}
	return nil
}

// ranges reads networks and single addresses.
func ranges(words []string) (out []netip.Prefix, err error) {
	for _, w := range words {
		p, err := netip.ParsePrefix(w)
		if err != nil {
			a, aerr := netip.ParseAddr(w)
			if aerr != nil {
				return out, wrong("ranges", "%q is neither a network such as 192.0.2.0/24 nor an address", postern.Shorten(w, 60))
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// clientFaults gives what can be put right in the form of a client that is there: what is
// missing then is a tenant that its calls were to name.
func clientFaults(client postern.Client, err error) ([]Fault, error) {
	if postern.CodeOf(err) == postern.NotFound && len(client.Tenants) > 0 {
		err = wrong("tenants", "%s", postern.Public(err))
	}
	return faultsOf(err)
}
