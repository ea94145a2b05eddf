package console

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"postern.dev/postern"
)

// ProvePage asks an operator to prove again who they are, before what cannot be undone.
type ProvePage struct {
	Action  string  // where the form goes: to what was wanted
	Carried []Carry // what was typed there
	Next    string  // where to go then, when nothing waits
	Back    string
	Email   string
	TOTP    bool
	Faults  []Fault
}

// Carry is a field of the form that waits.
type Carry struct{ Name, Value string }

func (ProvePage) page() head { return head{Sheet: "prove", Title: "Is it you?"} }

// The fields of the question.
const (
	proofPassword = "proof_password"
	proofCode     = "proof_code"
)

func provePages() []page {
	return []page{
		{pattern: "GET /console/prove", do: (*call).provePage},
		{pattern: "POST /console/prove", do: (*call).proved},
	}
}

func (c *call) provePage() error { return c.askProof("") }

// proved goes on after proveFirst has had the answer.
func (c *call) proved() error {
	next := within(c.form.text("next"))
	if !c.form.values.Has(proofPassword) {
		return c.done("/console/prove?next="+url.QueryEscape(next), "")
	}
	return c.done(next, "")
}

// askProof asks, in the middle of something else, whether it is still the same person.
// The form that waits is carried along, so that nothing has to be typed again; what its
// names call secret is not.
func (c *call) askProof(fault string) error {
	p := ProvePage{Action: "/console/prove", Email: c.operator.Email, TOTP: c.operator.TOTP != "", Back: "/console/"}
	switch {
	case c.r.Method == http.MethodPost && c.r.URL.Path != "/console/prove":
		p.Action = c.r.URL.RequestURI()
		p.Carried = carried(c.form)
	case c.r.URL.Path == "/console/prove":
		p.Next = within(c.query("next"))
		if c.r.Method == http.MethodPost {
			p.Next = within(c.form.text("next"))
		}
		p.Back = p.Next
	default:
		p.Next = within(c.r.URL.RequestURI())
	}
	status := http.StatusOK
	if fault != "" {
		field := proofPassword
		p.Faults, status = []Fault{{field, fault}}, http.StatusUnprocessableEntity
	}
	return c.showAs(status, p)
}

// carried gives the fields of a form in a stable order.
func carried(f form) (out []Carry) {
	for name, all := range f.values {
		if name == csrfField || name == proofPassword || name == proofCode || name == "username" ||
			strings.Contains(name, "password") || strings.Contains(name, "secret") || strings.Contains(name, "code") {
			continue
		}
		for _, v := range all {
			out = append(out, Carry{name, v})
		}
	}
	slices.SortStableFunc(out, func(a, b Carry) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// proveFirst takes the answer to askProof out of any form before its handler sees it.
// The cookie is another one from then on: what the browser held while it had proved less
// is good for nothing more. It gives false when the question was asked again.
func (c *call) proveFirst() (bool, error) {
	if !c.signedIn || !c.form.values.Has(proofPassword) {
		return true, nil
	}
	cookie, err := c.Door.Prove(c.ctx, c.cookie, c.form.secret(proofPassword), c.form.text(proofCode), c.browser())
	switch e := postern.AsError(err); {
	case err != nil && e.Code == postern.Unauthenticated && e.Reason == postern.NeedCode:
		c.operator.TOTP = "set" // the page asks for the code
		return false, c.askProof("The code of your authenticator is needed too.")
	case err != nil && e.Code == postern.Unauthenticated:
		return false, c.askProof("That is not right.")
	case err != nil:
		return false, err
	}
	return true, c.open(cookie)
}
