package mcptool

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"postern.dev/postern"
)

// Times of one message.
const (
	// MessageTimeout is how long a message may take, its answer included.
	MessageTimeout = 2 * time.Minute
	// readTimeout is how long its body may take.
	readTimeout = 10 * time.Second
)

// Verifier checks tokens; the issuer does.
type Verifier interface {
	// Verify fails with Unauthenticated or Forbidden for a token that is not what want
	// says, as postern.Issuer does.
	Verify(ctx context.Context, raw string, want postern.Want) (postern.Claims, error)
}

// HTTPConfig is what the surface over HTTP needs. URL, Issuer and Verifier are required.
type HTTPConfig struct {
	// URL is the address that callers use, such as https://hr.example/mcp. Tokens are made
	// out to it (RFC 8707), and every address that is told begins with its origin, never
	// with what a request calls the host.
	URL      string
	Issuer   string // whose tokens are taken, as in its metadata (RFC 8414)
	Verifier Verifier
	// PerMinute is how many messages a client may send; 0 means DefaultPerMinute,
	// negative bounds nothing.
	PerMinute int
	Version   string // of the program
	Log       *slog.Logger
	Now       func() time.Time
}

// HTTP is the tools as a resource server: MCP over Streamable HTTP without sessions.
// Whoever calls is known by the token of each message. It is safe for concurrent use.
type HTTP struct {
	HTTPConfig
	tools       *Tools
	server      *mcp.Server
	origin      string
	host        string // without port
	metadataURL string
	metadata    []byte
	cross       *http.CrossOriginProtection
	pace        *pace
	json, sse   http.Handler
	// ending ends what would else go on until its caller leaves.
	ending context.Context
	end    context.CancelFunc
}

// Route is one address of the surface. Its handler answers every method.
type Route struct {
	Pattern string // a path, exact
	Handler http.Handler
	Timeout time.Duration // 0 is the server's
}

// HTTP makes the surface. It fails with Invalid for an URL that is none.
func (t *Tools) HTTP(cfg HTTPConfig) (*HTTP, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Host == "" || u.Path == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, postern.Errorf(postern.Invalid, "%q is no address for tools", postern.Shorten(cfg.URL, 100))
	}
	h := &HTTP{HTTPConfig: cfg, tools: t, origin: u.Scheme + "://" + u.Host, host: u.Hostname(), pace: newPace(cfg.PerMinute),
		cross: http.NewCrossOriginProtection()}
	if err := h.cross.AddTrustedOrigin(h.origin); err != nil {
		return nil, postern.Errorf(postern.Invalid, "%q is no address for tools", postern.Shorten(cfg.URL, 100))
	}
	h.metadataURL = h.origin + metadataPath + u.Path
	if h.metadata, err = h.describe(); err != nil {
		return nil, err
	}
	h.server = t.Server(Surface{Who: callerOf, Version: cfg.Version})
	h.json, h.sse = h.surface(true), h.surface(false)
	h.ending, h.end = context.WithCancel(context.Background())
	return h, nil
}

// surface is the SDK's part: one message in, its answer out. The token was looked at
// before; what it said is only handed over, because no other way leads to a tool.
func (h *HTTP) surface(asJSON bool) http.Handler {
	inner := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return h.server }, &mcp.StreamableHTTPOptions{
		Stateless: true, JSONResponse: asJSON, MaxRequestBodyBytes: 2 * maxMessage, PropagateRequestCancellation: true,
		DisableLocalhostProtection: true, // checkSource is stricter, and knows the name in front of a proxy
		Logger:                     quiet(h.Log),
	})
	hand := func(ctx context.Context, _ string, _ *http.Request) (*auth.TokenInfo, error) {
		if info, ok := ctx.Value(infoKey{}).(*auth.TokenInfo); ok {
			return info, nil
		}
		return nil, auth.ErrInvalidToken // not reached: serve sets it
	}
	// The time was checked, by the clock that the issuer goes by.
	return auth.RequireBearerToken(hand, &auth.RequireBearerTokenOptions{AllowMissingExpiration: true})(inner)
}

// infoKey is of the claims on their way through the SDK.
type infoKey struct{}

// Routes lists the addresses: of the tools, and of the metadata that says who gives
// tokens for them (RFC 9728), also where clients look that do not insert the path.
func (h *HTTP) Routes() []Route {
	path := strings.TrimPrefix(h.URL, h.origin)
	return []Route{
		{path, h, MessageTimeout},
		{metadataPath + path, http.HandlerFunc(h.serveMetadata), 0},
		{metadataPath, http.HandlerFunc(h.serveMetadata), 0},
	}
}

// Close ends the answers that would go on until their callers leave. The server calls
// it when it stops.
func (h *HTTP) Close() { h.end() }

// ServeHTTP takes one message: whence it comes, who sends it, what it says and whether
// the sender may; then it is answered.
func (h *HTTP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := &answer{ResponseWriter: w}
	err := h.checkSource(r)
	switch {
	case err != nil:
		a.refuse(r, http.StatusForbidden, err)
	case r.Method == http.MethodOptions: // without any cross-origin permission
		a.Header().Set("Allow", "POST, OPTIONS")
		a.WriteHeader(http.StatusNoContent)
	case r.Method != http.MethodPost:
		a.Header().Set("Allow", "POST, OPTIONS")
		a.refuse(r, http.StatusMethodNotAllowed, postern.Errorf(postern.Invalid, "messages are sent by POST, and answered at once").
			Because(postern.BadMethod))
	default:
		h.serve(a, r)
	}
}

func (h *HTTP) serve(a *answer, r *http.Request) {
	claims, err := h.verify(r)
	if err != nil {
		h.refuseToken(a, r, err)
		return
	}
	note := postern.CallFrom(r.Context())
	note.Dialect, note.Tenant, note.ClientID, note.TokenID = claims.Dialect, claims.Tenant, claims.ClientID, claims.ID
	if wait := h.pace.take(claims.ClientID, h.Now()); wait > 0 {
		e := postern.Errorf(postern.TooMany, "too many messages").WithHint("wait, and send fewer of them at once")
		e.Wait = wait
		a.refuse(r, http.StatusTooManyRequests, e)
		return
	}
	if !h.pace.begin(claims.ClientID) {
		e := postern.Errorf(postern.TooMany, "%d messages of this client are being answered", atOnce).
			WithHint("wait for some of the answers, and send fewer messages at once")
		e.Wait = time.Second
		a.refuse(r, http.StatusTooManyRequests, e)
		return
	}
	defer h.pace.end(claims.ClientID)
	m, status, err := h.receive(a, r)
	if err != nil {
		a.refuse(r, status, err)
		return
	}
	a.id = m.id
	if scope := h.lacks(claims, m); scope != "" {
		a.Header().Set("WWW-Authenticate", h.challenge(insufficientScope, postern.NewScopes(scope)))
		// The tool refuses it as well: that leaves its record, and says what to do.
		_, err := h.tools.Call(r.Context(), callerIn(r, claims), m.name, nil)
		if err == nil {
			err = lowScope(scope) // not reached: the tool wants the same scope
		}
		a.refuse(r, http.StatusForbidden, err)
		return
	}
	h.hand(a, r, m, claims)
}

// callerIn is who sends a message, as its token says.
func callerIn(r *http.Request, claims postern.Claims) Caller {
	return Caller{Tenant: claims.Tenant, ClientID: claims.ClientID, Actor: "client:" + claims.ClientID,
		RequestID: postern.CallFrom(r.Context()).ID, Scopes: claims.Scope, Attributes: claims.Client.Attributes}
}

// hand gives a message to the SDK, with the claims and without the token.
func (h *HTTP) hand(a *answer, r *http.Request, m message, claims postern.Claims) {
	info := &auth.TokenInfo{Scopes: claims.Scope, UserID: claims.ClientID, Extra: map[string]any{callerKey: callerIn(r, claims)}}
	// The tool may outlive the request, whose record is written at its end.
	note := *postern.CallFrom(r.Context())
	ctx, cancel := context.WithCancel(context.WithValue(postern.WithCall(r.Context(), &note), infoKey{}, info))
	defer cancel()
	if m.method == "subscriptions/listen" {
		defer context.AfterFunc(h.ending, cancel)()
	}
	r = r.Clone(ctx)
	r.Header.Set("Authorization", "Bearer verified")
	if len(r.Header["Accept"]) == 0 {
		r.Header.Set("Accept", "*/*") // RFC 9110 section 12.5.1
	}
	r.Header.Del("Last-Event-ID") // of eras with sessions
	r.Header.Del("Mcp-Session-Id")
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(m.body)), int64(len(m.body))
	if m.progress {
		h.sse.ServeHTTP(a, r)
	} else {
		h.json.ServeHTTP(a, r)
	}
}

// callerKey is where TokenInfo.Extra has the caller.
const callerKey = "caller"

// callerOf gives who sent a message, as its token says. It fails with Unauthenticated for
// one that did not come this way.
func callerOf(_ context.Context, extra *mcp.RequestExtra) (Caller, error) {
	if extra != nil && extra.TokenInfo != nil {
		if c, ok := extra.TokenInfo.Extra[callerKey].(Caller); ok {
			return c, nil
		}
	}
	return Caller{}, postern.Errorf(postern.Unauthenticated, "the call carries no token").Because(postern.NoToken)
}

// lacks gives the scope that a message needs and its sender does not have. The tool
// looks again.
func (h *HTTP) lacks(claims postern.Claims, m message) string {
	if m.method != "tools/call" {
		return ""
	}
	tool, ok := h.tools.Named(m.name)
	if !ok || h.tools.Disabled || tool.Write && !h.tools.Writes || claims.Scope.Has(tool.Scope) {
		return "" // or the tools say that there is no such thing here
	}
	return tool.Scope
}

// receive reads the message of a request; with an error it gives the status to answer.
func (h *HTTP) receive(a *answer, r *http.Request) (message, int, error) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if s := params["charset"]; err != nil || kind != "application/json" || s != "" && !strings.EqualFold(s, "utf-8") {
		return message{}, http.StatusUnsupportedMediaType, postern.Errorf(postern.Invalid, "the body has to be JSON in UTF-8").
			Because(postern.BadMediaType).WithHint("send the header Content-Type: application/json")
	}
	if enc := r.Header.Get("Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") {
		return message{}, http.StatusUnsupportedMediaType, postern.Errorf(postern.Invalid, "the body must not be compressed").
			Because(postern.BadMediaType)
	}
	rc := http.NewResponseController(a.ResponseWriter)
	_ = rc.SetReadDeadline(time.Now().Add(readTimeout)) // not every test writer can
	raw, err := io.ReadAll(http.MaxBytesReader(a.ResponseWriter, r.Body, maxMessage))
	_ = rc.SetReadDeadline(time.Now().Add(MessageTimeout + readTimeout))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return message{}, http.StatusRequestEntityTooLarge, postern.Errorf(postern.Invalid, "the body is longer than %d bytes", maxMessage).
			Because(postern.TooLarge)
	}
	if err != nil {
		return message{}, http.StatusRequestTimeout, postern.Errorf(postern.Invalid, "the body broke off").Because(postern.TooSlow)
	}
	m, err := readMessage(raw)
	if err != nil {
		return m, http.StatusBadRequest, err
	}
	return m, 0, nil
}
