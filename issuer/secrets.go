package issuer

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"hash"
	"strings"
	"sync"

	"postern.dev/postern"
	"postern.dev/postern/internal/seal"
)

// hashVersion opens every stored secret hash and names the pepper it was made
// with.
const hashVersion = "v1:"

// Hasher makes and checks the stored form of generated secrets: HMAC-SHA-256 under
// a pepper that is derived from the master key and therefore not in the database.
// A slow hash would add nothing to 256 random bits and cost milliseconds a token.
// It is safe for concurrent use.
type Hasher struct {
	pepper []byte
	macs   sync.Pool
}

// NewHasher derives the pepper from box.
func NewHasher(box *seal.Box) *Hasher {
	h := &Hasher{pepper: box.Derive("postern client secrets v1", 32)}
	h.macs.New = func() any { return hmac.New(sha256.New, h.pepper) }
	return h
}

type mac = [sha256.Size]byte

func (h *Hasher) sum(s postern.Secret) (out mac) {
	m := h.macs.Get().(hash.Hash)
	m.Reset()
	m.Write([]byte(s.Reveal()))
	m.Sum(out[:0])
	h.macs.Put(m)
	return out
}

// Hash gives the stored form of s.
func (h *Hasher) Hash(s postern.Secret) string {
	sum := h.sum(s)
	return hashVersion + base64.RawStdEncoding.EncodeToString(sum[:])
}

// decodeHash gives the MAC of a stored form. One of an unknown version matches
// nothing.
func decodeHash(stored string) (m mac, ok bool) {
	body, ok := strings.CutPrefix(stored, hashVersion)
	if !ok {
		return m, false
	}
	raw, err := base64.RawStdEncoding.DecodeString(body)
	if err != nil || len(raw) != len(m) {
		return m, false
	}
	copy(m[:], raw)
	return m, true
}

func equal(a, b *mac) bool { return subtle.ConstantTimeCompare(a[:], b[:]) == 1 }
