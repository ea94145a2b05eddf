// Package seal encrypts small records at rest and derives keys, all from one
// master key that is kept outside the database.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// KeySize is the length of a master key in bytes.
const KeySize = 32

// ErrSealed is what Open answers for a record that does not open: another master
// key, another context, or a changed byte.
var ErrSealed = errors.New("seal: the record does not open with this master key")

// version opens every record, so that another construction can follow.
const version = "s1."

// Box seals and opens under one master key. It is safe for concurrent use.
type Box struct {
	master []byte
	aead   cipher.AEAD
}

// New makes a box from a master key of KeySize bytes.
func New(master []byte) (*Box, error) {
	if len(master) != KeySize {
		return nil, fmt.Errorf("seal: a master key has %d bytes, this one has %d", KeySize, len(master))
	}
	b := &Box{master: append([]byte(nil), master...)}
	block, err := aes.NewCipher(b.Derive("postern seal v1", KeySize))
	if err != nil {
		return nil, err
	}
	b.aead, err = cipher.NewGCM(block)
	return b, err
}

// Generate makes a random master key in the form Parse reads.
func Generate() string {
	k := make([]byte, KeySize)
	_, _ = rand.Read(k) // never fails since Go 1.24
	return base64.StdEncoding.EncodeToString(k)
}

// Parse reads a master key: KeySize bytes in base64 or hex, with space around it.
func Parse(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	if k, err := hex.DecodeString(text); err == nil && len(k) == KeySize {
		return k, nil
	}
	if k, err := base64.StdEncoding.DecodeString(text); err == nil && len(k) == KeySize {
		return k, nil
	}
	return nil, fmt.Errorf("seal: a master key is %d bytes in base64 or hex", KeySize)
}

// Derive gives n bytes that depend on the master key and the label (HKDF-SHA-256,
// RFC 5869). Different labels give unrelated keys.
func (b *Box) Derive(label string, n int) []byte {
	k, err := hkdf.Key(sha256.New, b.master, nil, label, n)
	if err != nil {
		panic(err) // n is a constant of the caller and within HKDF's bound
	}
	return k
}

// Fingerprint names the master key without telling it: 16 hex digits.
func (b *Box) Fingerprint() string {
	return hex.EncodeToString(b.Derive("postern fingerprint v1", 8))
}

// Seal encrypts plain (AES-256-GCM, random nonce). The context is bound to the
// record: what was sealed for one row does not open in another.
func (b *Box) Seal(context string, plain []byte) string {
	nonce := make([]byte, b.aead.NonceSize(), b.aead.NonceSize()+len(plain)+b.aead.Overhead())
	_, _ = rand.Read(nonce) // never fails since Go 1.24
	return version + base64.RawStdEncoding.EncodeToString(b.aead.Seal(nonce, nonce, plain, []byte(context)))
}

// Open is the inverse of Seal. It fails with ErrSealed.
func (b *Box) Open(context, sealed string) ([]byte, error) {
	body, ok := strings.CutPrefix(sealed, version)
	if !ok {
		return nil, ErrSealed
	}
	raw, err := base64.RawStdEncoding.DecodeString(body)
	if err != nil || len(raw) < b.aead.NonceSize() {
		return nil, ErrSealed
	}
	n := b.aead.NonceSize()
	plain, err := b.aead.Open(nil, raw[:n], raw[n:], []byte(context))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}
