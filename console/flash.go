package console

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"

	"postern.dev/postern"
)

// Flash is what a page says once about what was just done.
type Flash struct {
	Bad  bool
	Text string
}

const maxFlash = 600 // bytes

// flash lets the next page say something. It travels in a cookie with a MAC under the
// session's own, so that nobody else can put words there.
func (c *call) flash(bad bool, text string) {
	if c.cookie.Empty() {
		return
	}
	mark := "+"
	if bad {
		mark = "-"
	}
	text = mark + postern.Shorten(text, maxFlash)
	c.keep(flashCookie, base64.RawURLEncoding.EncodeToString([]byte(text))+"."+c.flashMAC(text), time.Minute)
}

func (c *call) flashMAC(text string) string {
	mac := hmac.New(sha256.New, []byte(c.cookie.Reveal()))
	mac.Write([]byte("postern console flash\x00" + text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// flashed takes what the page before left to be said.
func (c *call) flashed() *Flash {
	value := c.kept(flashCookie)
	if value == "" {
		return nil
	}
	c.drop(flashCookie)
	body, mac, _ := strings.Cut(value, ".")
	raw, err := base64.RawURLEncoding.DecodeString(body)
	text := string(raw)
	if err != nil || text == "" || !hmac.Equal([]byte(mac), []byte(c.flashMAC(text))) {
		return nil
	}
	return &Flash{Bad: text[0] == '-', Text: text[1:]}
}
