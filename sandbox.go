package postern

import "time"

// Sandbox is how a tenant's HR API behaves where its documents and the live service
// differ, and what goes wrong on purpose. The zero Sandbox is the default of every
// switch, no fault and no log.
type Sandbox struct {
	Tenant   string
	Switches map[string]string // by name; what is not in it is as by default
	Faults   []Fault
	Log      bool // whether calls are kept for the request log
}

// Fault makes some calls go wrong.
type Fault struct {
	Path  string // the calls whose path begins so, as /v2/persons; "" is all
	Kind  string // what goes wrong
	Rate  float64
	Delay time.Duration // of the slow ones
}

// Visit is one call of the HR API, as the request log keeps it: without a secret, a
// token or anything of a person but their number.
type Visit struct {
	Tenant    string
	Seq       int64 // set by the store
	At        time.Time
	ClientID  string
	Method    string
	Path      string // with the query; values that could name a person are left out
	Status    int64  // of the answer
	Took      time.Duration
	RequestID string
	Note      string // the fault, or why it was refused
}
