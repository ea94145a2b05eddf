package issuer

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"

	"postern.dev/postern"
	"postern.dev/postern/internal/seal"
)

// What a new password is hashed with: the OWASP minimum, about 19 MiB and some 50
// ms of one core.
const (
	argonMemory  = 19456 // KiB
	argonTime    = 2
	argonThreads = 1
	saltLen      = 16
	tagLen       = 32
)

// passwordWait is how long a check waits for its turn before it is refused as
// Unavailable.
const passwordWait = 2 * time.Second

// Passwords hashes and checks the passwords of people: argon2id, then HMAC under
// a pepper from the master key. At most one check per core runs at a time, so that
// people cannot starve machines.
type Passwords struct {
	pepper []byte
	turns  chan struct{}
	dummy  string
}

// NewPasswords derives the pepper from box.
func NewPasswords(box *seal.Box) *Passwords {
	p := &Passwords{
		pepper: box.Derive("postern passwords v1", 32),
		turns:  make(chan struct{}, max(1, runtime.GOMAXPROCS(0))),
	}
	// The hash that stands for an unknown user: no password matches it, and checking
	// it takes as long as checking any other.
	p.dummy = p.encode(make([]byte, saltLen), make([]byte, tagLen))
	return p
}

// Hash gives the stored form of a password, in PHC form.
func (p *Passwords) Hash(ctx context.Context, password postern.Secret) (string, error) {
	if err := p.enter(ctx); err != nil {
		return "", err
	}
	defer p.leave()
	salt := make([]byte, saltLen)
	_, _ = rand.Read(salt) // never fails since Go 1.24
	tag := p.tag(password, salt, argonTime, argonMemory, argonThreads)
	return p.encode(salt, tag), nil
}

// Check says whether the password belongs to the stored form. An empty stored form
// matches nothing and takes as long.
func (p *Passwords) Check(ctx context.Context, stored string, password postern.Secret) (bool, error) {
	if err := p.enter(ctx); err != nil {
		return false, err
	}
	defer p.leave()
	return p.compare(stored, password)
}

// compare is Check for a caller that has its turn.
func (p *Passwords) compare(stored string, password postern.Secret) (bool, error) {
	known := stored != ""
	if !known {
		stored = p.dummy
	}
	h, err := decodePHC(stored)
	if err != nil {
		return false, err
	}
	tag := p.tag(password, h.salt, h.time, h.memory, h.threads)
	return subtle.ConstantTimeCompare(tag, h.tag) == 1 && known, nil
}

func (p *Passwords) enter(ctx context.Context) error {
	timer := time.NewTimer(passwordWait)
	defer timer.Stop()
	select {
	case p.turns <- struct{}{}:
		return nil
	case <-timer.C:
		return &postern.Error{Code: postern.Unavailable, Wait: time.Second,
			Msg: "too many passwords are being checked", Cause: "password queue full"}
	case <-ctx.Done():
		return &postern.Error{Code: postern.Unavailable, Msg: "the request was given up", Err: context.Cause(ctx)}
	}
}

func (p *Passwords) leave() { <-p.turns }

func (p *Passwords) tag(password postern.Secret, salt []byte, t, m uint32, threads uint8) []byte {
	raw := argon2.IDKey([]byte(password.Reveal()), salt, t, m, threads, tagLen)
	sum := hmac.New(sha256.New, p.pepper)
	sum.Write(raw)
	return sum.Sum(nil)
}

var b64 = base64.RawStdEncoding

func (p *Passwords) encode(salt, tag []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		argonMemory, argonTime, argonThreads, b64.EncodeToString(salt), b64.EncodeToString(tag))
}

type phc struct {
	memory, time uint32
	threads      uint8
	salt, tag    []byte
}

// decodePHC reads a stored form. Its parameters are bounded, so that a changed row
// cannot make the server allocate without end.
func decodePHC(s string) (h phc, err error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, fmt.Errorf("issuer: a stored password is not argon2id")
	}
	if _, err = fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.time, &h.threads); err != nil {
		return h, fmt.Errorf("issuer: a stored password has no parameters: %w", err)
	}
	if h.memory > 1<<18 || h.time == 0 || h.time > 10 || h.threads == 0 || h.threads > 8 {
		return h, fmt.Errorf("issuer: a stored password has parameters out of bounds")
	}
	if h.salt, err = b64.DecodeString(parts[4]); err != nil {
		return h, err
	}
	h.tag, err = b64.DecodeString(parts[5])
	return h, err
}
