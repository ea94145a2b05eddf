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
	ask := func(name, value string) (postern.Actor, error) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if name != "" {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		return console.SignedIn(town, r, false)
	}
	got, err := ask("postern-dev", b.cookies["postern-dev"])
	if err != nil || got.Name != "operator:bob" || got.Role != postern.Admin || got.Tenant != "globex" || !got.ProvenAt.Equal(noon) || !got.Source.IsValid() {
		t.Errorf("got %+v, %v", got, err)
	}
	for want, tt := range map[postern.Reason][2]string{postern.NoToken: {"__Host-postern", b.cookies["postern-dev"]}, postern.BadToken: {"postern-dev", "made up"}} {
		if _, err := ask(tt[0], tt[1]); postern.ReasonOf(err) != want {
			t.Errorf("%v: got %v, want %s", tt, err, want)
		}
	}
}
