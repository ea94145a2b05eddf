package postern

import (
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

// Bounds of what a person types, in bytes.
const (
	MaxEmail          = 100
	MaxPassword       = 1024
	MinPasswordLength = 15 // characters, for a password that is the only factor
)

// User is a person with a password. Tokens of users open no machine API.
type User struct {
	ID       string // a GUID
	Tenant   string
	Email    string // canonical: see CanonicalEmail; unique within the tenant
	Role     string // an open string, as userinfo shows it
	AgentID  string // a GUID; empty when the user is no agent
	SiteID   int64  // 0 when the user has no site
	Disabled bool
	// PasswordHash is argon2id in PHC form.
	PasswordHash string
	Failures     int       // wrong passwords since the last right one
	LockedUntil  time.Time // no password is right before it
	// NotBefore revokes every token of the user that was issued at or before it,
	// to the millisecond. Zero revokes nothing.
	NotBefore time.Time
	CreatedAt time.Time
	UpdatedAt time.Time
}

// CanonicalEmail folds the spellings of one address into one, so that letter
// case, outer spaces or another Unicode form is not a fresh account to guess at:
// NFKC, trimmed, lower case.
func CanonicalEmail(s string) string {
	return strings.ToLower(norm.NFKC.String(strings.TrimSpace(s)))
}

// CheckEmail fails with Invalid unless s can be a canonical address: one "@" with
// something on both sides, no space or control character, at most MaxEmail bytes.
func CheckEmail(s string) error {
	local, domain, ok := strings.Cut(s, "@")
	if !ok || local == "" || domain == "" || strings.Contains(domain, "@") || len(s) > MaxEmail ||
		strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return Errorf(Invalid, "%q is not an e-mail address", Shorten(s, MaxEmail))
	}
	return nil
}

// CheckPassword fails with Invalid unless p is long enough, not longer than
// MaxPassword bytes, and not made of words anyone would try first: a short
// pattern repeated, or one of the given words (tenant, product or account names).
// There are no rules about kinds of characters (NIST SP 800-63B).
func CheckPassword(p string, words ...string) error {
	if n := len([]rune(p)); n < MinPasswordLength {
		return Errorf(Invalid, "the password has %d characters; at least %d are needed", n, MinPasswordLength).
			WithHint("four or five unrelated words make a good one")
	}
	if len(p) > MaxPassword {
		return Errorf(Invalid, "the password is longer than %d bytes", MaxPassword)
	}
	distinct := map[rune]bool{}
	for _, r := range p {
		distinct[r] = true
	}
	if len(distinct) < 5 {
		return Errorf(Invalid, "the password repeats too few characters")
	}
	low := strings.ToLower(p)
	for _, w := range words {
		if w = strings.ToLower(w); len(w) > 3 && strings.Contains(low, w) {
			return Errorf(Invalid, "the password contains a name that belongs to the account, the tenant or the product")
		}
	}
	for _, w := range commonPasswordParts {
		low = strings.ReplaceAll(low, w, "")
	}
	if len(low) < 5 || strings.Trim(low, "0123456789") == "" && low != strings.ToLower(p) {
		return Errorf(Invalid, "the password is among the first that anyone would try")
	}
	return nil
}

// commonPasswordParts are the stems of the long passwords that head every list of
// leaked ones.
var commonPasswordParts = []string{
	"password", "passwort", "qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890", "0123456789", "abcdefgh",
	"abc123", "letmein", "welcome", "iloveyou", "administrator", "changeme", "default", "dragon", "monkey",
	"football", "baseball", "superman", "princess", "sunshine", "trustno1", "q1w2e3r4", "1q2w3e4r", "111111",
}
