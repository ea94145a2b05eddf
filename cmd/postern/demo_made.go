package main

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/hex"
	"strings"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/issuer"
)

// What --demo makes, it makes without asking anybody's leave.

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

// storedSecret is what is kept of a new secret that does not expire.
func (p *place) storedSecret(secret postern.Secret) postern.StoredSecret {
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails since Go 1.24
	return postern.StoredSecret{ID: hex.EncodeToString(id), Hash: issuer.NewHasher(p.box).Hash(secret), CreatedAt: p.now()}
}

// newUser makes an agent with a hashed password.
func (p *place) newUser(ctx context.Context, tenant, email string, password postern.Secret) (postern.User, error) {
	hash, err := issuer.NewPasswords(p.box).Hash(ctx, password)
	return postern.User{ID: newGUID(), Tenant: tenant, Email: email, Role: "AGENT", AgentID: newGUID(), PasswordHash: hash,
		CreatedAt: p.now(), UpdatedAt: p.now()}, err
}

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

// demoOperatorEmail signs in at the console of the demo.
const demoOperatorEmail = "admin@demo.test"

// demoOperator keeps the operator whose password vars holds if it is right, or gives a
// new password. It is an owner, and there is no second factor.
func (p *place) demoOperator(ctx context.Context, vars map[string]string) error {
	o, err := p.db.OperatorByEmail(ctx, demoOperatorEmail)
	absent := postern.CodeOf(err) == postern.NotFound
	if err != nil && !absent {
		return err
	}
	passwords := issuer.NewPasswords(p.box)
	if !absent && vars["POSTERN_ADMIN_EMAIL"] == demoOperatorEmail {
		right, err := passwords.Check(ctx, o.PasswordHash, postern.NewSecret(vars["POSTERN_ADMIN_PASSWORD"]))
		if right || err != nil {
			return err
		}
	}
	password := generatePassword()
	hash, err := passwords.Hash(ctx, password)
	if err != nil {
		return err
	}
	vars["POSTERN_ADMIN_EMAIL"], vars["POSTERN_ADMIN_PASSWORD"] = demoOperatorEmail, password.Reveal()
	if absent {
		o = postern.Operator{ID: newGUID(), Email: demoOperatorEmail, Name: "Demo operator", Role: postern.Owner, PasswordHash: hash,
			CreatedAt: p.now(), UpdatedAt: p.now()}
		return p.db.CreateOperator(ctx, o, p.event(postern.SystemTenant, postern.ActOperatorCreated, o.ID, "--demo"))
	}
	_, err = p.db.ChangeOperator(ctx, o.ID, p.event(postern.SystemTenant, postern.ActOperatorChanged, o.ID, "--demo: another password"),
		func(o *postern.Operator) error {
			o.PasswordHash, o.Failures, o.Locked = hash, 0, time.Time{}
			return nil
		})
	if err == nil {
		err = p.db.DeleteSessions(ctx, o.ID, "")
	}
	return err
}
