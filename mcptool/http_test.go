package mcptool_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"postern.dev/postern"
	"postern.dev/postern/mcptool"
)

func TestAMessageThatCouldBeReadInTwoWaysIsRefusedBeforeATool(t *testing.T) {
	t.Parallel()
	d := openDoor(t, func(c *mcptool.Config, _ *mcptool.HTTPConfig) { c.Writes = true })
	const call = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":`
	deep := strings.Repeat(`{"a":`, 70) + "1" + strings.Repeat("}", 70)
	for name, x := range map[string]struct {
		body string
		code int
	}{
		"a name in two cases":              {call + `{"name":"create_absence_period","NAME":"list_persons","arguments":{}}}`, -32600},
		"a name in the wrong case":         {call + `{"Name":"list_persons","arguments":{}}}`, -32600},
		"a name in two cases, escaped":     {call + `{"name":"create_absence_period","\u004eame":"list_persons"}}`, -32600},
		"a name twice":                     {call + `{"name":"list_persons","name":"create_absence_period"}}`, -32600},
		"a name twice, once escaped":       {call + `{"name":"list_persons","n\u0061me":"create_absence_period"}}`, -32600},
		"params twice":                     {call + `{"name":"list_persons"},"params":{"name":"create_absence_period"}}`, -32600},
		"params in two cases":              {call + `{"name":"create_absence_period"},"PARAMS":{"name":"list_persons"}}`, -32600},
		"params with a long s":             {call + `{"name":"create_absence_period"},"paramſ":{"name":"list_persons"}}`, -32600},
		"method twice":                     {`{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call","params":{"name":"list_persons"}}`, -32600},
		"method in two cases":              {`{"jsonrpc":"2.0","id":1,"Method":"tools/list","method":"tools/call","params":{"name":"list_persons"}}`, -32600},
		"an argument twice":                {call + `{"name":"get_person","arguments":{"person_id":"1","person_id":"2"}}}`, -32600},
		"an argument of an argument twice": {call + `{"name":"get_person","arguments":{"person_id":{"a":1,"a":2}}}}`, -32600},
		"an id twice":                      {`{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/list"}`, -32600},
		"a meta twice":                     {call + `{"name":"list_persons","_meta":{},"_meta":{}}}`, -32600},
		"a progress token in another case": {call + `{"name":"list_persons","_meta":{"PROGRESSTOKEN":1}}}`, -32600},
		"a batch":                          {"[" + listPersonsOld + "]", -32600},
		"an empty batch":                   {"[]", -32600},
		"text after it":                    {listPersonsOld + "x", -32700},
		"another message after it":         {listPersonsOld + listPersonsOld, -32700},
		"a brace after it":                 {listPersonsOld + "}", -32700},
		"a byte NUL after it":              {listPersonsOld + "\x00", -32700},
		"a byte NUL within":                {call + "{\"name\":\"list_persons\x00\"}}", -32700},
		"NUL in the name":                  {call + `{"name":"list_persons\u0000"}}`, -32600},
		"NUL in an argument":               {call + `{"name":"list_persons","arguments":{"email":"a\u0000"}}}`, -32600},
		"NUL in a name of an argument":     {call + `{"name":"list_persons","arguments":{"em\u0000ail":"a"}}}`, -32600},
		"half a character in a member":     {call + `{"name":"list_persons","x\ud800":1}}`, -32600},
		"bytes that are no UTF-8":          {call + "{\"name\":\"list_persons\xff\"}}", -32700},
		"a byte order mark":                {"\ufeff" + listPersonsOld, -32700},
		"a comment":                        {"/**/" + listPersonsOld, -32700},
		"nothing":                          {"", -32700},
		"only blanks":                      {"  \n", -32700},
		"a number":                         {"7", -32600},
		"null":                             {"null", -32600},
		"another version":                  {`{"jsonrpc":"1.0","id":1,"method":"tools/list"}`, -32600},
		"no version":                       {`{"id":1,"method":"tools/list"}`, -32600},
		"no method":                        {`{"jsonrpc":"2.0","id":1}`, -32600},
		"an empty method":                  {`{"jsonrpc":"2.0","id":1,"method":""}`, -32600},
		"a method that is a number":        {`{"jsonrpc":"2.0","id":1,"method":5}`, -32600},
		"an id that is null":               {`{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{"name":"list_persons"}}`, -32600},
		"an id that is an object":          {`{"jsonrpc":"2.0","id":{},"method":"tools/list"}`, -32600},
		"an id that is a fraction":         {`{"jsonrpc":"2.0","id":1.5,"method":"tools/list"}`, -32600},
		"an id that is a power":            {`{"jsonrpc":"2.0","id":1e3,"method":"tools/list"}`, -32600},
		"params that are a list":           {call + `["list_persons"]}`, -32600},
		"a name that is a number":          {call + `{"name":5}}`, -32600},
		"an answer with both":              {`{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":"x"}}`, -32600},
		"too deep":                         {call + `{"name":"list_persons","arguments":` + deep + `}}`, -32600},
		"far too deep":                     {strings.Repeat("[", 200_000), -32700},
		"too many members":                 {call + `{"name":"list_persons","arguments":{"x":[` + strings.Repeat("1,", 25_000) + `1]}}}`, -32600},
	} {
		for _, era := range [][]string{nil, {"MCP-Protocol-Version", "2025-06-18"}, {"MCP-Protocol-Version", "2025-11-25"}, modern("tools/call", "list_persons")} {
			s := d.send(t, "all@acme", x.body, era...)
			code, why := s.failure(t)
			if s.StatusCode != http.StatusBadRequest || code != x.code || why == "" {
				t.Errorf("%s: got %d %s, want 400 and %d", name, s.StatusCode, s.body, x.code)
			}
		}
	}
	if n := d.asked.Load(); n != 0 || len(d.events) != 0 {
		t.Errorf("the tools were called: the directory was asked %d times, and there are %d records", n, len(d.events))
	}
}

func TestEveryChallengeSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	const (
		document = `resource_metadata="https://hr.example/.well-known/oauth-protected-resource/mcp"`
		scopes   = `scope="` + readScopes + `"`
		bad      = `Bearer error="invalid_token", ` + document + ", " + scopes
		none     = "Bearer " + document + ", " + scopes
	)
	d := openDoor(t, func(c *mcptool.Config, _ *mcptool.HTTPConfig) { c.Writes = true })
	calling := func(tool string) string {
		return `{"jsonrpc":"2.0","id":"c1","method":"tools/call","params":{"name":"` + tool + `","arguments":{}}}`
	}
	for name, x := range map[string]struct {
		token   string
		body    string
		headers []string
		status  int
		want    string
	}{
		"no token":                 {"", listPersonsOld, nil, 401, none},
		"an empty token":           {"", listPersonsOld, []string{"Authorization", "Bearer "}, 401, none},
		"another scheme":           {"", listPersonsOld, []string{"Authorization", "Basic YTpi"}, 401, none},
		"no token, and no JSON":    {"", "{", nil, 401, none},
		"garbage":                  {"garbage", listPersonsOld, nil, 401, bad},
		"expired":                  {"expired@acme", listPersonsOld, nil, 401, bad},
		"revoked":                  {"revoked@acme", listPersonsOld, nil, 401, bad},
		"a bad signature":          {"signature@acme", listPersonsOld, nil, 401, bad},
		"of another audience":      {"audience@acme", listPersonsOld, nil, 401, bad},
		"of a person":              {"user@acme", listPersonsOld, nil, 401, bad},
		"garbage, and no JSON":     {"garbage", "{", nil, 401, bad},
		"two headers":              {"all@acme", listPersonsOld, []string{"Authorization", "Bearer all@acme"}, 400, `Bearer error="invalid_request", ` + document + ", " + scopes},
		"two tokens in a header":   {"all@acme all@acme", listPersonsOld, nil, 400, `Bearer error="invalid_request", ` + document + ", " + scopes},
		"a scope is missing":       {"absences@acme", calling("list_persons"), nil, 403, `Bearer error="insufficient_scope", scope="personio:persons:read", ` + document},
		"all scopes are missing":   {"none@acme", calling("list_absence_periods"), nil, 403, `Bearer error="insufficient_scope", scope="personio:absences:read", ` + document},
		"the one that writes":      {"absences@acme", calling("create_absence_period"), nil, 403, `Bearer error="insufficient_scope", scope="personio:absences:write", ` + document},
		"no scope needed":          {"none@acme", `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, nil, 200, ""},
		"a tool that there is not": {"none@acme", calling("list_planets"), nil, 200, ""},
		"the right scope":          {"absences@acme", calling("list_absence_types"), nil, 200, ""},
		"the scheme in any case":   {"", calling("list_persons"), []string{"Authorization", "bEARER all@acme"}, 200, ""},
		"the database is away":     {"down@acme", listPersonsOld, nil, 503, ""},
		"a fault of ours":          {"broken@acme", listPersonsOld, nil, 500, ""},
	} {
		s := d.send(t, x.token, x.body, x.headers...)
		if got := s.Header.Get("WWW-Authenticate"); s.StatusCode != x.status || got != x.want {
			t.Errorf("%s: got %d %q, want %d %q; %s", name, s.StatusCode, got, x.status, x.want, s.body)
		}
		if x.status == 200 {
			continue
		}
		if _, why := s.failure(t); why == "" || strings.Contains(why, "EOF") || strings.Contains(s.body, "@acme") {
			t.Errorf("%s: the answer says nothing, or too much: %s", name, s.body)
		}
	}
	if s := d.request(t, "POST", "", listPersonsOld, "Host", "hr.example"); !strings.Contains(s.Header.Get("WWW-Authenticate"), document) {
		t.Errorf("under another name: %q", s.Header)
	}
	if s := d.send(t, "down@acme", listPersonsOld); s.Header.Get("Retry-After") != "3" {
		t.Errorf("503 with Retry-After %q, want 3", s.Header.Get("Retry-After"))
	}
}

func TestTokensInTheQueryAreNoTokens(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	resp, err := http.Post(d.URL+"/mcp?access_token=all@acme", "application/json", strings.NewReader(listPersonsOld))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized || strings.Contains(resp.Header.Get("WWW-Authenticate"), "error") {
		t.Errorf("got %d %q, want 401 without an error", resp.StatusCode, resp.Header.Get("WWW-Authenticate"))
	}
}

func TestPagesOfOthersDoNotCallTheTools(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	own := strings.TrimPrefix(d.URL, "http://")
	port := own[strings.LastIndexByte(own, ':'):]
	for _, x := range []struct {
		headers []string
		want    int
	}{
		{nil, 200},
		{[]string{"Host", "hr.example"}, 200},
		{[]string{"Host", "HR.example:443"}, 200},
		{[]string{"Host", "hr.example."}, 200},
		{[]string{"Host", "localhost" + port}, 200},
		{[]string{"Host", "127.0.0.1:9999"}, 200},
		{[]string{"Host", "[::1]:9999"}, 200},
		{[]string{"Host", "evil.example"}, 403},
		{[]string{"Host", "evil.example" + port}, 403},
		{[]string{"Host", "hr.example.evil.example"}, 403},
		{[]string{"Host", "localhost.evil.example"}, 403},
		{[]string{"Host", "127.0.0.1.nip.example"}, 403},
		{[]string{"Host", "10.0.0.1"}, 403},
		{[]string{"Origin", toolsOrigin}, 200},
		{[]string{"Origin", d.URL}, 200},
		{[]string{"Origin", "http://localhost" + port, "Host", "localhost" + port}, 200},
		{[]string{"Origin", "https://evil.example"}, 403},
		{[]string{"Origin", "https://hr.example.evil.example"}, 403},
		{[]string{"Origin", "https://hr.example:8443"}, 403},
		{[]string{"Origin", "http://localhost:1"}, 403},
		{[]string{"Origin", "null"}, 403},
		{[]string{"Origin", "file://"}, 403},
		{[]string{"Origin", d.URL, "Origin", "https://evil.example"}, 403},
		{[]string{"Origin", toolsOrigin, "Sec-Fetch-Site", "same-origin"}, 200},
		{[]string{"Sec-Fetch-Site", "cross-site"}, 403},
		{[]string{"Sec-Fetch-Site", "same-site"}, 403},
		{[]string{"Sec-Fetch-Site", "none"}, 200},
	} {
		if s := d.send(t, "all@acme", listPersonsOld, x.headers...); s.StatusCode != x.want {
			t.Errorf("%q: got %d %s, want %d", x.headers, s.StatusCode, s.body, x.want)
		}
		// Who is not let in learns so before anything is said of its token.
		if s := d.send(t, "", listPersonsOld, x.headers...); x.want == 403 && s.StatusCode != 403 {
			t.Errorf("%q without a token: got %d, want 403", x.headers, s.StatusCode)
		}
		if s := d.request(t, "GET", "all@acme", "", x.headers...); x.want == 403 && s.StatusCode != 403 && !strings.HasPrefix(x.headers[0], "Sec-") {
			t.Errorf("GET with %q: got %d, want 403", x.headers, s.StatusCode)
		}
	}
}

func TestTheToolIsTheOneThatTheScopeWasLookedUpFor(t *testing.T) {
	t.Parallel()
	d := openDoor(t, func(c *mcptool.Config, _ *mcptool.HTTPConfig) { c.Writes = true })
	call := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_persons","arguments":{},` + modernMeta + `}}`
	s := d.send(t, "absences@acme", call, modern("tools/call", "list_absence_types")...) // a header that lies
	if s.StatusCode != http.StatusForbidden {
		t.Errorf("a header that names another tool: %d %s", s.StatusCode, s.body)
	}
	call = strings.Replace(call, "list_persons", "list_absence_types", 1)
	if s := d.send(t, "absences@acme", call, modern("tools/call", "list_persons")...); s.StatusCode != http.StatusBadRequest || !strings.Contains(s.body, "-32020") {
		t.Errorf("a header that does not match: %d %s", s.StatusCode, s.body)
	}
	// A member that is escaped, or one that means nothing, changes nothing.
	escaped := strings.Replace(listPersonsOld, `"name"`, `"x":{"NAME":1},"n\u0061me"`, 1)
	if s := d.send(t, "absences@acme", escaped); s.StatusCode != http.StatusForbidden {
		t.Errorf("an escaped name: %d %s", s.StatusCode, s.body)
	}
	if s := d.send(t, "all@acme", escaped); s.StatusCode != 200 || !strings.Contains(s.body, `"id":"4"`) {
		t.Errorf("an escaped name with the scope: %d %s", s.StatusCode, s.body)
	}
	if n := d.asked.Load(); n != 1 {
		t.Errorf("the directory was asked %d times, want once", n)
	}
}

func TestDisabledToolsAreNamedToWhoMayCallThem(t *testing.T) {
	t.Parallel()
	d := openDoor(t, func(c *mcptool.Config, _ *mcptool.HTTPConfig) { c.Disabled = true })
	if s := d.send(t, "", listPersonsOld); s.StatusCode != 401 {
		t.Errorf("without a token: %d", s.StatusCode)
	}
	if s := d.send(t, "all@acme", `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`); !strings.Contains(s.body, `"tools":[]`) {
		t.Errorf("the list: %s", s.body)
	}
	for _, token := range []string{"all@acme", "none@acme"} {
		if s := d.send(t, token, listPersonsOld); s.StatusCode != 200 || !strings.Contains(s.body, "--experimental tools") || !strings.Contains(s.body, `"isError":true`) {
			t.Errorf("a call: %d %s", s.StatusCode, s.body)
		}
	}
}

func TestTheMetadataNamesTheResourceAndItsIssuer(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	want := map[string]any{
		"resource": toolsURL, "authorization_servers": []any{toolsOrigin}, "resource_name": "Postern HR", "bearer_methods_supported": []any{"header"},
		"scopes_supported": []any{"personio:absences:read", "personio:attendances:read", "personio:persons:read"},
	}
	for _, path := range []string{"/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"} {
		resp, err := http.Get(d.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		err = json.NewDecoder(resp.Body).Decode(&got)
		_ = resp.Body.Close()
		if diff := cmp.Diff(want, got); err != nil || diff != "" || resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %v %q: %s", path, resp.StatusCode, err, resp.Header, diff)
		}
		r, err := http.NewRequest("GET", d.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("If-None-Match", resp.Header.Get("Etag"))
		if resp, err = http.DefaultClient.Do(r); err != nil || resp.StatusCode != http.StatusNotModified {
			t.Errorf("%s again: %v %v, want 304", path, resp, err)
		}
		_ = resp.Body.Close()
		if resp, err = http.Post(d.URL+path, "", nil); err != nil || resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: %v %v, want 405", path, resp, err)
		}
		_ = resp.Body.Close()
	}
}

// lingering is a directory whose answers wait.
type lingering struct {
	postern.Directory
	asked, answer chan struct{}
}

func (l lingering) Persons(context.Context, postern.PersonQuery) (postern.Page[postern.Person], error) {
	l.asked <- struct{}{}
	<-l.answer
	return postern.Page[postern.Person]{}, nil
}

func TestCallersOfManyTenantsAtOnceSeeTheirOwnAlone(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	var all sync.WaitGroup
	for i := range 200 {
		tenant := strings.Repeat("t", 1+i%9)
		all.Go(func() {
			headers, body := []string(nil), listPersonsOld
			if i%2 == 0 {
				headers, body = modern("tools/call", "list_persons"), strings.Replace(body, `"arguments":{}`, `"arguments":{},`+modernMeta, 1)
			}
			s := d.send(t, "all@"+tenant, body, headers...)
			if want := fmt.Sprintf(`"id":"%d"`, len(tenant)); s.StatusCode != 200 || !strings.Contains(s.body, want) {
				t.Errorf("tenant %s: %d %s, want %s", tenant, s.StatusCode, s.body, want)
			}
		})
	}
	all.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.events {
		if e.ClientID != "cl"+e.Tenant || e.Actor != "client:cl"+e.Tenant {
			t.Errorf("a record of one caller names another: %+v", e)
		}
	}
	if len(d.events) != 200 {
		t.Errorf("%d records, want 200", len(d.events))
	}
}

// bearing adds a token to every request.
type bearing string

func (b bearing) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

func TestTheSDKsClientUsesTheToolsInEveryEra(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	for _, era := range []string{"", "2025-11-25", "2025-06-18"} {
		client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
		s, err := client.Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: d.URL + "/mcp",
			HTTPClient: &http.Client{Transport: bearing("absences@acme")}}, &mcp.ClientSessionOptions{ProtocolVersion: era})
		if err != nil {
			t.Fatalf("%q: %v", era, err)
		}
		list, err := s.ListTools(t.Context(), nil)
		if err != nil {
			t.Fatalf("%q: %v", era, err)
		}
		var names []string
		for _, tool := range list.Tools {
			names = append(names, tool.Name)
		}
		if diff := cmp.Diff([]string{"list_absence_periods", "list_absence_types"}, names); diff != "" {
			t.Errorf("%q: %s", era, diff)
		}
		_, err = s.CallTool(t.Context(), &mcp.CallToolParams{Name: "list_persons"})
		if err == nil || !strings.Contains(err.Error(), "personio:persons:read") && !strings.Contains(err.Error(), "Forbidden") {
			t.Errorf("%q: a call without its scope: %v", era, err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("%q: %v", era, err)
		}
	}
}

func TestAnAddressThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "/mcp", "https://hr.example", "https://hr.example/mcp?x=1", "hr.example/mcp", "https://hr.example/mcp#f", "::"} {
		if _, err := mcptool.New(mcptool.Config{}).HTTP(mcptool.HTTPConfig{URL: url}); postern.CodeOf(err) != postern.Invalid {
			t.Errorf("%q: got %v, want invalid", url, err)
		}
	}
}

// What is executed is what was looked at: the message that is passed on is read by the
// SDK as it was read here, whatever came in.
func FuzzAMessageIsReadTheSameWayTwice(f *testing.F) {
	for _, seed := range []string{listPersonsOld, "[" + listPersonsOld + "]", `{"jsonrpc":"2.0","id":"a","method":"ping"}`, `{"jsonrpc":"2.0","method":"x","params":{}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","NAME":"b","_meta":{"progressToken":1}}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"n\u0061me":"\ud83d\ude00\ud800<\u2028>","arguments":{"x":[1e400,-0,{"y":null}]}}}`,
		`{"jsonrpc":"2.0","id":9007199254740993,"result":{}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		method, name, progress, body, err := mcptool.ReadMessage(raw)
		if err != nil {
			return
		}
		again, againName, againProgress, _, err := mcptool.ReadMessage(body)
		if err != nil || again != method || againName != name || againProgress != progress {
			t.Fatalf("%q is %q %q, and written anew %q it is %q %q: %v", raw, method, name, body, again, againName, err)
		}
		m, err := jsonrpc.DecodeMessage(body)
		if err != nil {
			if id := `"id":`; method == "" || !strings.Contains(string(body), id) {
				return // an answer that the SDK does not take
			}
			t.Fatalf("%q: the SDK does not read it: %v", body, err)
		}
		r, ok := m.(*jsonrpc.Request)
		if ok != (method != "") || ok && r.Method != method {
			t.Fatalf("%q: the SDK reads %#v, here it is %q", body, m, method)
		}
		var params struct{ Name string }
		if ok && name != "" && (json.Unmarshal(r.Params, &params) != nil || params.Name != name) {
			t.Fatalf("%q: the SDK reads the name %q, here it is %q", body, params.Name, name)
		}
	})
}

// A token without the scope is refused before the tool is asked; the trail knows of it
// all the same, and who sent it reads what to do.
func TestACallThatLacksItsScopeIsRecordedAndSaysWhoGrantsIt(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	s := d.send(t, "absences@acme", listPersonsOld)
	_, why := s.failure(t)
	for _, want := range []string{"personio:persons:read", `"Employees: Read"`, "\nhint: ", "postern client update clacme --add-scope personio:persons:read", "list_absence_periods"} {
		if !strings.Contains(why, want) {
			t.Errorf("%d says %q, want %q in it", s.StatusCode, why, want)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.events) != 1 || d.asked.Load() != 0 {
		t.Fatalf("got the events %+v and %d questions, want one and none", d.events, d.asked.Load())
	}
	e := d.events[0]
	if e.Action != postern.ActToolRefused || e.Code != postern.Forbidden || e.Cause != "scope" || e.Tenant != "acme" || e.ClientID != "clacme" || e.Detail != "list_persons" {
		t.Errorf("recorded %+v", e)
	}
}
