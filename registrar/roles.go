package registrar

import (
	"slices"
	"strings"
	"time"

	"postern.dev/postern"
)

// Action is something that an actor may be allowed to do.
type Action string

// The actions.
const (
	ReadTenants    Action = "tenants.read"
	CreateTenant   Action = "tenants.create"
	ChangeTenant   Action = "tenants.change" // its name, time zone and what it refuses
	PlaceTenant    Action = "tenants.place"  // its partner id, and whether it is disabled
	RevokeTenant   Action = "tenants.revoke"
	ReadClients    Action = "clients.read"
	CreateClient   Action = "clients.create"
	ChangeClient   Action = "clients.change"
	DeleteClient   Action = "clients.delete"
	RevokeClient   Action = "clients.revoke"
	RotateSecret   Action = "secrets.rotate"
	EndSecret      Action = "secrets.end"
	GrantTenant    Action = "scopes.grant_tenant" // a scope of the operator API for one tenant
	GrantAll       Action = "scopes.grant_all"    // any scope of the operator API
	ReadUsers      Action = "users.read"
	CreateUser     Action = "users.create"
	ChangeUser     Action = "users.change"
	SetPassword    Action = "users.password"
	ReadKeys       Action = "keys.read"
	RotateKey      Action = "keys.rotate"
	RetireKey      Action = "keys.retire"
	ReadResources  Action = "resources.read"
	CreateResource Action = "resources.create"
	DeleteResource Action = "resources.delete"
	ReadTrail      Action = "trail.read"
	ReadHealth     Action = "health.read"
	ReadSandbox    Action = "sandbox.read"
	ChangeSandbox  Action = "sandbox.change"
	ResetTenant    Action = "sandbox.reset"
	ReadOperators  Action = "operators.read" // their sessions too
	CreateOperator Action = "operators.create"
	ChangeOperator Action = "operators.change"
	DeleteOperator Action = "operators.delete"
	EndSession     Action = "sessions.end" // of others: one's own are everybody's to end
)

// Rule says who may do something.
type Rule struct {
	Action Action
	Words  string // what it is, as in "an auditor may not …"
	Roles  []postern.Role
	// Global actions are not for actors that are bound to a tenant. The others are
	// theirs within it.
	Global bool
	// Proof wants an operator to have proven lately who they are.
	Proof bool
}

var (
	everybody = postern.Roles
	managers  = []postern.Role{postern.Owner, postern.Admin}
	owners    = []postern.Role{postern.Owner}
	// An admin has nothing to do with operators.
	overseers = []postern.Role{postern.Owner, postern.Auditor}
)

// Rules is the table of who may do what. Nothing else decides it.
var Rules = []Rule{
	{ReadTenants, "look at tenants", everybody, false, false},
	{CreateTenant, "make tenants", managers, true, false},
	{ChangeTenant, "change tenants", managers, false, false},
	{PlaceTenant, "disable tenants or give them a partner id", managers, true, false},
	{RevokeTenant, "end the tokens of a tenant", managers, false, false},
	{ReadClients, "look at clients", everybody, false, false},
	{CreateClient, "make clients", managers, false, true},
	{ChangeClient, "change clients", managers, false, false},
	{DeleteClient, "delete clients", managers, false, true},
	{RevokeClient, "end the tokens of a client", managers, false, false},
	{RotateSecret, "make secrets", managers, false, true},
	{EndSecret, "end secrets", managers, false, true},
	{GrantTenant, "give clients a scope of the operator API", owners, false, false},
	{GrantAll, "give clients a scope of the operator API for the whole installation", owners, true, false},
	{ReadUsers, "look at users", everybody, false, false},
	{CreateUser, "make users", managers, false, true},
	{ChangeUser, "change users", managers, false, false},
	{SetPassword, "set passwords", managers, false, true},
	{ReadKeys, "look at signing keys", everybody, true, false},
	{RotateKey, "rotate signing keys", managers, true, false},
	{RetireKey, "retire signing keys", managers, true, true},
	{ReadResources, "look at resources", everybody, false, false},
	{CreateResource, "register resources", managers, false, false},
	{DeleteResource, "delete resources", managers, false, true},
	{ReadTrail, "read the audit trail", everybody, false, false},
	{ReadHealth, "look at the health of the installation", everybody, false, false},
	{ReadSandbox, "look at the sandbox", everybody, false, false},
	{ChangeSandbox, "change the sandbox", managers, false, false},
	{ResetTenant, "forget everybody of a tenant", managers, false, true},
	{ReadOperators, "look at operators", overseers, false, false},
	{CreateOperator, "make operators", owners, false, true},
	{ChangeOperator, "change operators", owners, false, true},
	{DeleteOperator, "delete operators", owners, false, true},
	{EndSession, "end sessions of other operators", owners, false, true},
}

// ProofLife is how long a proof is recent.
const ProofLife = 10 * time.Minute

// may fails with Forbidden for what the actor's role does not allow, and with
// Unauthenticated, StaleProof, when it wants a fresh proof first. An actor without a
// name or a role may do nothing.
func (o *office) may(a Action) error {
	i := slices.IndexFunc(Rules, func(r Rule) bool { return r.Action == a })
	rule := Rules[i] // of ours: an action without a rule would panic in every test
	switch {
	case o.actor.Name == "" || !slices.Contains(rule.Roles, o.actor.Role):
		return caused(causeRole, postern.Errorf(postern.Forbidden, "the role %s does not allow to %s", orNone(o.actor.Role), rule.Words)).
			WithHint("ask an operator who is %s", rolesOf(rule))
	case rule.Global && o.actor.Tenant != "":
		return caused(causeBound, postern.Errorf(postern.Forbidden, "the role %s is for tenant %s alone, which does not allow to %s",
			o.actor.Role, o.actor.Tenant, rule.Words)).WithHint("ask an operator of the whole installation")
	case rule.Proof && o.isOperator() && o.r.now().Sub(o.actor.ProvenAt) > ProofLife:
		return staleProof()
	}
	return nil
}

// sees says whether the actor may know of what belongs to a tenant.
func (o *office) sees(tenant string) bool { return o.actor.Tenant == "" || o.actor.Tenant == tenant }

// isOperator says whether the actor is a person at a browser. Machines prove who they
// are with every call, and whoever can open the database has everything anyway.
func (o *office) isOperator() bool { return strings.HasPrefix(o.actor.Name, operatorPrefix) }

const operatorPrefix = "operator:"

// The causes of refusals, for the log. Whoever asks is not told that something is another
// tenant's: that would be to tell that it is there.
const (
	causeRole    = "role"
	causeBound   = "role of one tenant"
	causeStale   = "stale proof"
	causeForeign = "another tenant's"
)

func caused(cause string, e *postern.Error) *postern.Error {
	e.Cause = cause
	return e
}

// unseen is the error e for what is not there, or is there and not for the actor to know.
func unseen(there bool, e *postern.Error) error {
	if there {
		return caused(causeForeign, e)
	}
	return e
}

func staleProof() error {
	return caused(causeStale, postern.Errorf(postern.Unauthenticated, "this wants a fresh proof of who you are")).Because(postern.StaleProof).
		WithHint("give your password again")
}

func orNone(r postern.Role) string {
	if r == "" {
		return "none"
	}
	return string(r)
}

func rolesOf(r Rule) string {
	var names []string
	for _, role := range r.Roles {
		names = append(names, string(role))
	}
	return strings.Join(names, " or ")
}
