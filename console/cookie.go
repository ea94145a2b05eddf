package console

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"

	"postern.dev/postern"
)

// What browsers keep for us. All of it goes with its session, or after minutes.
const (
	sessionCookie = ""       // who is signed in
	formCookie    = "-form"  // binds forms to a browser before anybody is signed in
	flashCookie   = "-flash" // what the next page says
	stepCookie    = "-step"  // what waits for the second factor, sealed
	setupCookie   = "-setup" // the code of a one-time link
)

// stepLife is how long a browser keeps what waits.
const stepLife = 10 * time.Minute

// cookieName is __Host-postern where there is TLS: browsers take that name only from
// this very host, over TLS.
func (h *house) cookieName(which string) string {
	if h.Secure {
		return "__Host-postern" + which
	}
	return "postern-dev" + which
}

// keep gives the browser a cookie. A life of zero lets it go with the browser's session,
// a negative one takes it away.
func (c *call) keep(which, value string, life time.Duration) {
	cookie := &http.Cookie{Name: c.cookieName(which), Value: value, Path: "/", HttpOnly: true, Secure: c.Secure, SameSite: http.SameSiteStrictMode}
	switch {
	case life < 0:
		cookie.MaxAge = -1
	case life > 0:
		cookie.MaxAge = int(life / time.Second)
	}
	if which == setupCookie {
		// The link may be followed out of a mail program, and this cookie has to be there
		// behind the redirect.
		cookie.SameSite = http.SameSiteLaxMode
	}
	http.SetCookie(c.w, cookie)
}

func (c *call) drop(which string) { c.keep(which, "", -1) }

// kept gives a cookie, and nothing when it was sent twice: then one is not ours.
func (c *call) kept(which string) string {
	all := c.r.CookiesNamed(c.cookieName(which))
	if len(all) != 1 || len(all[0].Value) > 4096 {
		return ""
	}
	return all[0].Value
}

// seal writes v so that only nodes with our key can read it.
func (h *house) seal(purpose string, v any) (string, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	aead, err := h.aead()
	if err != nil {
		return "", err
	}
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails since Go 1.24
	return base64.RawURLEncoding.EncodeToString(aead.Seal(nonce, nonce, plain, []byte(purpose))), nil
}

// unseal reads what seal wrote. It fails with Invalid for anything else.
func (h *house) unseal(purpose, sealed string, v any) error {
	bad := postern.Errorf(postern.Invalid, "this step has come to its end").WithHint("begin again")
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return bad
	}
	aead, err := h.aead()
	if err != nil {
		return err
	}
	if len(raw) < aead.NonceSize() {
		return bad
	}
	plain, err := aead.Open(nil, raw[:aead.NonceSize()], raw[aead.NonceSize():], []byte(purpose))
	if err != nil || json.Unmarshal(plain, v) != nil {
		return bad
	}
	return nil
}

func (h *house) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(h.Key[:])
	if err != nil {
		return nil, err // a key has 32 bytes
	}
	return cipher.NewGCM(block)
}
