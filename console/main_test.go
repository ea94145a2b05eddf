package console_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"postern.dev/postern"
)

var (
	update = flag.Bool("update", false, "write the golden files anew")
	as     = flag.String("as", "", "with -serve: who is signed in without a password")
	serve  = flag.String("serve", "", "an address at which to serve the pages over a made-up installation, until it is stopped")
)

func TestMain(m *testing.M) {
	flag.Parse()
	if *serve == "" {
		os.Exit(m.Run())
	}
	town := newTown(func() time.Time { return noon })
	h, err := town.handler("http://" + *serve)
	if *as != "" {
		mux := http.NewServeMux()
		mux.Handle("/console/", h)
		mux.HandleFunc("/", tokens)
		h = signedIn(mux, town.begin(*as, postern.Browser{Agent: "a flag of the test"}))
	}
	if err == nil {
		fmt.Printf("http://%s/console/ as ada@example.org with %q; the code of bob@example.org is %s\n", *serve, goodPassword, goodCode)
		err = (&http.Server{Addr: *serve, Handler: h, ReadHeaderTimeout: time.Second}).ListenAndServe()
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// signedIn puts a session into every request that has none.
func signedIn(h http.Handler, cookie postern.Secret) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie("postern-dev"); err != nil {
			r.AddCookie(&http.Cookie{Name: "postern-dev", Value: cookie.Reveal()})
		}
		h.ServeHTTP(w, r)
	})
}
