package console

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"time"

	"postern.dev/postern"
)

// OperatorsPage lists those who run the installation, or a tenant of it.
type OperatorsPage struct {
	Me   string // the id of whoever looks
	Rows []OperatorRow
	Next string
}

// OperatorRow is an operator in the list.
type OperatorRow struct {
	ID, Name, Email, Tenant string
	Role                    postern.Role
	Factor, Set             bool // has a second factor, has a password
	Disabled                bool
	Locked                  time.Time // until then; zero when not
	SeenAt                  time.Time
}

func (OperatorsPage) page() head {
	return head{Sheet: "operators", Title: "Operators", Section: inOperators, Crumbs: []Crumb{{Title: "Settings"}}}
}

// OperatorPage is one operator, and a form to change them. A new one has no ID.
type OperatorPage struct {
	OperatorRow
	Version, Key string
	Me           bool // whoever looks
	Roles        []RoleChoice
	Tenants      []postern.Tenant
	Sessions     []postern.Session
	Faults       []Fault
}

// RoleChoice is a role and what it is good for.
type RoleChoice struct {
	Role postern.Role
	Text string
	On   bool
}

var operatorCrumbs = []Crumb{{Title: "Settings"}, {"Operators", "/console/operators"}}

func (p OperatorPage) page() head {
	h := head{Sheet: "operator", Title: p.Email, Section: inOperators, Crumbs: operatorCrumbs}
	if p.ID == "" {
		h.Title = "New operator"
	}
	return h
}

// LinkPage shows the one-time link of a new operator, once.
type LinkPage struct{ Email, Link string }

func (LinkPage) page() head {
	return head{Sheet: "link", Title: "One-time link", Section: inOperators, Crumbs: operatorCrumbs}
}

func operatorAt(id string) string { return "/console/operators/" + url.PathEscape(id) }

func operatorsPages() []page {
	set := func(change postern.OperatorChange, said string) func(*call) error {
		return func(c *call) error { return c.operatorSet(change, said) }
	}
	return []page{
		{pattern: "GET /console/operators", do: (*call).operatorsPage},
		{pattern: "GET /console/operators/new", to: owners, do: (*call).operatorNewPage},
		{pattern: "POST /console/operators/new", do: (*call).operatorNew},
		{pattern: "GET /console/operators/{id}", do: (*call).operatorPage},
		{pattern: "POST /console/operators/{id}", do: (*call).operatorChange},
		{pattern: "POST /console/operators/{id}/disable", do: set(postern.OperatorChange{Disabled: new(true)}, "is disabled and signed out.")},
		{pattern: "POST /console/operators/{id}/enable", do: set(postern.OperatorChange{Disabled: new(false)}, "may sign in again.")},
		{pattern: "POST /console/operators/{id}/unlock", do: set(postern.OperatorChange{Unlock: new(true)}, "may try again.")},
		{pattern: "POST /console/operators/{id}/invite", do: (*call).operatorInvite},
		{pattern: "GET /console/operators/{id}/no-factor", to: owners, do: (*call).noFactorPage},
		{pattern: "POST /console/operators/{id}/no-factor", do: set(postern.OperatorChange{NoTOTP: new(true)}, "signs in without a second factor now.")},
		{pattern: "POST /console/operators/{id}/sessions/{session}/end", do: (*call).operatorEndSession},
		{pattern: "GET /console/operators/{id}/delete", to: owners, do: (*call).operatorDeletePage},
		{pattern: "POST /console/operators/{id}/delete", do: (*call).operatorDelete},
	}
}

func (c *call) operatorsPage() error {
	list, err := c.office.Operators(c.ctx, postern.Paging{Limit: perPage, After: c.query("after")})
	if err != nil {
		return err
	}
	p := OperatorsPage{Me: c.operator.ID}
	for _, o := range list.Items {
		p.Rows = append(p.Rows, c.operatorRow(o))
	}
	if list.Next != "" {
		p.Next = "/console/operators?after=" + url.QueryEscape(list.Next)
	}
	return c.show(p)
}

func (c *call) operatorRow(o postern.Operator) OperatorRow {
	row := OperatorRow{ID: o.ID, Name: o.Name, Email: o.Email, Tenant: o.Tenant, Role: o.Role, Factor: o.TOTP != "", Set: o.PasswordHash != "" || !o.SeenAt.IsZero(),
		Disabled: o.Disabled, SeenAt: o.SeenAt}
	if o.Locked.After(c.now()) {
		row.Locked = o.Locked
	}
	return row
}

func roleChoices(on postern.Role) (out []RoleChoice) {
	texts := map[postern.Role]string{
		postern.Owner: "everything, operators included", postern.Admin: "everything but operators", postern.Auditor: "looks at everything and changes nothing",
	}
	for _, r := range postern.Roles {
		out = append(out, RoleChoice{r, texts[r], r == on})
	}
	return out
}

func (c *call) operatorNewPage() error {
	p := OperatorPage{Key: rand.Text(), Roles: roleChoices(postern.Auditor)}
	return c.withTenants(p, http.StatusOK)
}

// withTenants shows the page with the tenants that a role can be for.
func (c *call) withTenants(p OperatorPage, status int) error {
	list, err := c.office.Tenants(c.ctx, postern.Paging{Limit: maxChoice})
	if err != nil {
		return err
	}
	p.Tenants = list.Items
	return c.showAs(status, p)
}

func (c *call) operatorNew() error {
	o := postern.Operator{Email: postern.CanonicalEmail(c.form.text("email")), Name: c.form.text("name"), Role: postern.Role(c.form.text("role")), Tenant: c.form.text("tenant")}
	if c.operator.Tenant != "" {
		o.Tenant = c.operator.Tenant
	}
	made, code, err := c.office.CreateOperator(c.ctx, o, postern.Edit{Key: c.formKey()})
	if err != nil {
		faults, err := faultsOf(err)
		if err != nil {
			return err
		}
		return c.withTenants(OperatorPage{OperatorRow: c.operatorRow(o), Key: rand.Text(), Roles: roleChoices(o.Role), Faults: faults}, http.StatusUnprocessableEntity)
	}
	if c.already(made.CreatedAt) {
		return c.done(operatorAt(made.ID), made.Email+" is there already, and the link was shown. Whoever did not keep it makes another.")
	}
	return c.showLink(made, code)
}

// showLink shows a one-time link for the only time.
func (c *call) showLink(o postern.Operator, code postern.Secret) error {
	return c.show(LinkPage{o.Email, c.PublicURL + "/console/setup?code=" + url.QueryEscape(code.Reveal())})
}

// operatorInvite makes another link, for who lost the password or came too late.
func (c *call) operatorInvite() error {
	office, ok := c.office.(postern.Inviter)
	if !ok {
		return postern.Errorf(postern.Invalid, "this office gives no other links") // not reached with a registrar
	}
	o, code, err := office.InviteOperator(c.ctx, c.r.PathValue("id"))
	if err != nil {
		return err
	}
	return c.showLink(o, code)
}

// someOperator finds an operator in the lists of the Office, which has no other way.
func (c *call) someOperator() (postern.Operator, error) {
	id, after := c.r.PathValue("id"), ""
	for range maxOperatorPages {
		list, err := c.office.Operators(c.ctx, postern.Paging{Limit: postern.MaxPage, After: after})
		if err != nil {
			return postern.Operator{}, err
		}
		if i := slices.IndexFunc(list.Items, func(o postern.Operator) bool { return o.ID == id }); i >= 0 {
			return list.Items[i], nil
		}
		if after = list.Next; after == "" {
			break
		}
	}
	return postern.Operator{}, postern.Errorf(postern.NotFound, "there is no such operator")
}

// maxOperatorPages bounds how far an operator is looked for.
const maxOperatorPages = 20

func (c *call) operatorPage() error {
	o, err := c.someOperator()
	if err != nil {
		return err
	}
	p, err := c.operatorOf(o)
	if err != nil {
		return err
	}
	return c.show(p)
}

func (c *call) operatorOf(o postern.Operator) (OperatorPage, error) {
	p := OperatorPage{OperatorRow: c.operatorRow(o), Version: postern.Version(o.UpdatedAt), Me: o.ID == c.operator.ID, Roles: roleChoices(o.Role)}
	var err error
	p.Sessions, err = c.office.Sessions(c.ctx, o.ID)
	return p, err
}

func (c *call) operatorChange() error {
	o, err := c.someOperator()
	if err != nil {
		return err
	}
	change := postern.OperatorChange{Name: new(c.form.text("name")), Role: new(postern.Role(c.form.text("role")))}
	if _, err = c.office.ChangeOperator(c.ctx, o.ID, change, postern.Edit{Match: c.form.text("version")}); err == nil {
		return c.done(operatorAt(o.ID), o.Email+" was changed.")
	}
	faults, err := faultsOf(err)
	if err != nil {
		return err
	}
	p, err := c.operatorOf(o)
	if err != nil {
		return err
	}
	p.Faults, p.Name, p.Roles = faults, *change.Name, roleChoices(*change.Role)
	return c.showAs(http.StatusUnprocessableEntity, p)
}

func (c *call) operatorSet(change postern.OperatorChange, said string) error {
	o, err := c.office.ChangeOperator(c.ctx, c.r.PathValue("id"), change, postern.Edit{Match: c.form.text("version")})
	if err != nil {
		return err
	}
	return c.done(operatorAt(o.ID), o.Email+" "+said)
}

func (c *call) operatorEndSession() error {
	id := c.r.PathValue("id")
	if err := c.office.EndSession(c.ctx, id, c.r.PathValue("session")); err != nil {
		return err
	}
	return c.done(operatorAt(id), "The session has ended.")
}

func (c *call) noFactorPage() error {
	o, err := c.someOperator()
	if err != nil {
		return err
	}
	return c.show(SurePage{
		Section: inOperators, Crumbs: slices.Concat(operatorCrumbs, []Crumb{{o.Email, operatorAt(o.ID)}}), Title: "Take the second factor of " + o.Email + " away",
		Text:   "Whoever knows the password can sign in from then on. Do this for someone who lost it, and be sure that it is they who ask.",
		Action: operatorAt(o.ID) + "/no-factor", Back: operatorAt(o.ID), Button: "Take it away", Version: postern.Version(o.UpdatedAt),
	})
}

func sureOfOperator(o postern.Operator) SurePage {
	return SurePage{
		Section: inOperators, Crumbs: slices.Concat(operatorCrumbs, []Crumb{{o.Email, operatorAt(o.ID)}}), Title: "Delete " + o.Email,
		Text:   "The account is gone for good and signed out everywhere. What it did stays in the audit trail.",
		Action: operatorAt(o.ID) + "/delete", Back: operatorAt(o.ID), Button: "Delete for good", Version: postern.Version(o.UpdatedAt), Type: o.Email,
	}
}

func (c *call) operatorDeletePage() error {
	o, err := c.someOperator()
	if err != nil {
		return err
	}
	return c.show(sureOfOperator(o))
}

func (c *call) operatorDelete() error {
	o, err := c.someOperator()
	if err != nil {
		return err
	}
	if err := c.typed(o.Email); err != nil {
		return c.again(sureOfOperator(o), err)
	}
	if err := c.office.DeleteOperator(c.ctx, o.ID, postern.Edit{Match: c.form.text("version")}); err != nil {
		return err
	}
	return c.done("/console/operators", o.Email+" is deleted.")
}
