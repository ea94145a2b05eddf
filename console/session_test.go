package console_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"postern.dev/postern"
	"postern.dev/postern/console"
)

func TestTheSessionOfABrowserIsAnActor(t *testing.T) {
	t.Parallel()
	town := newTown(atNoon)
	b := newBrowser(t, town).as("bob@example.org")
	var noted postern.Call // as the server logs it
	ask := func(name, value string) (postern.Actor, error) {
		noted = postern.Call{}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if name != "" {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		return console.SignedIn(town, r.WithContext(postern.WithCall(r.Context(), &noted)), false)
	}
	got, err := ask("postern-dev", b.cookies["postern-dev"])
	if err != nil || got.Name != "operator:bob" || got.Role != postern.Admin || got.Tenant != "globex" || !got.ProvenAt.Equal(noon) || !got.Source.IsValid() || noted.Operator != "bob" {
		t.Errorf("got %+v, %v; noted %q", got, err, noted.Operator)
	}
	for want, tt := range map[postern.Reason][2]string{postern.NoToken: {"__Host-postern", b.cookies["postern-dev"]}, postern.BadToken: {"postern-dev", "made up"}} {
		if _, err := ask(tt[0], tt[1]); postern.ReasonOf(err) != want || noted.Operator != "" {
			t.Errorf("%v: got %v, want %s", tt, err, want)
		}
	}
}
