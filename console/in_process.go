package console

import (
	"bytes"
	"io"
	"net/http"
	"strconv"

	"postern.dev/postern"
)

// Within makes a round tripper of a handler in this process, for Config.Try: the request
// takes the way of every other, from the address that the browser has, and no network. An
// answer is bounded to 64 KiB.
func Within(h http.Handler) http.RoundTripper { return inProcess{h} }

type inProcess struct{ h http.Handler }

func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	in.Host, in.Proto, in.ProtoMajor, in.ProtoMinor = r.URL.Host, "HTTP/1.1", 1, 1
	if from := postern.CallFrom(r.Context()).Source; from.IsValid() {
		in.RemoteAddr = from.String() + ":0"
		if from.Is6() {
			in.RemoteAddr = "[" + from.String() + "]:0"
		}
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := &answer{header: http.Header{}, status: http.StatusOK}
	t.h.ServeHTTP(w, in)
	return &http.Response{
		Status: strconv.Itoa(w.status) + " " + http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
	}, nil
}

// answer keeps what a handler says.
type answer struct {
	header http.Header
	status int
	begun  bool
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if !a.begun && status >= 200 {
		a.status, a.begun = status, true
	}
}

func (a *answer) Write(p []byte) (int, error) {
	a.begun = true
	if room := maxForm - a.body.Len(); len(p) > room {
		a.body.Write(p[:max(0, room)])
		return len(p), nil
	}
	return a.body.Write(p)
}
