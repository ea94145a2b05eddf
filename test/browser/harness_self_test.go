package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// The harness is tried on a page of its own: what it does not see, no test of it would.
func TestTheHarnessSeesWhatPeopleSee(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><meta name="viewport" content="width=device-width"><title>t</title><link rel="icon" href="data:,"><form><label for="n">Name</label><input id="n" name="n">
			<label><input type="checkbox" name="b" value="1"> Read it's persons</label><button>Go on</button></form><p>You said %q and %q</p>`,
			r.FormValue("n"), r.FormValue("b"))
	}))
	t.Cleanup(s.Close)
	for _, shape := range shapes {
		w := openWindow(t, s.URL, shape)
		w.visit("/")
		w.fill("Name", "Bob")
		w.fill("Name", "Ada") // in place of what was typed
		w.tick("Read it's persons")
		w.click("Go on")
		w.see(`you said "ada" and "1"`)
		w.fits()
		if got := w.where(); got != "/?n=Ada&b=1" {
			t.Errorf("%s: at %s", shape.name, got)
		}
	}
}
