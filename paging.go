package postern

import (
	"time"
)

// MaxPage bounds how many items one page of a Directory has.
const MaxPage = 500

// Paging says which part of an answer is wanted.
type Paging struct {
	Limit int    // 1 to MaxPage
	After string // the Next of the page before; "" is the first page
	// Offset leaves out so many items from the front, for the wires that count that
	// way; only a Directory on a database can. It costs as much as what is left out.
	Offset int
	Count  bool // wants Page.Total
}

// Page is a part of an answer.
type Page[T any] struct {
	Items []T
	Next  string // for Paging.After; "" when there is no more. It means something only to the Directory that gave it.
	Total int    // of all pages, when it was wanted and the Directory knows
}

// TimeRange is from From to To, both included, to the millisecond; zero is open.
type TimeRange struct{ From, To time.Time }

// LocalRange is from From to To on the wall, both included; zero is open.
type LocalRange struct{ From, To LocalTime }

// DateRange is from From to To, both included; zero is open.
type DateRange struct{ From, To Date }

// Write is how a change is made: who makes it and how often.
type Write struct {
	Actor     string // as in Event.Actor
	ClientID  string
	RequestID string
	// Key makes creating twice with the same key create once (Idempotency-Key). With a
	// key that was used for something else within a day it fails with Conflict. At most
	// MaxIdempotencyKey bytes; empty is none.
	Key string
	// SkipApproval makes what would wait for approval approved.
	SkipApproval bool
}

// MaxIdempotencyKey bounds Write.Key, in bytes.
const MaxIdempotencyKey = 255

// Ref names something that a tenant has elsewhere: an office, a team, a legal entity.
type Ref struct {
	ID   string // digits
	Name string
}
