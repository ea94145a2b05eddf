package issuer

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"postern.dev/postern"
	"postern.dev/postern/internal/seal"
)

// signer is a key with its private part open in memory.
type signer struct {
	postern.Key
	secret     []byte        // HS256
	private    crypto.Signer // the others; nil once destroyed
	thumbprint string
}

func open(box *seal.Box, key postern.Key) (*signer, error) {
	s := &signer{Key: key, thumbprint: thumbprint(key)}
	if key.Sealed == "" {
		return s, nil
	}
	plain, err := box.Open(sealContext(key.ID, key.Alg), key.Sealed)
	if err != nil {
		return nil, fmt.Errorf("open key %s: %w", key.ID, err)
	}
	if key.Alg == postern.HS256 {
		s.secret = plain
		return s, nil
	}
	private, err := x509.ParsePKCS8PrivateKey(plain)
	if err != nil {
		return nil, fmt.Errorf("open key %s: %w", key.ID, err)
	}
	var ok bool
	if s.private, ok = private.(crypto.Signer); !ok {
		return nil, fmt.Errorf("open key %s: it does not sign", key.ID)
	}
	return s, nil
}

var b64url = base64.RawURLEncoding

// jws gives the compact serialization of payload (RFC 7515 section 3.1). We write it
// ourselves, ten lines, because the order of the header is part of what some
// clients see; the cryptography is the standard library's.
func (s *signer) jws(p *postern.Profile, payload []byte) (string, error) {
	header := s.header(p)
	n := b64url.EncodedLen(len(header)) + 1 + b64url.EncodedLen(len(payload))
	out := make([]byte, 0, n+1+350)
	out = b64url.AppendEncode(out, []byte(header))
	out = append(out, '.')
	out = b64url.AppendEncode(out, payload)
	sig, err := s.sign(out)
	if err != nil {
		return "", fmt.Errorf("sign with key %s: %w", s.ID, err)
	}
	out = append(out, '.')
	return string(b64url.AppendEncode(out, sig)), nil
}

func (s *signer) header(p *postern.Profile) string {
	alg, typ := `"alg":"`+string(s.Alg)+`"`, `"typ":"`+p.Type+`"`
	switch {
	case p.TypeFirst:
		return "{" + typ + "," + alg + "}"
	case p.KeyID:
		return "{" + alg + `,"kid":"` + s.ID + `",` + typ + "}"
	}
	return "{" + alg + "," + typ + "}"
}

func (s *signer) sign(input []byte) ([]byte, error) {
	switch key := s.private.(type) {
	case *ecdsa.PrivateKey:
		digest := sha256.Sum256(input)
		// Without a source of randomness the signature is the deterministic one of RFC 6979
		// (crypto/ecdsa): it depends on no generator, and costs a fifth less.
		der, err := key.Sign(nil, digest[:], crypto.SHA256)
		if err != nil {
			return nil, err
		}
		return rawSignature(der)
	case *rsa.PrivateKey:
		digest := sha256.Sum256(input)
		return rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	case ed25519.PrivateKey:
		return ed25519.Sign(key, input), nil
	}
	if s.Alg != postern.HS256 || len(s.secret) == 0 {
		return nil, errors.New("its private part is gone")
	}
	m := hmac.New(sha256.New, s.secret)
	m.Write(input)
	return m.Sum(nil), nil
}

// rawSignature turns an ASN.1 signature of P-256 into the fixed-length R||S of JWS
// (RFC 7518 section 3.4).
func rawSignature(der []byte) ([]byte, error) {
	var inner cryptobyte.String
	out := make([]byte, 64)
	in := cryptobyte.String(der)
	if !in.ReadASN1(&inner, asn1.SEQUENCE) {
		return nil, errors.New("a signature is not ASN.1")
	}
	for _, half := range [][]byte{out[:32], out[32:]} {
		var n []byte
		if !inner.ReadASN1Integer(&n) || len(n) > 32 {
			return nil, errors.New("a signature has an integer out of range")
		}
		copy(half[32-len(n):], n)
	}
	return out, nil
}

// keyring is what is known of the keys now. It is replaced as a whole.
type keyring struct {
	byID map[string]*signer
	all  []postern.Key
	list []*signer
}

type keyrings struct {
	box *seal.Box
	now func() time.Time
	cur atomic.Pointer[keyring]
}

// set opens the keys; those that were open stay as they are.
func (r *keyrings) set(keys []postern.Key) error {
	next := &keyring{byID: make(map[string]*signer, len(keys)), all: keys}
	for _, key := range keys {
		s, err := r.signer(key)
		if err != nil {
			return &postern.Error{Code: postern.Unavailable, Err: err, Cause: "master key",
				Msg:  "the signing keys in the database do not open with this master key",
				Hint: "start with the master key that the database was made with"}
		}
		next.byID[key.ID] = s
		next.list = append(next.list, s)
	}
	r.cur.Store(next)
	return nil
}

// signer opens a key, or gives the one that is open with what is new about it.
func (r *keyrings) signer(key postern.Key) (*signer, error) {
	if cur := r.cur.Load(); cur != nil {
		if was := cur.byID[key.ID]; was != nil && was.Sealed == key.Sealed && was.PublicDER == key.PublicDER {
			return &signer{Key: key, secret: was.secret, private: was.private, thumbprint: was.thumbprint}, nil
		}
	}
	return open(r.box, key)
}

// active gives the key that signs with alg at now.
func (r *keyrings) active(alg postern.Alg, now time.Time) (*signer, error) {
	k := r.cur.Load()
	for _, s := range k.list {
		if s.Alg == alg && (s.private != nil || len(s.secret) > 0) && StateOf(s.Key, k.all, now) == postern.KeyActive {
			return s, nil
		}
	}
	return nil, &postern.Error{Code: postern.Unavailable, Msg: "there is no signing key", Wait: time.Second,
		Cause: "no active " + string(alg) + " key", Hint: "`postern key list` shows the keys"}
}

// candidates gives the keys that a token with this header may have been signed
// with: the one it names, or, for formats that name none, all of the algorithm.
func (r *keyrings) candidates(kid string, alg postern.Alg, now time.Time) (out []*signer) {
	k := r.cur.Load()
	if kid != "" {
		if s := k.byID[kid]; s != nil && s.Alg == alg && StateOf(s.Key, k.all, now) != postern.KeyRemoved {
			out = append(out, s)
		}
		return out
	}
	for _, s := range k.list {
		if s.Alg == alg && StateOf(s.Key, k.all, now) != postern.KeyRemoved {
			out = append(out, s)
		}
	}
	return out
}

// holds says whether what the key signed is still believed.
func (r *keyrings) holds(key *signer, now time.Time) bool {
	return StateOf(key.Key, r.cur.Load().all, now) != postern.KeyRemoved
}

// public gives the published keys, newest generation first.
func (r *keyrings) public(now time.Time) (out []postern.Key) {
	k := r.cur.Load()
	for _, s := range k.list {
		if s.Public != nil && StateOf(s.Key, k.all, now) != postern.KeyRemoved {
			pub := s.Key
			pub.Sealed = ""
			out = append(out, pub)
		}
	}
	slices.SortFunc(out, func(a, b postern.Key) int {
		if c := strings.Compare(string(a.Alg), string(b.Alg)); c != 0 {
			return c
		}
		return int(b.Generation - a.Generation)
	})
	return out
}
