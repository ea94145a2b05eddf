package registrar

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"postern.dev/postern"
)

// answer is what is kept of something that was made with a key, sealed.
type answer[T any] struct {
	Value  T
	Secret string
}

// once makes something, unless the actor made it with this key within a day: then it
// gives the answer from then, with its secret. The same key with another request is a
// Conflict. Without a key it makes it each time.
func once[T any](ctx context.Context, o *office, action Action, e postern.Edit, request any,
	produce func() (T, postern.Secret, error)) (v T, secret postern.Secret, err error) {
	if e.Key == "" {
		return produce()
	}
	if len(e.Key) > postern.MaxIdempotencyKey {
		return v, secret, invalid("idempotency_key", "an idempotency key has at most %d bytes", postern.MaxIdempotencyKey)
	}
	digest, err := o.r.digest(action, request)
	if err != nil {
		return v, secret, err
	}
	at := "once/" + o.actor.Name + "/" + e.Key + "/" + digest
	sealed, err := o.store().Once(ctx, o.actor.Name, e.Key, digest, o.r.now())
	if err != nil {
		return v, secret, err
	}
	if sealed != "" {
		return reopen[T](o, at, sealed)
	}
	if v, secret, err = produce(); err != nil {
		// Nothing was made: the key may be used again.
		return v, secret, joinQuietly(err, o.store().KeepOnce(context.WithoutCancel(ctx), o.actor.Name, e.Key, ""))
	}
	plain, err := json.Marshal(answer[T]{v, secret.Reveal()})
	if err != nil {
		return v, secret, fmt.Errorf("keep the answer to a key: %w", err)
	}
	// It is made: whoever asked may be gone, but the answer has to be there for them.
	return v, secret, o.store().KeepOnce(context.WithoutCancel(ctx), o.actor.Name, e.Key, o.r.cfg.Box.Seal(at, plain))
}

func reopen[T any](o *office, at, sealed string) (v T, secret postern.Secret, err error) {
	plain, err := o.r.cfg.Box.Open(at, sealed)
	if err != nil {
		return v, secret, fmt.Errorf("open the answer to a key: %w", err)
	}
	var a answer[T]
	if err := json.Unmarshal(plain, &a); err != nil {
		return v, secret, fmt.Errorf("read the answer to a key: %w", err)
	}
	return a.Value, postern.NewSecret(a.Secret), nil
}

// digest names a request without telling it: it may hold a password, so that it takes
// our key to try guesses at it.
func (r *Registrar) digest(action Action, request any) (string, error) {
	text, err := json.Marshal(request)
	if err != nil {
		return "", fmt.Errorf("name a request: %w", err)
	}
	return r.mark(r.requests, string(action)+"\n"+string(text)), nil
}

// mark gives the name under which something is looked up that is not to be stored.
func (r *Registrar) mark(key []byte, text string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

// joinQuietly keeps the first error: the second one is about tidying up.
func joinQuietly(first, _ error) error { return first }
