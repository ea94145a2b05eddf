package mcptool

import (
	"postern.dev/postern"
)

// record keeps a call in the audit trail: who asked for whom, and never what was
// answered.
func (c *call) record(err error) error {
	e := postern.Event{Tenant: c.who.Tenant, At: c.Now(), Action: postern.ActToolCalled, Actor: c.who.Actor, ClientID: c.who.ClientID,
		RequestID: c.who.RequestID, Scope: c.tool.Scope, Detail: c.tool.Name}
	if err != nil {
		e.Action, e.Code, e.Cause = postern.ActToolRefused, postern.CodeOf(err), postern.AsError(err).Cause
	}
	return c.Record(c.ctx, e)
}
