package registrar

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // what the apps compute (RFC 6238 section 1.2)
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"

	"postern.dev/postern"
)

// A second factor is a code of RFC 6238: six digits that change every 30 seconds. One
// step before and after is good as well, because clocks differ.
const (
	codePeriod  = 30
	codeDigits  = 1_000_000
	codeSlack   = 1
	totpSize    = 20 // bytes of a secret (RFC 4226 section 4)
	totpIssuer  = "Postern"
	maxTOTPText = 500 // bytes of an otpauth URI
)

var base32Text = base32.StdEncoding.WithPadding(base32.NoPadding)

// codeAt is the code of a step (RFC 4226 section 5.3).
func codeAt(secret []byte, step int64) string {
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(step)) //nolint:gosec // steps are since 1970
	mac := hmac.New(sha1.New, secret)
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0x0f
	n := binary.BigEndian.Uint32(sum[at:at+4]) & 0x7fffffff
	return fmt.Sprintf("%06d", n%codeDigits)
}

// stepOf gives the step that a code is of, and false for a code that is not good now or
// is of a step that was used: last, or one before it.
func stepOf(secret []byte, code string, now time.Time, last int64) (step int64, ok bool) {
	code = strings.ReplaceAll(code, " ", "")
	for s := now.Unix()/codePeriod - codeSlack; s <= now.Unix()/codePeriod+codeSlack; s++ {
		// Every step is compared, so that time tells nothing.
		if subtle.ConstantTimeCompare([]byte(codeAt(secret, s)), []byte(code)) == 1 && s > last && !ok {
			step, ok = s, true
		}
	}
	return step, ok
}

// newTOTP makes a secret, as the URI that apps read.
func newTOTP(email string) postern.Secret {
	secret := make([]byte, totpSize)
	_, _ = rand.Read(secret) // never fails since Go 1.24
	return postern.NewSecret("otpauth://totp/" + totpIssuer + ":" + url.PathEscape(email) + "?secret=" + base32Text.EncodeToString(secret) +
		"&issuer=" + totpIssuer + "&algorithm=SHA1&digits=6&period=30")
}

// readTOTP gives the secret of a URI that newTOTP made.
func readTOTP(uri postern.Secret) ([]byte, error) {
	bad := invalid("uri", "this is no second factor of ours").WithHint("begin anew")
	if len(uri.Reveal()) > maxTOTPText {
		return nil, bad
	}
	u, err := url.Parse(uri.Reveal())
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" {
		return nil, bad
	}
	secret, err := base32Text.DecodeString(u.Query().Get("secret"))
	if err != nil || len(secret) != totpSize {
		return nil, bad
	}
	return secret, nil
}

// totpContext binds a sealed secret to its operator.
func totpContext(operator string) string { return "operator/" + operator + "/second factor" }
