package postern

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"log/slog"
	"math/big"
	"strings"
	"sync"
)

// Secret is a value that must not be printed: a client secret, a password, an
// access token. Every formatting, logging and encoding path shows a fingerprint
// that is stable within one process and useless outside it. The zero value is
// the absence of a secret. The value is behind a pointer because fmt calls no method
// of an unexported field: there it shows an address.
type Secret struct{ v *string }

// NewSecret wraps s.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{&s}
}

// Reveal gives the value. Callers put it on the wire, compare or seal it, and
// nothing else.
func (s Secret) Reveal() string {
	if s.v == nil {
		return ""
	}
	return *s.v
}

// Empty says whether there is no value.
func (s Secret) Empty() bool { return s.v == nil }

// String shows a fingerprint.
func (s Secret) String() string {
	if s.Empty() {
		return "[no secret]"
	}
	mac := hmac.New(sha256.New, fingerprintKey())
	mac.Write([]byte(s.Reveal()))
	return "[secret " + hex.EncodeToString(mac.Sum(nil)[:4]) + "]"
}

// GoString, Format, MarshalText, MarshalJSON and LogValue show what String does.
func (s Secret) GoString() string { return s.String() }

// Format shows the fingerprint for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// MarshalText shows the fingerprint.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON shows the fingerprint.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }

// LogValue shows the fingerprint.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// fingerprintKey is random per process, so that a fingerprint in a log cannot be
// used to test guesses at a weak password.
var fingerprintKey = sync.OnceValue(func() []byte {
	k := make([]byte, 32)
	_, _ = rand.Read(k) // never fails since Go 1.24
	return k
})

// SecretPrefix opens every secret we generate, so that secret scanners can know
// one when they see it: SecretPrefix, 43 base62 digits that hold 256 random bits,
// and 6 base62 digits of CRC-32 over everything before them.
const SecretPrefix = "pst_"

const (
	base62       = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	secretDigits = 43
	checkDigits  = 6
)

// GenerateSecret makes a secret of 256 random bits in the format above.
func GenerateSecret() Secret {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails since Go 1.24
	s := SecretPrefix + toBase62(new(big.Int).SetBytes(raw), secretDigits)
	return NewSecret(s + checksum(s))
}

// LooksGenerated says whether s has the format and the checksum of a secret that
// GenerateSecret makes. It tells nothing about whether the secret is known; it is
// for scanners, which need no database.
func LooksGenerated(s string) bool {
	if len(s) != len(SecretPrefix)+secretDigits+checkDigits || !strings.HasPrefix(s, SecretPrefix) {
		return false
	}
	body := s[:len(s)-checkDigits]
	return checksum(body) == s[len(s)-checkDigits:]
}

func checksum(s string) string {
	return toBase62(new(big.Int).SetUint64(uint64(crc32.ChecksumIEEE([]byte(s)))), checkDigits)
}

func toBase62(n *big.Int, digits int) string {
	out := make([]byte, digits)
	base, rest := big.NewInt(62), new(big.Int)
	for i := digits - 1; i >= 0; i-- {
		n.DivMod(n, base, rest)
		out[i] = base62[rest.Int64()]
	}
	return string(out)
}
