package dialect

import (
	"context"
	"net/http"

	"postern.dev/postern"
)

// describeHandler is the server's end of d's userinfo.
func describeHandler(name string, d Describer, want postern.Want, iss postern.Issuer, opt Options) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answeredOptions(w, r, allowGet) {
			return
		}
		x := begin(w, r, name, opt)
		token, err := decodeBounded(x, d.DecodeDescribe)
		var u postern.User
		if err == nil {
			u, err = describe(x, iss, token.Reveal(), want)
		}
		x.note(err)
		d.EncodeDescription(w, u, err)
	})
}

// describe finds the user of a token. A good token of a machine is not a bad
// token: the family answers it with 403.
func describe(x exchange, iss postern.Issuer, raw string, want postern.Want) (postern.User, error) {
	ctx := x.r.Context()
	c, err := iss.Verify(ctx, raw, want)
	if err == nil {
		x.call.ClientID, x.call.Tenant, x.call.TokenID = c.ClientID, c.Tenant, c.ID
		if c.User == nil {
			return postern.User{}, badToken("no user")
		}
		return *c.User, nil
	}
	if postern.CodeOf(err) == postern.Unauthenticated && isMachine(ctx, iss, raw) {
		return postern.User{}, postern.Errorf(postern.Forbidden, "a machine has no user").Because(postern.LowScope)
	}
	return postern.User{}, err
}

func isMachine(ctx context.Context, iss postern.Issuer, raw string) bool {
	c, err := iss.Verify(ctx, raw, postern.Want{Kind: postern.Machine})
	return err == nil && c.Kind == postern.Machine
}
