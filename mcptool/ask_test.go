package mcptool_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"postern.dev/postern"
	"postern.dev/postern/mcptool"
)

func TestTheStateOfAQuestionIsWorthNothingWithoutTheAnswer(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	l := newLedger()
	tools := over(l, func(c *mcptool.Config) { c.Now = func() time.Time { return now } })
	s := dial(t, tools, agent(), "stateless", "", byHand())
	otherWho := agent()
	otherWho.ClientID = "other"
	other := dial(t, tools, otherWho, "stateless", "", byHand())
	asked := callTool(t, s, "create_absence_period", wish())
	question, _ := asked.InputRequests["confirm"].(*mcp.ElicitParams)
	if question == nil || asked.RequestState == "" || !strings.Contains(question.Message, "Ada Number7") || l.count() != 0 {
		t.Fatalf("got %+v and %d writes, want a question", asked.CallToolResult, l.count())
	}
	yes, no := answered("accept", true), answered("decline", true)
	for name, c := range map[string]struct {
		s       *mcp.ClientSession
		args    map[string]any
		state   string
		answers mcp.InputResponseMap
		later   time.Duration
	}{
		"as the argument confirm":    {s: s, args: wish("confirm", asked.RequestState)},
		"no state":                   {s: s, args: wish(), answers: yes},
		"altered":                    {s: s, args: wish(), state: asked.RequestState[:40] + "A" + asked.RequestState[41:] + "A", answers: yes},
		"another caller":             {s: other, args: wish(), state: asked.RequestState, answers: yes},
		"other arguments":            {s: s, args: wish("person_id", "8"), state: asked.RequestState, answers: yes},
		"expired":                    {s: s, args: wish(), state: asked.RequestState, answers: yes, later: 10 * time.Minute},
		"declined by another caller": {s: other, args: wish(), state: asked.RequestState, answers: no},
		"declined without a state":   {s: s, args: wish("confirm", rehearsed(t, tools, wish())), answers: no},
		"a confirmation as state":    {s: s, args: wish(), state: rehearsed(t, tools, wish()), answers: yes},
	} {
		now = now.Add(c.later)
		res, err := c.s.CallTool(t.Context(), &mcp.CallToolParams{Name: "create_absence_period", Arguments: c.args, RequestState: c.state, InputResponses: c.answers})
		if err != nil || !res.IsError || l.count() != 0 {
			t.Errorf("%s: got %+v, %v and %d writes, want a tool error and none", name, res, err, l.count())
		}
		now = now.Add(-c.later)
	}
	for i, again := range []any{nil, true, true} {
		res, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: "create_absence_period", Arguments: wish(), RequestState: asked.RequestState, InputResponses: yes})
		if err != nil || res.IsError || res.StructuredContent.(map[string]any)["already_booked"] != again || l.count() != 1 {
			t.Errorf("use %d: got %+v, %v and %d writes, want already_booked %v and one", i+1, res, err, l.count(), again)
		}
	}
}

func TestAQuestionToWhichSomebodySaidNoIsSpent(t *testing.T) {
	t.Parallel()
	for name, no := range map[string]mcp.InputResponseMap{
		"declined": answered("decline", true), "cancelled": answered("cancel", true), "not booked": answered("accept", false), "text": answered("accept", "true"),
	} {
		l := newLedger()
		s := dial(t, over(l, nil), agent(), "stateless", "", byHand())
		reply := func(state string, answers mcp.InputResponseMap) called {
			res, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: "create_absence_period", Arguments: wish(), RequestState: state, InputResponses: answers})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			c := called{CallToolResult: res}
			if len(res.Content) > 0 {
				c.text = res.Content[0].(*mcp.TextContent).Text
			}
			c.data, _ = res.StructuredContent.(map[string]any)
			return c
		}
		first, second := callTool(t, s, "create_absence_period", wish()).RequestState, callTool(t, s, "create_absence_period", wish()).RequestState
		if got := reply(first, no); !got.IsError || !strings.Contains(got.text, "nothing was booked") {
			t.Errorf("%s: got %q, want that nothing was booked", name, got.text)
		}
		for range 2 {
			if got := reply(first, answered("accept", true)); !got.IsError || !strings.Contains(got.text, "said no") || !strings.Contains(got.text, "unasked") || l.count() != 0 {
				t.Errorf("%s, and then yes: got %q and %d writes, want an error and none", name, got.text, l.count())
			}
		}
		if got := reply(second, answered("accept", true)); got.data["booked"] != true || l.count() != 1 {
			t.Errorf("%s, and yes to another question: got %q and %d writes, want it booked once", name, got.text, l.count())
		}
		if got := reply(second, no); !got.IsError || !strings.Contains(got.text, "answered with yes before") || l.count() != 1 {
			t.Errorf("%s after yes: got %q, want that it comes too late", name, got.text)
		}
	}
}

func TestAStateWithoutItsAnswerIsAskedAbout(t *testing.T) {
	t.Parallel()
	l := newLedger()
	s := dial(t, over(l, nil), agent(), "stateless", "", byHand())
	asked := callTool(t, s, "create_absence_period", wish())
	for name, answers := range map[string]mcp.InputResponseMap{"none": nil, "to another question": {"other": answered("accept", true)["confirm"]}} {
		res, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: "create_absence_period", Arguments: wish(), RequestState: asked.RequestState, InputResponses: answers})
		if err != nil || len(res.InputRequests) != 1 || l.count() != 0 {
			t.Errorf("%s: got %+v, %v and %d writes, want the question again", name, res, err, l.count())
		}
	}
}

func TestOldClientsOfAStatelessServerCannotPretendToBeAsked(t *testing.T) {
	t.Parallel()
	l := newLedger()
	server := over(l, nil).Server(mcptool.Surface{Who: func(context.Context, *mcp.RequestExtra) (mcptool.Caller, error) { return agent(), nil }})
	h := httptest.NewServer(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true}))
	t.Cleanup(h.Close)
	args, _ := json.Marshal(wish())
	for extra, says := range map[string]string{
		`"_meta":{"io.modelcontextprotocol/clientCapabilities":{"elicitation":{"form":{}}}}`:          `"booked":false`,
		`"inputResponses":{"confirm":{"action":"accept","content":{"book":true}}},"requestState":"x"`: `"isError":true`,
		`"_meta":{"io.modelcontextprotocol/clientCapabilities":{"elicitation":{"form":{}}}},` +
			`"inputResponses":{"confirm":{"action":"accept","content":{"book":true}}},"requestState":""`: `"isError":true`,
	} {
		body := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"create_absence_period","arguments":%s,%s}}`, args, extra)
		for _, revision := range []string{"", "2025-06-18", "2025-11-25"} {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, h.URL, strings.NewReader(body))
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Accept", "application/json, text/event-stream")
			if revision != "" {
				req.Header.Set("MCP-Protocol-Version", revision)
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err != nil || !strings.Contains(string(answer), says) || l.count() != 0 {
				t.Errorf("%s in %q: got %s and %d writes, want %s and none", extra, revision, answer, l.count(), says)
			}
		}
	}
}

// TestACallerIsWhoSentTheRequestAndNotWhoBeganTheSession holds trap 2 of stateful
// handlers: the context of a call is that of the session.
func TestACallerIsWhoSentTheRequestAndNotWhoBeganTheSession(t *testing.T) {
	t.Parallel()
	l := newLedger()
	tools := over(l, nil)
	server := tools.Server(mcptool.Surface{Who: func(_ context.Context, extra *mcp.RequestExtra) (mcptool.Caller, error) {
		if extra == nil || extra.TokenInfo == nil {
			return mcptool.Caller{}, postern.Errorf(postern.Unauthenticated, "nobody")
		}
		who := agent()
		who.ClientID = extra.TokenInfo.Extra["client"].(string)
		if who.ClientID == "reader" {
			who.Scopes = postern.NewScopes("personio:persons:read")
		}
		return who, nil
	}})
	verify := func(_ context.Context, token string, _ *http.Request) (*auth.TokenInfo, error) {
		return &auth.TokenInfo{Expiration: time.Now().Add(time.Hour), Extra: map[string]any{"client": token}}, nil
	}
	h := httptest.NewServer(auth.RequireBearerToken(verify, nil)(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)))
	t.Cleanup(h.Close)
	bearer := &bearer{token: "writer"}
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test"}, nil).Connect(t.Context(),
		&mcp.StreamableClientTransport{Endpoint: h.URL, HTTPClient: &http.Client{Transport: bearer}}, &mcp.ClientSessionOptions{ProtocolVersion: "2025-11-25"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	dry := callTool(t, session, "create_absence_period", wish())
	if got := names(t, session); len(got) != 7 || dry.data["confirm"] == nil {
		t.Fatalf("the writer sees %v and got %q", got, dry.text)
	}
	bearer.set("reader")
	if got := names(t, session); len(got) != 3 {
		t.Errorf("the reader sees %v, want what it may read", got)
	}
	if got := callTool(t, session, "create_absence_period", wish("confirm", dry.data["confirm"])); !got.IsError || l.count() != 0 {
		t.Errorf("the reader booked: %q, %d writes", got.text, l.count())
	}
	bearer.set("another")
	if got := callTool(t, session, "create_absence_period", wish("confirm", dry.data["confirm"])); !got.IsError || !strings.Contains(got.text, "another caller") || l.count() != 0 {
		t.Errorf("another client used the confirmation: %q, %d writes", got.text, l.count())
	}
}
