package registrar

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strings"
	"time"

	"postern.dev/postern"
)

// noAgent is the AgentID that asks for a user who is no agent; "" asks for a new one.
const noAgent = "none"

// defaultRole is what a user is when nobody says so.
const defaultRole = "AGENT"

// maxWord bounds a user's role and agent id, in bytes.
const maxWord = 60

func (o *office) Users(ctx context.Context, q postern.UserQuery) (postern.Page[postern.User], error) {
	none := postern.Page[postern.User]{}
	if err := o.may(ReadUsers); err != nil {
		return none, err
	}
	if _, err := o.tenant(ctx, q.Tenant); err != nil {
		return none, err
	}
	var err error
	if q.Paging, err = paging(q.Paging); err != nil {
		return none, err
	}
	page, err := o.store().SearchUsers(ctx, q)
	for i := range page.Items {
		page.Items[i] = seenUser(page.Items[i])
	}
	return page, err
}

func (o *office) User(ctx context.Context, tenant, idOrEmail string) (postern.User, error) {
	if err := o.may(ReadUsers); err != nil {
		return postern.User{}, err
	}
	u, err := o.user(ctx, tenant, idOrEmail)
	return seenUser(u), err
}

// user looks a user up, by id or e-mail address, of a tenant that the actor may know of.
func (o *office) user(ctx context.Context, tenant, idOrEmail string) (u postern.User, err error) {
	if _, err := o.tenant(ctx, tenant); err != nil {
		return u, err
	}
	if strings.Contains(idOrEmail, "@") {
		u, err = o.store().User(ctx, tenant, postern.CanonicalEmail(idOrEmail))
	} else {
		u, err = o.store().UserByID(ctx, tenant, idOrEmail)
	}
	if postern.CodeOf(err) == postern.NotFound {
		err = postern.Errorf(postern.NotFound, "tenant %s has no user %s", tenant, postern.Shorten(idOrEmail, postern.MaxEmail))
	}
	return u, err
}

// seenUser leaves out what proves a user.
func seenUser(u postern.User) postern.User {
	u.PasswordHash = ""
	return u
}

func (o *office) CreateUser(ctx context.Context, u postern.User, password postern.Secret, e postern.Edit) (postern.User, postern.Secret, error) {
	var none postern.Secret
	if err := o.may(CreateUser); err != nil {
		return postern.User{}, none, err
	}
	t, err := o.tenant(ctx, u.Tenant)
	if err != nil {
		return postern.User{}, none, err
	}
	u = postern.User{Tenant: t.ID, Email: postern.CanonicalEmail(u.Email), Role: u.Role, AgentID: u.AgentID, SiteID: u.SiteID, Disabled: u.Disabled}
	if u.Role == "" {
		u.Role = defaultRole
	}
	if err := checkUser(&u); err != nil {
		return postern.User{}, none, err
	}
	if err := checkPassword(t, u.Email, password); err != nil {
		return postern.User{}, none, err
	}
	asked := struct {
		User     postern.User
		Password string
	}{u, password.Reveal()}
	return once(ctx, o, CreateUser, e, asked, func() (postern.User, postern.Secret, error) {
		u, made := u, none
		u.ID, u.CreatedAt = newGUID(), o.r.now()
		u.UpdatedAt = u.CreatedAt
		switch u.AgentID {
		case "":
			u.AgentID = newGUID()
		case noAgent:
			u.AgentID = ""
		}
		proof := password
		if proof.Empty() {
			proof = generatePassword()
			made = proof
		}
		if u.PasswordHash, err = o.r.cfg.Passwords.Hash(ctx, proof); err != nil {
			return postern.User{}, none, err
		}
		ev := o.event(t.ID, postern.ActUserCreated, u.ID, u.Email)
		ev.UserID = u.ID
		if err := o.store().CreateUser(ctx, u, ev); err != nil {
			if postern.CodeOf(err) == postern.Conflict {
				err = postern.Errorf(postern.Conflict, "tenant %s has a user %s already", t.ID, u.Email)
			}
			return postern.User{}, none, err
		}
		return seenUser(u), made, nil
	})
}

// checkUser fails with Invalid for a user that cannot be.
func checkUser(u *postern.User) error {
	switch {
	case u.Role == "" || len(u.Role) > maxWord || !oneWord(u.Role):
		return invalid("role", "a role has 1 to %d bytes, without control characters", maxWord)
	case len(u.AgentID) > maxWord || !oneWord(u.AgentID):
		return invalid("agent_id", "the id of an agent has at most %d bytes, without control characters", maxWord)
	case u.SiteID < 0:
		return invalid("site_id", "a site is a positive number")
	}
	return named("email", postern.CheckEmail(u.Email))
}

func oneWord(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// checkPassword fails with Invalid for a password that is given and not good; none is
// made.
func checkPassword(t postern.Tenant, email string, password postern.Secret) error {
	if password.Empty() {
		return nil
	}
	local, _, _ := strings.Cut(email, "@")
	return named("password", postern.CheckPassword(password.Reveal(), product, t.ID, t.Name, local))
}

// product is our name, which is in no good password.
const product = "postern"

// generatePassword makes 24 hex digits in groups: 96 bits that a person can type.
func generatePassword() postern.Secret {
	raw := make([]byte, 12)
	_, _ = rand.Read(raw) // never fails since Go 1.24
	h := hex.EncodeToString(raw)
	return postern.NewSecret(h[:6] + "-" + h[6:12] + "-" + h[12:18] + "-" + h[18:])
}

// newGUID makes a random UUID (RFC 9562 section 5.4).
func newGUID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails since Go 1.24
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func (o *office) ChangeUser(ctx context.Context, tenant, id string, c postern.UserChange, e postern.Edit) (postern.User, error) {
	if err := o.may(ChangeUser); err != nil {
		return postern.User{}, err
	}
	var done words
	done.set("role", c.Role != nil)
	done.set("agent", c.AgentID != nil)
	done.set("site", c.SiteID != nil)
	done.choose(c.Disabled, "disabled", "enabled")
	done.set("unlocked", c.Unlock != nil && *c.Unlock)
	old, err := o.user(ctx, tenant, id)
	if err != nil {
		return postern.User{}, err
	}
	if len(done) == 0 {
		return postern.User{}, nothingToChange()
	}
	return o.changeUser(ctx, old, postern.ActUserChanged, done.String(), func(u *postern.User) error {
		if err := match(e, u.UpdatedAt); err != nil {
			return err
		}
		set(&u.Role, c.Role)
		set(&u.AgentID, c.AgentID)
		set(&u.SiteID, c.SiteID)
		set(&u.Disabled, c.Disabled)
		if u.AgentID == noAgent {
			u.AgentID = ""
		}
		if c.Unlock != nil && *c.Unlock {
			u.Failures, u.LockedUntil = 0, time.Time{}
		}
		return checkUser(u)
	})
}

// changeUser is what every change of a user comes to.
func (o *office) changeUser(ctx context.Context, u postern.User, action, detail string, change func(*postern.User) error) (postern.User, error) {
	ev := o.event(u.Tenant, action, u.ID, detail)
	ev.UserID = u.ID
	u, err := o.store().ChangeUser(ctx, u.Tenant, u.ID, ev, change)
	return seenUser(u), err
}

func (o *office) SetPassword(ctx context.Context, tenant, id string, password postern.Secret) (postern.User, postern.Secret, error) {
	var made postern.Secret
	if err := o.may(SetPassword); err != nil {
		return postern.User{}, made, err
	}
	old, err := o.user(ctx, tenant, id)
	if err != nil {
		return postern.User{}, made, err
	}
	t, err := o.tenant(ctx, tenant)
	if err != nil {
		return postern.User{}, made, err
	}
	if err := checkPassword(t, old.Email, password); err != nil {
		return postern.User{}, made, err
	}
	if password.Empty() {
		password = generatePassword()
		made = password
	}
	hash, err := o.r.cfg.Passwords.Hash(ctx, password) // before the change, which others wait for
	if err != nil {
		return postern.User{}, postern.Secret{}, err
	}
	u, err := o.changeUser(ctx, old, postern.ActUserPassword, "", func(u *postern.User) error {
		u.PasswordHash, u.Failures, u.LockedUntil, u.NotBefore = hash, 0, time.Time{}, o.r.now()
		return nil
	})
	if err != nil {
		return postern.User{}, postern.Secret{}, err
	}
	return u, made, nil
}
