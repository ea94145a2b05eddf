package dialect_test

import (
	"errors"
	"strings"
	"testing"

	"postern.dev/postern"
	"postern.dev/postern/dialect"
)

var reasons = []postern.Reason{"", postern.BadRequest, postern.MissingParameter, postern.BadMediaType, postern.BadMethod, postern.TooLarge,
	postern.TooSlow, postern.UnknownGrant, postern.BadScope, postern.BadTarget, postern.BadClient, postern.BadGrant, postern.BadToken,
	postern.NoToken, postern.GrantForbidden, postern.QueryCredentials, postern.LowScope}

func TestEveryTableHasARowForEveryCodeAndReason(t *testing.T) {
	t.Parallel()
	for name, table := range dialect.Tables() {
		for _, code := range postern.Codes {
			for _, reason := range reasons {
				status, text := dialect.ForError(table, &postern.Error{Code: code, Reason: reason, Msg: "a \"message\"\\\n\x7fé"})
				if status < 400 || (status == 500) != (code == postern.Internal) {
					t.Errorf("%s: %s/%s is answered with %d", name, code, reason, status)
				}
				bad := func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }
				if strings.ContainsFunc(text, bad) && !(name == "personio-v2" && reason == postern.BadMediaType) {
					t.Errorf("%s: %s/%s is described as %q, outside RFC 6749 section 5.2", name, code, reason, text)
				}
			}
		}
	}
}

func TestAnErrorWithoutACodeIsInternal(t *testing.T) {
	t.Parallel()
	for name, table := range dialect.Tables() {
		if status, text := dialect.ForError(table, errors.New(marker)); status != 500 || strings.Contains(text, marker) {
			t.Errorf("%s: %d %q", name, status, text)
		}
	}
}
