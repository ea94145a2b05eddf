// Package oauth2source gives tokens of a broker to programs that are written against
// golang.org/x/oauth2. It is a package of its own so that nobody else needs that
// module: a method set that satisfies oauth2.TokenSource must name its token type.
package oauth2source

import (
	"context"
	"time"

	"golang.org/x/oauth2"

	"postern.dev/postern"
)

// Source is an oauth2.TokenSource. It keeps nothing: the tokens are the broker's, who
// renews them, so it must not be wrapped in oauth2.ReuseTokenSource.
type Source struct {
	// Context ends the waiting of every Token; nil is one that never ends.
	Context  context.Context //nolint:containedctx // Token takes none
	Tokens   postern.TokenSource
	Upstream string
	GoodFor  time.Duration // the life that each token has left at least
}

var _ oauth2.TokenSource = Source{}

// Token gives a token. It fails as postern.TokenSource does.
func (s Source) Token() (*oauth2.Token, error) {
	ctx := s.Context
	if ctx == nil {
		ctx = context.Background()
	}
	tok, err := s.Tokens.Token(ctx, s.Upstream, s.GoodFor)
	if err != nil {
		return nil, err
	}
	out := &oauth2.Token{AccessToken: tok.Value.Reveal(), TokenType: tok.Type, Expiry: tok.ExpiresAt}
	return out.WithExtra(map[string]any{"scope": tok.Scope.String()}), nil
}
