package console

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"postern.dev/postern"
)

// policy is the Content-Security-Policy of every answer. What it does not name, it does
// not allow; there is no inline script and no inline style in any page.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"

// guard sets the headers that every answer has.
func (h *house) guard(w http.ResponseWriter) {
	head := w.Header()
	head.Set("Content-Security-Policy", policy)
	head.Set("X-Frame-Options", "DENY")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("Permissions-Policy", "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=(), clipboard-write=(self)")
	head.Set("Cross-Origin-Opener-Policy", "same-origin")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	head.Set("Cache-Control", "no-store")
}

// csrfField is the field of a form that shows that the form was ours.
const csrfField = "csrf"

// tokenFor gives the value that forms carry for whoever holds a cookie: nobody else can
// work it out, and it tells nothing about the cookie. Every node comes to the same.
func tokenFor(cookie postern.Secret) string {
	mac := hmac.New(sha256.New, []byte(cookie.Reveal()))
	mac.Write([]byte("postern console form"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// checkForm fails with Forbidden for a form that did not come from a page of ours which
// this browser was shown: from another site, without our value, or with that of
// another session.
func (c *call) checkForm() error {
	if err := c.origin.Check(c.r); err != nil {
		return postern.Errorf(postern.Forbidden, "this form was sent by another site, and nothing was done").
			WithHint("open the page in the console and send it from there")
	}
	if c.cookie.Empty() || !hmac.Equal([]byte(tokenFor(c.cookie)), []byte(c.form.text(csrfField))) {
		return postern.Errorf(postern.Forbidden, "this form is from another session, or too old, and nothing was done").
			WithHint("go back, load the page again and send it once more")
	}
	return nil
}

// home is where the console begins.
const home = "/console/"

// within gives the path and query of an address of the console, and the overview for
// anything else: an address that leads elsewhere must not be followed.
func within(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || len(address) > 2000 ||
		!strings.HasPrefix(address, home) || strings.ContainsAny(address, "\\\r\n\t") || u.Fragment != "" ||
		strings.Contains(u.Path, "//") || strings.Contains(u.Path, "..") || strings.HasPrefix(u.Path, home+"sign") ||
		strings.HasPrefix(u.Path, home+"setup") || strings.HasPrefix(u.Path, home+"prove") || strings.HasPrefix(u.Path, home+"assets/") {
		return home
	}
	return u.RequestURI()
}
