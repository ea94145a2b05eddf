package mcptool

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"sync"
	"time"

	"postern.dev/postern"
)

// confirmLasts is how long a confirmation is good.
const confirmLasts = 10 * time.Minute

// maxConfirm bounds a confirmation, in bytes: an idempotency key, every byte of which may
// take six in JSON, and what is always there.
const maxConfirm = 4 << 10

// The ways in which a confirmation comes back. What is made for one is refused in the
// other: the state of a question must not pass for the answer to it.
const (
	byArgument = "argument" // the argument confirm, after a dry run
	byPerson   = "person"   // the state of a Question, beside a person's answer
)

// pledge is what a confirmation says: who was shown what, and until when a yes to it
// counts. It comes back from callers, so it is signed; nothing in it is secret.
type pledge struct {
	ID    string `json:"id"` // of this one: it is used once
	How   string `json:"how"`
	Who   string `json:"who"`  // digest of the caller
	What  string `json:"what"` // digest of what would be changed
	Key   string `json:"key"`  // idempotency key
	Until int64  `json:"until"`
}

func (p *pledge) until() time.Time { return time.Unix(p.Until, 0) }

// promise makes the confirmation of a change. what is the change, as JSON writes it.
func (c *call) promise(how, key string, what any) (string, *pledge) {
	p := &pledge{ID: rand.Text(), How: how, Who: c.principal(), What: digest(c.tool.Name, key, what), Key: key,
		Until: c.Now().Add(confirmLasts).Unix()}
	text := marshal(p)
	return base64.RawURLEncoding.EncodeToString(append(c.sign(text), text...)), p
}

// redeem reads a confirmation that came back. It fails with Invalid, and a sentence of
// its own, for one that is not ours, is too old, or is another caller's or another way's.
// Whether it is for this change is asked by covers.
func (c *call) redeem(how, text string) (*pledge, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(text) > maxConfirm || len(raw) <= sha256.Size || !hmac.Equal(raw[:sha256.Size], c.sign(raw[sha256.Size:])) {
		return nil, confirmation("the confirmation is not one that was given out, or was altered")
	}
	p := &pledge{}
	if err := json.Unmarshal(raw[sha256.Size:], p); err != nil {
		return nil, err // nobody else can sign
	}
	switch {
	case p.How != how:
		return nil, confirmation("the confirmation is that of a question, which a person has to answer")
	case p.Who != c.principal():
		return nil, confirmation("the confirmation was given to another caller")
	case !c.Now().Before(p.until()):
		return nil, expired()
	}
	return p, nil
}

// covers fails with Invalid when p is the confirmation of another change.
func (p *pledge) covers(tool string, what any) error {
	if p.What != digest(tool, p.Key, what) {
		return confirmation("the confirmation is for other arguments")
	}
	return nil
}

func expired() error {
	return confirmation("the confirmation has expired: it is good for %d minutes", int(confirmLasts.Minutes()))
}

func confirmation(format string, args ...any) error {
	e := argument("confirm", format+"; nothing was booked", args...).
		WithHint("call again without confirm, show what would be booked, and confirm with the new value and the same arguments")
	e.Cause = "confirmation"
	return e
}

// sign gives the MAC of a confirmation. Cursors are signed by the same key, under
// another name.
func (c *call) sign(text []byte) []byte {
	h := hmac.New(sha256.New, c.Config.Key[:])
	h.Write([]byte("postern confirmation\x00"))
	h.Write(text)
	return h.Sum(nil)
}

// principal gives who a confirmation is for: a client of a tenant, however it came in.
func (c *call) principal() string { return digest(c.who.Tenant, c.who.ClientID, nil) }

func digest(first, second string, what any) string {
	sum := sha256.Sum256(marshal([]any{first, second, what}))
	return hex.EncodeToString(sum[:])
}

// marshal writes values of ours, which have nothing that JSON could not write.
func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// maxSpent bounds how many confirmations that were used are remembered at a time. It is
// far above what people confirm in ten minutes.
const maxSpent = 10_000

// spent remembers which confirmations were used, and what came of it, for as long as they
// are good: a second use finds the outcome of the first and not a second booking.
type spent struct {
	now func() time.Time

	mu   sync.Mutex
	uses map[string]*use // by id
	next time.Time       // when old ones are looked for again
}

// use is what became of a confirmation.
type use struct {
	until time.Time
	done  chan struct{} // closed when out is there, or it failed
	out   *createOut    // nil when it failed
}

func newSpent(now func() time.Time) *spent { return &spent{now: now, uses: map[string]*use{}} }

// once lets book run for a confirmation, and remembers what it gave. Who comes while it
// runs waits for it; who comes after it gets what it gave, and again is true. After a
// failure the next one may try. It fails with TooMany when too many are remembered.
func (s *spent) once(ctx context.Context, p *pledge, book func() (*createOut, error)) (out *createOut, again bool, err error) {
	for {
		u, first, err := s.begin(p)
		if err != nil {
			return nil, false, err
		}
		if first {
			defer func() { s.end(p.ID, u, out) }() // also when book panics
			out, err = book()
			return out, false, err
		}
		select {
		case <-ctx.Done():
			return nil, false, ctx.Err()
		case <-u.done:
		}
		if u.out != nil {
			return u.out, true, nil
		}
	}
}

func (s *spent) begin(p *pledge) (u *use, first bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if !now.Before(p.until()) { // it expired on its way here; what it did may be forgotten already
		return nil, false, expired()
	}
	if u := s.uses[p.ID]; u != nil {
		return u, false, nil
	}
	if len(s.uses) >= maxSpent || now.After(s.next) {
		for id, u := range s.uses {
			if !u.until.After(now) {
				delete(s.uses, id)
			}
		}
		s.next = now.Add(time.Minute)
	}
	if len(s.uses) >= maxSpent {
		e := postern.Errorf(postern.TooMany, "too many absences were confirmed in the last minutes; nothing was booked")
		e.Wait = time.Minute
		return nil, false, e.WithHint("confirm again in a minute")
	}
	u = &use{until: p.until(), done: make(chan struct{})}
	s.uses[p.ID] = u
	return u, true, nil
}

func (s *spent) end(id string, u *use, out *createOut) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u.out = out; out == nil && s.uses[id] == u {
		delete(s.uses, id)
	}
	close(u.done)
}
