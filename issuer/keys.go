package issuer

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // a name for a key that one format carries, not a proof
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/internal/seal"
)

// rsaBits is the size of RS256 keys. Both formats that need RS256 are verified by
// libraries that expect 2048 bits, and 3072 would triple the cost of a token.
const rsaBits = 2048

// KeyPolicy says when keys change. Zero fields mean the defaults.
type KeyPolicy struct {
	RotateEvery  time.Duration // age at which a key's successor signs; default 90 days; negative: never
	PublishAhead time.Duration // how long a key is published before it signs; default 24 h
	KeepAfter    time.Duration // how long it is published after it signed; default 48 h
}

// The least of the two pauses: a verifier may hold the key set for JWKSMaxAge and
// nodes learn of a key within a second.
const (
	JWKSMaxAge      = 15 * time.Minute
	propagation     = 30 * time.Second
	allowedSkew     = time.Minute
	minPublishAhead = JWKSMaxAge + propagation + allowedSkew
	minKeepAfter    = postern.MaxTokenLife + allowedSkew + JWKSMaxAge
)

// Every is the age at which a key is followed by another, or 0 when only a command makes
// one.
func (p KeyPolicy) Every() time.Duration { return max(0, p.orDefault().RotateEvery) }

func (p KeyPolicy) orDefault() KeyPolicy {
	if p.RotateEvery == 0 {
		p.RotateEvery = 90 * 24 * time.Hour
	}
	if p.PublishAhead == 0 {
		p.PublishAhead = 24 * time.Hour
	}
	if p.KeepAfter == 0 {
		p.KeepAfter = postern.MaxTokenLife + 24*time.Hour
	}
	p.PublishAhead = max(p.PublishAhead, minPublishAhead)
	p.KeepAfter = max(p.KeepAfter, minKeepAfter)
	return p
}

// Keys makes, rotates and retires signing keys. Commands and the server use it
// alike; the store holds each generation once, so racing callers make one key.
type Keys struct {
	Store  KeyStore
	Box    *seal.Box
	Now    func() time.Time // nil means time.Now
	Policy KeyPolicy
	Actor  string // who, for audit
	// RequestID and Source are of the call that asks for it, for audit; empty for none.
	RequestID, Source string
}

func (k *Keys) now() time.Time {
	if k.Now == nil {
		return time.Now()
	}
	return k.Now()
}

// Ensure makes a signing key of every algorithm that has none. When another node
// is doing the same, one of the two succeeds and the other is content.
func (k *Keys) Ensure(ctx context.Context) error {
	keys, err := k.Store.Keys(ctx)
	if err != nil {
		return err
	}
	return k.ensure(ctx, keys, postern.Algs...)
}

func (k *Keys) ensure(ctx context.Context, keys []postern.Key, algs ...postern.Alg) error {
	for _, alg := range algs {
		if slices.ContainsFunc(keys, func(key postern.Key) bool {
			return key.Alg == alg && StateOf(key, keys, k.now()) == postern.KeyActive
		}) {
			continue
		}
		why := "first key"
		if old := newest(keys, alg); old.ID != "" {
			why = "replaces " + old.ID
		}
		if _, err := k.add(ctx, keys, alg, k.now(), why); err != nil && postern.CodeOf(err) != postern.Conflict {
			return fmt.Errorf("make a %s key: %w", alg, err)
		}
	}
	return nil
}

// Rotate publishes a successor that signs after delay; a delay below the least
// that keeps every verifier working is raised to it. A negative delay means the
// policy's. It fails with Conflict when a successor waits already.
func (k *Keys) Rotate(ctx context.Context, alg postern.Alg, delay time.Duration) (postern.Key, error) {
	if delay < 0 {
		delay = k.Policy.orDefault().PublishAhead
	}
	keys, err := k.Store.Keys(ctx)
	if err != nil {
		return postern.Key{}, err
	}
	for _, key := range keys {
		if key.Alg == alg && StateOf(key, keys, k.now()) == postern.KeyNext {
			return postern.Key{}, postern.Errorf(postern.Conflict, "%s has a next key already: %s signs from %s",
				alg, key.ID, key.SignFrom.UTC().Format(time.RFC3339)).
				WithHint("wait for it, or retire the active key to bring it in at once")
		}
	}
	return k.add(ctx, keys, alg, k.now().Add(max(delay, minPublishAhead)), "rotation")
}

// Retire removes a key at once, for a key that may be known to others: its tokens
// stop working. When it was the signing key its successor signs from now on, and
// is made if there is none.
func (k *Keys) Retire(ctx context.Context, id string) error {
	keys, err := k.Store.Keys(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(keys, func(key postern.Key) bool { return key.ID == id })
	if i < 0 {
		return postern.Errorf(postern.NotFound, "there is no key %q", postern.Shorten(id, 64)).
			WithHint("`postern key list` shows them")
	}
	key := keys[i]
	if err := k.Store.RetireKey(ctx, id, k.now(), true, k.event(postern.ActKeyRetired, key, "removed at once")); err != nil {
		return err
	}
	// A next key signs as soon as no other does, before its time if need be.
	if keys, err = k.Store.Keys(ctx); err != nil {
		return err
	}
	return k.ensure(ctx, keys, key.Alg)
}

// Maintain does what time asks for: successors for old keys, removal times for
// the replaced, destruction of private parts that sign no more, deletion of what no
// token needs, and a signing key where there is none. It is to be called every
// minute or so, by any number of nodes.
func (k *Keys) Maintain(ctx context.Context) error {
	keys, err := k.Store.Keys(ctx)
	if err != nil {
		return err
	}
	var errs []error
	now, policy := k.now(), k.Policy.orDefault()
	for _, key := range keys {
		switch StateOf(key, keys, now) {
		case postern.KeyActive:
			errs = append(errs, k.renew(ctx, key, keys, now, policy))
		case postern.KeyRetiring:
			errs = append(errs, k.wind(ctx, key, keys, now, policy))
		case postern.KeyRemoved:
			errs = append(errs, unlessGone(k.Store.DeleteKey(ctx, key.ID)))
		}
	}
	return errors.Join(append(errs, k.ensure(ctx, keys, postern.Algs...))...)
}

// unlessGone forgives that another node has deleted the key already.
func unlessGone(err error) error {
	if postern.CodeOf(err) == postern.NotFound {
		return nil
	}
	return err
}

func (k *Keys) renew(ctx context.Context, key postern.Key, keys []postern.Key, now time.Time, p KeyPolicy) error {
	if p.RotateEvery < 0 || newest(keys, key.Alg).ID != key.ID || now.Before(key.SignFrom.Add(p.RotateEvery-p.PublishAhead)) {
		return nil
	}
	_, err := k.add(ctx, keys, key.Alg, now.Add(p.PublishAhead), "schedule")
	if postern.CodeOf(err) == postern.Conflict {
		return nil // another node was first
	}
	return err
}

// wind gives a replaced key its end. Its private part is destroyed only once
// every node has heard of the successor.
func (k *Keys) wind(ctx context.Context, key postern.Key, keys []postern.Key, now time.Time, p KeyPolicy) error {
	next := successor(key, keys)
	if now.Before(next.SignFrom.Add(propagation)) || (!key.RemoveAt.IsZero() && key.Sealed == "") ||
		(!key.RemoveAt.IsZero() && key.Alg == postern.HS256) {
		return nil
	}
	// A symmetric key verifies with its private part, so that part stays.
	wipe := key.Alg != postern.HS256
	return unlessGone(k.Store.RetireKey(ctx, key.ID, next.SignFrom.Add(p.KeepAfter), wipe,
		k.event(postern.ActKeyRetired, key, "replaced by "+next.ID)))
}

func (k *Keys) add(ctx context.Context, keys []postern.Key, alg postern.Alg, signFrom time.Time, why string) (postern.Key, error) {
	key, err := newKey(k.Box, alg, newest(keys, alg).Generation+1)
	if err != nil {
		return key, err
	}
	key.CreatedAt, key.SignFrom = k.now(), signFrom
	return key, k.Store.AddKey(ctx, key, k.event(postern.ActKeyCreated, key, why))
}

func (k *Keys) event(action string, key postern.Key, detail string) postern.Event {
	actor := k.Actor
	if actor == "" {
		actor = "system"
	}
	return postern.Event{Tenant: postern.SystemTenant, At: k.now(), Action: action, Actor: actor,
		RequestID: k.RequestID, Source: k.Source, KeyID: key.ID, Object: string(key.Alg) + " " + key.ID, Detail: detail}
}

// StateOf says where key stands among keys at now. A key waits for its time only
// while an older one can sign, and one that has a time of removal never signs again.
func StateOf(key postern.Key, keys []postern.Key, now time.Time) postern.KeyState {
	switch {
	case !key.RemoveAt.IsZero() && !now.Before(key.RemoveAt):
		return postern.KeyRemoved
	case now.Before(key.SignFrom) && slices.ContainsFunc(keys, func(o postern.Key) bool {
		return o.Alg == key.Alg && o.Generation < key.Generation && o.RemoveAt.IsZero()
	}):
		return postern.KeyNext
	}
	for _, o := range keys {
		if o.Alg == key.Alg && o.Generation > key.Generation && !now.Before(o.SignFrom) &&
			(o.RemoveAt.IsZero() || now.Before(o.RemoveAt)) {
			return postern.KeyRetiring
		}
	}
	if !key.RemoveAt.IsZero() {
		return postern.KeyRetiring
	}
	return postern.KeyActive
}

// newest gives the key of the highest generation, a zero key when there is none.
func newest(keys []postern.Key, alg postern.Alg) (n postern.Key) {
	for _, k := range keys {
		if k.Alg == alg && k.Generation > n.Generation {
			n = k
		}
	}
	return n
}

// successor gives the key that follows, a zero key when none does.
func successor(key postern.Key, keys []postern.Key) (next postern.Key) {
	for _, k := range keys {
		if k.Alg == key.Alg && k.Generation > key.Generation && (next.ID == "" || k.Generation < next.Generation) {
			next = k
		}
	}
	return next
}

// sealContext binds a sealed key to its row.
func sealContext(id string, alg postern.Alg) string { return "key/" + id + "/" + string(alg) }

// newKey makes a key and seals its private part.
func newKey(box *seal.Box, alg postern.Alg, generation int64) (postern.Key, error) {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails since Go 1.24
	key := postern.Key{ID: hex.EncodeToString(id), Alg: alg, Generation: generation}
	if alg == postern.HS256 {
		secret := make([]byte, 32)
		_, _ = rand.Read(secret)
		key.Sealed = box.Seal(sealContext(key.ID, alg), secret)
		return key, nil
	}
	private, err := generate(alg)
	if err != nil {
		return key, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return key, err
	}
	key.Public = private.Public()
	public, err := x509.MarshalPKIXPublicKey(key.Public)
	if err != nil {
		return key, err
	}
	key.Sealed = box.Seal(sealContext(key.ID, alg), der)
	key.PublicDER = base64.StdEncoding.EncodeToString(public)
	return key, nil
}

func generate(alg postern.Alg) (crypto.Signer, error) {
	switch alg {
	case postern.ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case postern.RS256:
		return rsa.GenerateKey(rand.Reader, rsaBits)
	case postern.EdDSA:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	}
	return nil, postern.Errorf(postern.Invalid, "%q is not an algorithm we sign with", postern.Shorten(string(alg), 20)).
		WithHint("use one of ES256, RS256, EdDSA, HS256")
}

// thumbprint is the SHA-1 of the public key in upper-case hex.
func thumbprint(key postern.Key) string {
	der, _ := base64.StdEncoding.DecodeString(key.PublicDER)
	sum := sha1.Sum(der) //nolint:gosec // see the import
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}
