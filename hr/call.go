package hr

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"postern.dev/postern"
)

// call is one request that passed the guard, on its way to be answered.
type call struct {
	*house
	w       http.ResponseWriter
	r       *http.Request
	ctx     context.Context
	shape   shape
	route   *route
	note    *postern.Call // for the log
	claims  postern.Claims
	tenant  postern.Tenant
	zone    *time.Location // of the tenant's walls
	dir     postern.Directory
	sandbox postern.Sandbox
	query   url.Values
	fault   string // that is to go wrong with this call, of FaultKinds
}

// write is how this call changes something.
func (c *call) write() postern.Write {
	return postern.Write{
		Actor: "client:" + c.claims.ClientID, ClientID: c.claims.ClientID, RequestID: c.note.ID,
		Key: c.r.Header.Get("Idempotency-Key"),
	}
}

// json answers with a status and a body.
func (c *call) json(status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/json")
	c.w.WriteHeader(status)
	_, _ = c.w.Write(body) // the caller left, if it fails
	return nil
}

// empty answers with a status alone.
func (c *call) empty(status int) error {
	c.w.WriteHeader(status)
	return nil
}
