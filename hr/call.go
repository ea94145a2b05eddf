package hr

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
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
	level   level      // of the client's bucket
	query   url.Values // with a cursor, the filters that it carries
	page    postern.Paging
	filters url.Values // of the page: what a cursor to the next one carries
	// withheld are the attributes that were left out of the answer.
	withheld map[string]bool
	fault    string // that is to go wrong with this call, of FaultKinds
}

// is says whether a switch of the tenant has a value.
func (c *call) is(name, value string) bool { return switchOf(&c.sandbox, name) == value }

// id gives the id in the path.
func (c *call) id() string { return c.r.PathValue("id") }

// write is how this call changes something.
func (c *call) write() postern.Write {
	return postern.Write{
		Actor: "client:" + c.claims.ClientID, ClientID: c.claims.ClientID, RequestID: c.note.ID,
		Key: c.r.Header.Get(idempotencyKey),
	}
}

const idempotencyKey = "Idempotency-Key"

// checkKey refuses an idempotency key that could not be kept.
func (c *call) checkKey() error {
	values := c.r.Header.Values(idempotencyKey)
	bad := len(values) > 1
	for _, v := range values {
		bad = bad || len(v) > postern.MaxIdempotencyKey
	}
	if !bad {
		return nil
	}
	e := postern.Errorf(postern.Invalid, "the header Idempotency-Key is there more than once, or longer than %d bytes", postern.MaxIdempotencyKey)
	e.Param = idempotencyKey
	return e.WithHint("send one short key, such as a UUID, and the same one when the call is repeated")
}

// json answers with a status and a body.
func (c *call) json(status int, v any) error {
	body, err := encode(v)
	if err != nil {
		return err
	}
	c.send(status, "application/json", body)
	return nil
}

// encode writes JSON without escaping what only matters in HTML, so that links can be
// copied.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// send answers with a status and a body, which HEAD is only told the length of.
func (c *call) send(status int, contentType string, body []byte) {
	c.saysWithheld()
	h := c.w.Header()
	h["Content-Type"] = []string{contentType}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	c.w.WriteHeader(status)
	if c.r.Method != http.MethodHead {
		_, _ = c.w.Write(body) // the caller left, if it fails
	}
}

// empty answers with a status alone.
func (c *call) empty(status int) error {
	c.w.WriteHeader(status)
	return nil
}
