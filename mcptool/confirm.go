package mcptool

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"sync"
	"time"

	"postern.dev/postern"
)

// confirmLasts is how long a confirmation is good.
const confirmLasts = 10 * time.Minute

// maxConfirm bounds a confirmation as it is written, in bytes: an idempotency key and what
// is always there.
const maxConfirm = 512

// The ways in which a confirmation comes back. What is made for one is refused in the
// other: the state of a question must not pass for the answer to it.
const (
	byArgument = 'a' // the argument confirm, after a dry run
	byPerson   = 'p' // the state of a Question, beside a person's answer
)

// pledge is what a confirmation says: who was shown what, and until when a yes to it
// counts. It comes back from callers, so it is signed; nothing in it is secret. An agent
// has to write it without a slip, so it is short.
type pledge struct {
	how   byte
	who   [8]byte  // digest of the caller
	what  [16]byte // digest of what would be changed
	until time.Time
	key   string // idempotency key
	mac   [16]byte
}

// body is what is signed.
func (p *pledge) body() []byte {
	b := append([]byte{p.how}, p.who[:]...)
	b = binary.BigEndian.AppendUint64(append(b, p.what[:]...), uint64(p.until.Unix()))
	return append(b, p.key...)
}

const bodyAtLeast = 1 + 8 + 16 + 8

// promise makes the confirmation of a change. what is the change, as JSON writes it.
func (c *call) promise(how byte, key string, what any) (string, *pledge) {
	p := &pledge{how: how, until: c.Now().Add(confirmLasts).Truncate(time.Second), key: key}
	copy(p.who[:], c.principal())
	copy(p.what[:], c.change(key, what))
	copy(p.mac[:], c.sign("confirmation", string(p.body())))
	return base64.RawURLEncoding.EncodeToString(append(p.mac[:], p.body()...)), p
}

// redeem reads a confirmation that came back. It fails with Invalid, and a sentence of
// its own, for one that is not ours, is too old, or is another caller's, another change's
// or another way's.
func (c *call) redeem(how byte, text string, what any) (*pledge, error) {
	p, err := c.read(how, text)
	switch {
	case err != nil:
		return nil, err
	case !c.Now().Before(p.until):
		return nil, expired()
	case !bytes.Equal(p.what[:], c.change(p.key, what)[:len(p.what)]):
		return nil, confirmation("the confirmation is for other arguments")
	}
	return p, nil
}

// read takes a confirmation apart, however old it is and whatever it is for. It fails as
// redeem does for one that is not ours, or is another caller's or another way's.
func (c *call) read(how byte, text string) (*pledge, error) {
	p := &pledge{}
	if len(text) > maxConfirm {
		return nil, notGiven()
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) < len(p.mac)+bodyAtLeast {
		return nil, notGiven()
	}
	body := raw[copy(p.mac[:], raw):]
	if !hmac.Equal(p.mac[:], c.sign("confirmation", string(body))[:len(p.mac)]) {
		return nil, notGiven()
	}
	p.how = body[0]
	body = body[1:]
	body = body[copy(p.who[:], body):]
	body = body[copy(p.what[:], body):]
	p.until, p.key = time.Unix(int64(binary.BigEndian.Uint64(body)), 0), string(body[8:])
	switch {
	case p.how != how:
		return nil, confirmation("the confirmation is that of a question, which a person has to answer")
	case !bytes.Equal(p.who[:], c.principal()[:len(p.who)]):
		return nil, confirmation("the confirmation was given to another caller")
	}
	return p, nil
}

func notGiven() error {
	return confirmation("the confirmation is not one that was given out, or was altered")
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

// saidNo is the error for what a person did not want.
func saidNo(fact string) error {
	e := postern.Errorf(postern.Conflict, "%s", fact)
	e.Cause = "declined"
	return e.WithHint("ask what they want instead; do not try the same again unasked")
}

// sign gives a MAC over parts. Cursors are signed by the same key, under another name.
// Digests are made by it too, so that nobody can look for two changes that have the same.
func (c *call) sign(parts ...string) []byte {
	h := hmac.New(sha256.New, c.Config.Key[:])
	for _, part := range append([]string{"create 1"}, parts...) {
		h.Write(binary.AppendUvarint(nil, uint64(len(part)))) // so that no two lists of parts read the same
		h.Write([]byte(part))
	}
	return h.Sum(nil)
}

// principal gives who a confirmation is for: a client of a tenant, however it came in.
func (c *call) principal() []byte { return c.sign("caller", c.who.Tenant, c.who.ClientID) }

// change gives what a confirmation is for.
func (c *call) change(key string, what any) []byte {
	return c.sign("change", c.tool.Name, key, string(marshal(what)))
}

// marshal writes values of ours, which have nothing that JSON could not write.
func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// How many confirmations that were answered are remembered at a time: of all callers, and
// of one, so that none takes the room of the others. Both are far above what people
// answer in ten minutes.
const (
	maxSpent     = 20_000
	maxSpentEach = 1_000
)

// spent remembers which confirmations were answered, and what came of it, for as long as
// they are good: a second yes finds the outcome of the first and not a second booking,
// and a yes after a no finds the no. Each process has its own.
type spent struct {
	now func() time.Time

	mu   sync.Mutex
	uses map[[16]byte]*use // by MAC
	each map[[8]byte]int   // how many of them are a caller's
	next time.Time         // when old ones are looked for again
}

// use is what became of a confirmation.
type use struct {
	who      [8]byte // as in pledge
	until    time.Time
	declined bool
	done     chan struct{} // closed when out is there, or it failed
	out      *createOut    // nil when it failed
}

func newSpent(now func() time.Time) *spent {
	return &spent{now: now, uses: map[[16]byte]*use{}, each: map[[8]byte]int{}}
}

// once lets book run for a confirmation, and remembers what it gave. Who comes while it
// runs waits for it; who comes after it gets what it gave, and again is true. After a
// failure the next one may try. It fails with Invalid for a confirmation that has
// expired, with Conflict for one that was declined, and with TooMany when too many are
// remembered.
func (s *spent) once(ctx context.Context, p *pledge, book func() (*createOut, error)) (out *createOut, again bool, err error) {
	for {
		u, first, err := s.begin(p)
		if err != nil {
			return nil, false, err
		}
		if first {
			defer func() { s.end(p.mac, u, out) }() // also when book panics
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
	if !s.now().Before(p.until) { // it expired on its way here; what it did may be forgotten already
		return nil, false, expired()
	}
	if u := s.uses[p.mac]; u != nil {
		if u.declined {
			return nil, false, saidNo("the person who was asked said no to this before; nothing was booked")
		}
		return u, false, nil
	}
	if u = s.add(p); u == nil {
		e := postern.Errorf(postern.TooMany, "too many absences were confirmed in the last minutes; nothing was booked")
		e.Wait = time.Minute
		return nil, false, e.WithHint("confirm again in a minute")
	}
	return u, true, nil
}

// decline makes a confirmation worth nothing any more. It says whether it came too late,
// because a yes was there before.
func (s *spent) decline(p *pledge) (late bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.uses[p.mac]; u != nil {
		return !u.declined
	}
	if s.now().Before(p.until) {
		if u := s.add(p); u != nil { // else there is no room to book it either
			u.declined = true
			close(u.done)
		}
	}
	return false
}

// add remembers a confirmation; it gives nil when there is no room.
func (s *spent) add(p *pledge) *use {
	now := s.now()
	if len(s.uses) >= maxSpent || s.each[p.who] >= maxSpentEach || now.After(s.next) {
		for id, u := range s.uses {
			if !u.until.After(now) {
				s.forget(id, u)
			}
		}
		s.next = now.Add(time.Minute)
	}
	if len(s.uses) >= maxSpent || s.each[p.who] >= maxSpentEach {
		return nil
	}
	u := &use{who: p.who, until: p.until, done: make(chan struct{})}
	s.uses[p.mac] = u
	s.each[p.who]++
	return u
}

func (s *spent) forget(id [16]byte, u *use) {
	delete(s.uses, id)
	if s.each[u.who]--; s.each[u.who] <= 0 {
		delete(s.each, u.who)
	}
}

func (s *spent) end(id [16]byte, u *use, out *createOut) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u.out = out; out == nil && s.uses[id] == u {
		s.forget(id, u)
	}
	close(u.done)
}
