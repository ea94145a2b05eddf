package console_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"postern.dev/postern"
)

func (o *office) Users(_ context.Context, q postern.UserQuery) (postern.Page[postern.User], error) {
	out := postern.Page[postern.User]{}
	for _, u := range o.users {
		if u.Tenant == q.Tenant && strings.Contains(u.Email, strings.ToLower(q.Text)) {
			out.Items = append(out.Items, u)
		}
	}
	return out, o.ask("users", q.Tenant, false, false)
}

func (o *office) user(what, tenant, id string, change, proof bool) (*postern.User, error) {
	if err := o.ask(what, tenant, change, proof); err != nil {
		return nil, err
	}
	return find(o.users, func(u postern.User) bool { return u.Tenant == tenant && (u.ID == id || u.Email == id) })
}

func (o *office) User(_ context.Context, tenant, id string) (postern.User, error) {
	u, err := o.user("user", tenant, id, false, false)
	if err != nil {
		return postern.User{}, err
	}
	return *u, nil
}

func (o *office) CreateUser(_ context.Context, u postern.User, password postern.Secret, _ postern.Edit) (postern.User, postern.Secret, error) {
	if err := o.ask("create user", u.Tenant, true, true); err != nil {
		return u, postern.Secret{}, err
	}
	if err := postern.CheckEmail(u.Email); err != nil {
		e := postern.AsError(err)
		e.Param = "email"
		return u, postern.Secret{}, e
	}
	u.ID, u.CreatedAt, u.UpdatedAt = "u"+strings.ToLower(rand.Text()[:8]), o.clock(), o.clock()
	o.users = append(o.users, u)
	if password.Empty() {
		return u, postern.NewSecret("made-up-password-of-a-user"), nil
	}
	return u, postern.Secret{}, nil
}

func (o *office) ChangeUser(_ context.Context, tenant, id string, c postern.UserChange, e postern.Edit) (postern.User, error) {
	u, err := o.user("change user", tenant, id, true, false)
	if err == nil {
		err = matches(e, u.UpdatedAt)
	}
	if err != nil {
		return postern.User{}, err
	}
	set(&u.Role, c.Role)
	set(&u.AgentID, c.AgentID)
	set(&u.SiteID, c.SiteID)
	set(&u.Disabled, c.Disabled)
	return *u, nil
}

func (o *office) SetPassword(_ context.Context, tenant, id string, password postern.Secret) (postern.User, postern.Secret, error) {
	u, err := o.user("set password", tenant, id, true, true)
	if err != nil {
		return postern.User{}, postern.Secret{}, err
	}
	if password.Empty() {
		return *u, postern.NewSecret("made-up-password-of-a-user"), nil
	}
	return *u, postern.Secret{}, nil
}

func (o *office) Keys(context.Context) ([]postern.KeyStanding, error) {
	if o.actor.Tenant != "" {
		return nil, postern.Errorf(postern.Forbidden, "keys are everybody's")
	}
	return o.keys, o.ask("keys", "", false, false)
}

func (o *office) RotateKey(_ context.Context, alg postern.Alg, _ time.Duration) (postern.KeyStanding, error) {
	return postern.KeyStanding{Key: postern.Key{ID: "new", Alg: alg}, State: postern.KeyNext}, o.ask("rotate key", "", true, false)
}

func (o *office) RetireKey(_ context.Context, id string) error {
	return o.ask("retire key "+id, "", true, true)
}

func (o *office) Events(_ context.Context, f postern.EventFilter) (postern.EventPage, error) {
	var out postern.EventPage
	if err := o.ask("events", f.Tenant, false, false); err != nil {
		return out, err
	}
	for _, e := range slices.Backward(o.events) {
		if e.Tenant != f.Tenant || f.Before > 0 && e.Seq >= f.Before || f.Action != "" && e.Action != f.Action ||
			f.ClientID != "" && e.ClientID != f.ClientID || e.At.Before(f.Since) || !f.Until.IsZero() && !e.At.Before(f.Until) {
			continue
		}
		if len(out.Events) == f.Limit {
			out.Next = out.Events[len(out.Events)-1].Seq
			break
		}
		out.Events = append(out.Events, e)
	}
	return out, nil
}

func (o *office) Chains(context.Context) ([]string, error) {
	return []string{postern.SystemTenant, "acme", "globex"}, o.ask("chains", "", false, false)
}

func (o *office) VerifyChain(_ context.Context, tenant string, progress func(int64)) (postern.Chain, error) {
	if err := o.ask("verify", tenant, false, false); err != nil {
		return postern.Chain{}, err
	}
	if progress != nil {
		progress(12)
	}
	return postern.Chain{Tenant: tenant, Count: int64(len(o.events)), Head: strings.Repeat("ab", 32)}, nil
}

func (o *office) Usage(_ context.Context, q postern.UsageQuery) (postern.Usage, error) {
	return o.usage, o.ask("usage", q.Tenant, false, false)
}

func (o *office) Health(context.Context) (postern.Health, error) {
	return o.health, o.ask("health", "", false, false)
}

func (o *office) Sandbox(_ context.Context, tenant string) (postern.Sandbox, error) {
	s := o.sandboxes[tenant]
	s.Tenant = tenant
	return s, o.ask("sandbox", tenant, false, false)
}

func (o *office) SetSandbox(_ context.Context, s postern.Sandbox) error {
	if err := o.ask("set sandbox", s.Tenant, true, false); err != nil {
		return err
	}
	o.sandboxes[s.Tenant] = s
	return nil
}

func (o *office) Visits(_ context.Context, q postern.VisitQuery) ([]postern.Visit, error) {
	return o.visits, o.ask("visits", q.Tenant, false, false)
}

func (o *office) ResetTenant(_ context.Context, tenant string) (int, error) {
	return 42, o.ask("reset", tenant, true, true)
}

func (o *office) Operators(context.Context, postern.Paging) (postern.Page[postern.Operator], error) {
	return postern.Page[postern.Operator]{Items: slices.Clone(o.operators)}, o.ask("operators", "", false, false)
}

func (o *office) CreateOperator(_ context.Context, p postern.Operator, _ postern.Edit) (postern.Operator, postern.Secret, error) {
	if err := o.ask("create operator "+string(p.Role)+" of", p.Tenant, true, true); err != nil {
		return p, postern.Secret{}, err
	}
	if err := p.Check(); err != nil {
		return p, postern.Secret{}, err
	}
	p.ID, p.CreatedAt, p.UpdatedAt = "o"+strings.ToLower(rand.Text()[:8]), o.clock(), o.clock()
	o.operators = append(o.operators, p)
	code := strings.ToLower(rand.Text())
	o.invites[code] = p.ID
	return p, postern.NewSecret(code), nil
}

func (o *office) ChangeOperator(_ context.Context, id string, c postern.OperatorChange, e postern.Edit) (postern.Operator, error) {
	p, err := find(o.operators, func(p postern.Operator) bool { return p.ID == id })
	if err == nil {
		err = o.ask("change operator", p.Tenant, true, true)
	}
	if err == nil {
		err = matches(e, p.UpdatedAt)
	}
	if err != nil {
		return postern.Operator{}, err
	}
	set(&p.Name, c.Name)
	set(&p.Role, c.Role)
	set(&p.Disabled, c.Disabled)
	return *p, nil
}

func (o *office) DeleteOperator(_ context.Context, id string, _ postern.Edit) error {
	return o.ask("delete operator "+id, "", true, true)
}

func (o *office) Sessions(_ context.Context, operator string) (out []postern.Session, err error) {
	for _, s := range o.sessions {
		if s.Operator == operator {
			out = append(out, s.Session)
		}
	}
	slices.SortFunc(out, func(a, b postern.Session) int { return strings.Compare(a.ID, b.ID) })
	return out, o.ask("sessions "+operator, "", false, false)
}

func (o *office) EndSession(_ context.Context, operator, id string) error {
	for cookie, s := range o.sessions {
		if s.Operator == operator && s.ID == id {
			delete(o.sessions, cookie)
		}
	}
	return o.ask("end session "+operator+" "+id, "", false, false)
}

// The door.

func unknown() error {
	return postern.Errorf(postern.Unauthenticated, "that is not right").Because(postern.BadGrant)
}

func (t *town) begin(operator string, b postern.Browser) postern.Secret {
	cookie := postern.GenerateSecret()
	s := postern.Session{ID: fmt.Sprintf("s%02d", len(t.sessions)+1), Operator: operator, CreatedAt: t.clock(), SeenAt: t.clock(), ProvenAt: t.clock(),
		ExpiresAt: t.clock().Add(12 * time.Hour), Source: b.Source.String(), Agent: b.Agent}
	t.sessions[cookie.Reveal()] = &session{s, cookie.Reveal()}
	return cookie
}

func (t *town) SignIn(_ context.Context, email string, password postern.Secret, code string, b postern.Browser) (postern.Secret, postern.Operator, error) {
	if t.wrong >= 3 {
		e := postern.Errorf(postern.TooMany, "too many wrong passwords")
		e.Wait = 90 * time.Second
		return postern.Secret{}, postern.Operator{}, e
	}
	o, err := find(t.operators, func(o postern.Operator) bool { return o.Email == postern.CanonicalEmail(email) })
	if err != nil || t.passwords[o.ID] == "" || t.passwords[o.ID] != password.Reveal() {
		t.wrong++
		return postern.Secret{}, postern.Operator{}, unknown()
	}
	if o.TOTP != "" && code == "" {
		return postern.Secret{}, postern.Operator{}, postern.Errorf(postern.Unauthenticated, "a code is needed").Because(postern.NeedCode)
	}
	if o.TOTP != "" && code != goodCode {
		t.wrong++
		return postern.Secret{}, postern.Operator{}, unknown()
	}
	return t.begin(o.ID, b), *o, nil
}

func (t *town) SignedIn(_ context.Context, cookie postern.Secret, b postern.Browser) (postern.Operator, postern.Session, error) {
	t.polled = b.Polls
	s, ok := t.sessions[cookie.Reveal()]
	if !ok {
		return postern.Operator{}, postern.Session{}, postern.Errorf(postern.Unauthenticated, "the session is over").Because(postern.BadToken)
	}
	o, err := find(t.operators, func(o postern.Operator) bool { return o.ID == s.Operator })
	if err != nil {
		return postern.Operator{}, postern.Session{}, err
	}
	return *o, s.Session, nil
}

func (t *town) Prove(ctx context.Context, cookie, password postern.Secret, code string, b postern.Browser) (postern.Secret, error) {
	o, _, err := t.SignedIn(ctx, cookie, b)
	if err != nil {
		return postern.Secret{}, err
	}
	fresh, _, err := t.SignIn(ctx, o.Email, password, code, b)
	if err == nil {
		delete(t.sessions, cookie.Reveal())
	}
	return fresh, err
}

func (t *town) SignOut(_ context.Context, cookie postern.Secret, _ postern.Browser) error {
	delete(t.sessions, cookie.Reveal())
	return nil
}

func (t *town) Invited(_ context.Context, code postern.Secret) (postern.Operator, error) {
	id, ok := t.invites[code.Reveal()]
	if !ok {
		return postern.Operator{}, postern.Errorf(postern.NotFound, "there is no such link")
	}
	if id == "" {
		return postern.Operator{Role: postern.Owner}, nil
	}
	o, err := find(t.operators, func(o postern.Operator) bool { return o.ID == id })
	if err != nil {
		return postern.Operator{}, err
	}
	return *o, nil
}

func (t *town) Accept(ctx context.Context, code postern.Secret, o postern.Operator, password postern.Secret, b postern.Browser) (postern.Secret, postern.Operator, error) {
	known, err := t.Invited(ctx, code)
	if err != nil {
		return postern.Secret{}, postern.Operator{}, err
	}
	if err := postern.CheckPassword(password.Reveal()); err != nil {
		e := postern.AsError(err)
		e.Param = "password"
		return postern.Secret{}, postern.Operator{}, e
	}
	if known.Email == "" {
		known = postern.Operator{ID: "first", Email: o.Email, Name: o.Name, Role: postern.Owner}
		t.operators = append(t.operators, known)
	}
	delete(t.invites, code.Reveal())
	t.passwords[known.ID] = password.Reveal()
	return t.begin(known.ID, b), known, nil
}

// The wardrobe.

func (t *town) proven(cookie postern.Secret) (*session, error) {
	s, ok := t.sessions[cookie.Reveal()]
	if !ok {
		return nil, postern.Errorf(postern.Unauthenticated, "the session is over").Because(postern.BadToken)
	}
	if t.clock().Sub(s.ProvenAt) > proofLife {
		return nil, postern.Errorf(postern.Unauthenticated, "prove it again").Because(postern.StaleProof)
	}
	return s, nil
}

func (t *town) ChangePassword(_ context.Context, cookie, password postern.Secret, _ postern.Browser) error {
	s, err := t.proven(cookie)
	if err != nil {
		return err
	}
	if err := postern.CheckPassword(password.Reveal()); err != nil {
		e := postern.AsError(err)
		e.Param = "password"
		return e
	}
	t.passwords[s.Operator] = password.Reveal()
	return nil
}

func (t *town) NewTOTP(_ context.Context, cookie postern.Secret) (postern.Secret, error) {
	_, err := t.proven(cookie)
	return postern.NewSecret("otpauth://totp/Postern:ada%40example.org?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Postern"), err
}

func (t *town) totp(cookie postern.Secret, value string) error {
	s, err := t.proven(cookie)
	if err != nil {
		return err
	}
	o, err := find(t.operators, func(o postern.Operator) bool { return o.ID == s.Operator })
	if err == nil {
		o.TOTP = value
	}
	return err
}

func (t *town) KeepTOTP(_ context.Context, cookie, _ postern.Secret, code string, _ postern.Browser) error {
	if code != goodCode {
		e := postern.Errorf(postern.Invalid, "that is not the code of now")
		e.Param = "code"
		return e
	}
	return t.totp(cookie, "set")
}

func (t *town) DropTOTP(_ context.Context, cookie postern.Secret, _ postern.Browser) error {
	return t.totp(cookie, "")
}
