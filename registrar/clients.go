package registrar

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/internal/near"
)

// Bounds of a client's lists.
const (
	maxCallInto = 100
	maxRanges   = 100
)

func (o *office) Clients(ctx context.Context, q postern.ClientQuery) (postern.Page[postern.Client], error) {
	none := postern.Page[postern.Client]{}
	if err := o.may(ReadClients); err != nil {
		return none, err
	}
	if _, err := o.tenant(ctx, q.Tenant); err != nil {
		return none, err
	}
	var err error
	if q.Paging, err = paging(q.Paging); err != nil {
		return none, err
	}
	page, err := o.store().SearchClients(ctx, q)
	for i := range page.Items {
		page.Items[i] = seenClient(page.Items[i])
	}
	return page, err
}

func (o *office) Client(ctx context.Context, id string) (postern.Client, error) {
	if err := o.may(ReadClients); err != nil {
		return postern.Client{}, err
	}
	c, err := o.client(ctx, id)
	return seenClient(c), err
}

// client looks a client up that the actor may know of.
func (o *office) client(ctx context.Context, id string) (postern.Client, error) {
	c, err := o.store().Client(ctx, id)
	if postern.CodeOf(err) == postern.NotFound || err == nil && !o.sees(c.Tenant) {
		return postern.Client{}, unseen(err == nil, postern.Errorf(postern.NotFound, "there is no client %q", postern.Shorten(id, 80)))
	}
	return c, err
}

// seenClient leaves out what proves a client: not even the hash goes out.
func seenClient(c postern.Client) postern.Client {
	c.Secrets = slices.Clone(c.Secrets)
	for i := range c.Secrets {
		c.Secrets[i].Hash = ""
	}
	return c
}

func (o *office) CreateClient(ctx context.Context, c postern.Client, life time.Duration, e postern.Edit) (postern.Client, postern.Secret, error) {
	var none postern.Secret
	if err := o.may(CreateClient); err != nil {
		return postern.Client{}, none, err
	}
	if err := checkCallInto(c.Tenants); err != nil {
		return postern.Client{}, none, err
	}
	for _, t := range append([]string{c.Tenant}, c.Tenants...) {
		if _, err := o.tenant(ctx, t); err != nil {
			return postern.Client{}, none, err
		}
	}
	c = postern.Client{Tenant: c.Tenant, Name: c.Name, Public: c.Public, Scopes: c.Scopes, Dialects: c.Dialects, Tenants: c.Tenants,
		TokenLife: c.TokenLife, Alg: c.Alg, Ranges: c.Ranges, Attributes: c.Attributes, Disabled: c.Disabled}
	if err := o.checkClient(&c, true); err != nil {
		return postern.Client{}, none, err
	}
	if err := checkLife(life); err != nil {
		return postern.Client{}, none, err
	}
	asked := struct {
		Client postern.Client
		Life   time.Duration
	}{c, life}
	return once(ctx, o, CreateClient, e, asked, func() (postern.Client, postern.Secret, error) {
		c, secret := c, none
		c.ID, c.Subject, c.CreatedAt = newClientID(), newSubject(), o.r.now()
		c.UpdatedAt = c.CreatedAt
		if !c.Public {
			secret = postern.GenerateSecret()
			c.Secrets = []postern.StoredSecret{o.newSecret(secret, life)}
		}
		ev := o.event(c.Tenant, postern.ActClientCreated, c.ID, "scopes: "+c.Scopes.String())
		ev.ClientID = c.ID
		if err := o.store().CreateClient(ctx, c, ev); err != nil {
			return postern.Client{}, none, err
		}
		return seenClient(c), secret, nil
	})
}

// checkClient makes a client as it was wished be one that can be, or fails: with Invalid
// for what cannot be, with Forbidden for what the actor may not give. Its dialects are
// looked at when they are new.
func (o *office) checkClient(c *postern.Client, dialects bool) (err error) {
	if err := checkName(c.Name); err != nil {
		return err
	}
	if c.Scopes, err = postern.ParseScopes(strings.Join(c.Scopes, " ")); err != nil {
		return named("scopes", err)
	}
	if err := o.mayGive(c.Scopes); err != nil {
		return err
	}
	if err := o.r.checkWhitelist(c.Attributes); err != nil {
		return err
	}
	if dialects {
		if c.Dialects, c.Grants, err = o.r.dialectsFor(c.Dialects, c.Public); err != nil {
			return err
		}
	}
	if c.Ranges, err = checkRanges(c.Ranges); err != nil {
		return err
	}
	if c.Alg != "" && !slices.Contains(postern.Algs, c.Alg) {
		return invalid("alg", "%q is not an algorithm we sign with", postern.Shorten(string(c.Alg), 20)).
			WithHint("use one of ES256, RS256, EdDSA")
	}
	if c.TokenLife != 0 && (c.TokenLife < postern.MinTokenLife || c.TokenLife > postern.MaxTokenLife) {
		return invalid("token_life_seconds", "a token lives %s to %s", postern.MinTokenLife, postern.MaxTokenLife)
	}
	return nil
}

// checkCallInto fails with Invalid for too long a list, before anything in it is looked
// for.
func checkCallInto(tenants []string) error {
	if len(tenants) > maxCallInto {
		return invalid("call_into", "a client may call into at most %d other tenants", maxCallInto)
	}
	return nil
}

// strangers are those of a list that the actor knows no tenant of, each with why.
func (o *office) strangers(ctx context.Context, tenants *[]string) (map[string]error, error) {
	if tenants == nil {
		return nil, nil
	}
	if err := checkCallInto(*tenants); err != nil {
		return nil, err
	}
	unknown := map[string]error{}
	for _, t := range *tenants {
		if _, err := o.tenant(ctx, t); err != nil {
			unknown[t] = err
		}
	}
	return unknown, nil
}

// named says which field an error is about.
func named(param string, err error) error {
	if err == nil {
		return nil
	}
	e := *postern.AsError(err)
	e.Param = param
	return &e
}

// The scopes of the operator API begin with this; those that are for the client's own
// tenant go on with the rest.
const (
	ownScope    = "postern:"
	tenantScope = "postern:admin:tenant"
	tenantRead  = "postern:admin:tenant:read"
)

// mayGive fails with Forbidden when one of the scopes opens the operator API and is not
// the actor's to give. It also guards the secrets of a client that has such a scope:
// whoever makes one could use it.
func (o *office) mayGive(scopes postern.Scopes) error {
	for _, s := range scopes {
		action := GrantAll
		switch {
		case !strings.HasPrefix(strings.ToLower(s), ownScope):
			continue
		case s == tenantScope || s == tenantRead:
			action = GrantTenant
		}
		if err := o.may(action); err != nil {
			return err
		}
	}
	return nil
}

// checkWhitelist fails for names of fields that cannot be. One that is not ours may be
// an attribute of the tenant's, unless it looks like a slip.
func (r *Registrar) checkWhitelist(names []string) error {
	if len(names) > postern.MaxAttributes {
		return invalid("attributes", "at most %d attributes can be named", postern.MaxAttributes)
	}
	for _, n := range names {
		if n == "" || len(n) > postern.MaxName || strings.ContainsFunc(n, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			return invalid("attributes", "the name of an attribute has 1 to %d bytes and no blanks", postern.MaxName)
		}
		if slices.Contains(r.cfg.Attributes, n) || strings.HasPrefix(n, "dynamic_") {
			continue
		}
		if meant := near.Of(n, r.cfg.Attributes); meant != "" {
			return invalid("attributes", "there is no attribute %q", n).WithHint("did you mean %s?", meant)
		}
	}
	return nil
}

// dialectsFor gives the named dialects, or every one of the client's kind, and the
// grants they need.
func (r *Registrar) dialectsFor(wanted []string, public bool) (dialects, grants []string, err error) {
	kind, grants := postern.Machine, []string{postern.GrantClientCredentials}
	if public {
		kind, grants = postern.Human, []string{postern.GrantPassword}
	}
	var names []string
	for _, d := range r.cfg.Dialects {
		names = append(names, d.Name)
		if len(wanted) == 0 && d.Kind == kind {
			dialects = append(dialects, d.Name)
		}
		if !slices.Contains(wanted, d.Name) {
			continue
		}
		dialects = append(dialects, d.Name)
		if d.Kind == postern.Human && !slices.Contains(grants, postern.GrantPassword) {
			grants = append(grants, postern.GrantPassword)
		}
		if public && d.Kind == postern.Machine {
			return nil, nil, invalid("dialects", "a public client cannot use %s: it has no secret", d.Name)
		}
	}
	for _, n := range wanted {
		if !slices.Contains(names, n) {
			return nil, nil, invalid("dialects", "there is no dialect %q", postern.Shorten(n, 40)).
				WithHint("the dialects are %s", strings.Join(names, ", "))
		}
	}
	return dialects, grants, nil
}

// checkRanges gives networks as they are compared.
func checkRanges(ranges []netip.Prefix) ([]netip.Prefix, error) {
	if len(ranges) > maxRanges {
		return nil, invalid("ip_ranges", "a client has at most %d networks", maxRanges)
	}
	var out []netip.Prefix
	for _, p := range ranges {
		if p.Addr().Is4In6() && p.Bits() >= 96 { // an address that comes so is compared as IPv4
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		if !p.IsValid() {
			return nil, invalid("ip_ranges", "%q is neither an address nor a network such as 10.0.0.0/8", postern.Shorten(p.String(), 60))
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// newClientID makes an id that orders alike on every engine: 24 of a-z and 2-7.
func newClientID() string {
	raw := make([]byte, 15)
	_, _ = rand.Read(raw) // never fails since Go 1.24
	return strings.ToLower(base32.StdEncoding.EncodeToString(raw))
}

func newSubject() string {
	raw := make([]byte, 12)
	_, _ = rand.Read(raw) // never fails since Go 1.24
	return hex.EncodeToString(raw)
}

// changesOf says what of a client is to be changed.
func changesOf(c postern.ClientChange) (done words) {
	done.set("name", c.Name != nil)
	if c.Scopes != nil {
		done = append(done, "scopes: "+c.Scopes.String())
	}
	done.set("dialects", c.Dialects != nil)
	done.set("call into", c.Tenants != nil)
	done.set("attributes", c.Attributes != nil)
	done.set("token life", c.TokenLife != nil)
	done.set("networks", c.Ranges != nil)
	done.choose(c.Disabled, "disabled", "enabled")
	return done
}

func (o *office) ChangeClient(ctx context.Context, id string, ch postern.ClientChange, e postern.Edit) (postern.Client, error) {
	if err := o.may(ChangeClient); err != nil {
		return postern.Client{}, err
	}
	old, err := o.client(ctx, id)
	if err != nil {
		return postern.Client{}, err
	}
	done := changesOf(ch)
	if len(done) == 0 {
		return postern.Client{}, nothingToChange()
	}
	unknown, err := o.strangers(ctx, ch.Tenants)
	if err != nil {
		return postern.Client{}, err
	}
	// Whoever may stop a client may do so whatever it is good for.
	stops := len(done) == 1 && ch.Disabled != nil && *ch.Disabled
	ev := o.event(old.Tenant, postern.ActClientChanged, old.ID, done.String())
	ev.ClientID = old.ID
	c, err := o.store().ChangeClient(ctx, old.Tenant, old.ID, ev, func(c *postern.Client) error {
		if err := match(e, c.UpdatedAt); err != nil {
			return err
		}
		if stops {
			c.Disabled = true
			return nil
		}
		if err := o.mayGive(c.Scopes); err != nil {
			return err
		}
		for t, err := range unknown { // those it has stay, whoever gave them
			if !slices.Contains(c.Tenants, t) {
				return err
			}
		}
		set(&c.Name, ch.Name)
		set(&c.Scopes, ch.Scopes)
		set(&c.Dialects, ch.Dialects)
		set(&c.Tenants, ch.Tenants)
		set(&c.Attributes, ch.Attributes)
		set(&c.TokenLife, ch.TokenLife)
		set(&c.Ranges, ch.Ranges)
		set(&c.Disabled, ch.Disabled)
		return o.checkClient(c, ch.Dialects != nil)
	})
	return seenClient(c), err
}

func (o *office) DeleteClient(ctx context.Context, id string, e postern.Edit) error {
	if err := o.may(DeleteClient); err != nil {
		return err
	}
	c, err := o.client(ctx, id)
	if err != nil {
		return err
	}
	ev := o.event(c.Tenant, postern.ActClientDeleted, c.ID, c.Name)
	ev.ClientID = c.ID
	return o.store().DeleteClient(ctx, c.Tenant, c.ID, ev, func(c *postern.Client) error {
		if err := match(e, c.UpdatedAt); err != nil {
			return err
		}
		return o.mayGive(c.Scopes)
	})
}

func (o *office) Refusals(ctx context.Context, id string) ([]postern.Refusal, error) {
	if err := o.may(ReadClients); err != nil {
		return nil, err
	}
	c, err := o.client(ctx, id)
	if err != nil {
		return nil, err
	}
	return o.store().Refusals(ctx, c.Tenant, c.ID)
}
