package test

import (
	"net/http"
	"strings"
)

// The same answer for a wrong client in each dialect.
var badClient = map[string]string{"personio-v1": "403", "oauth2": "401 invalid_client", others: "400 invalid_client"}

// The same for a request that cannot be read.
var badRequest = map[string]string{"personio-v1": "400", others: "400 invalid_request"}

// And for a body of another kind.
var badKind = map[string]string{"personio-v1": "415", others: "400 invalid_request"}

func method(name string) wrong {
	return wrong{"the method " + name, func(r *raw) { r.method = name },
		map[string]string{"personio-v1": "405", "personify": "400 invalid_request", "comm100": "400 invalid_request", others: "405 invalid_request"}}
}

func kind(name string, values ...string) wrong {
	return wrong{name, func(r *raw) { r.header["Content-Type"] = values }, badKind}
}

// wrongFraming is wrong before anything is read.
var wrongFraming = []wrong{
	method(http.MethodGet), method(http.MethodPut), method(http.MethodPatch), method(http.MethodDelete), method("BREW"),
	kind("no content type"), kind("plain text", "text/plain"), kind("XML", "application/xml"),
	kind("several parts", "multipart/form-data; boundary=x"), kind("a broken content type", "application/x-www-form-urlencoded; charset"),
	kind("an empty content type", ""), kind("UTF-16", form+"; charset=utf-16"), kind("Latin-1", form+"; charset=iso-8859-1"),
	kind("two content types", form, form),
	{"a compressed body", func(r *raw) { r.header.Set("Content-Encoding", "gzip") }, map[string]string{"personio-v1": "415", others: "415 invalid_request"}},
	{"a body of 70 KiB", func(r *raw) { r.add("x=" + strings.Repeat("a", 70<<10)) }, map[string]string{"personio-v1": "413", others: "413 invalid_request"}},
	{"a form called JSON", func(r *raw) { r.header.Set("Content-Type", "application/json") }, badRequest},
	{"JSON called a form", func(r *raw) { r.body = `{"client_id":1}` }, map[string]string{"personio-v1": "400", "personio-v2": "400 invalid_request",
		"oauth2": "401 invalid_client", others: "400 invalid_client"}},
}

func repeated(field string) wrong {
	return wrong{field + " repeated", func(r *raw) { r.add(field) }, badRequest}
}

// wrongFields are forms that cannot be read.
var wrongFields = []wrong{
	{"a broken escape", func(r *raw) { r.set("client_id", "%zz") }, badRequest},
	{"half an escape", func(r *raw) { r.set("client_id", "abc%2") }, badRequest},
	{"a broken escape in a name", func(r *raw) { r.add("%zz=1") }, badRequest},
	{"bytes that are no text", func(r *raw) { r.set("client_id", "%ff%fe") }, badRequest},
	{"bytes that are no text, unescaped", func(r *raw) { r.add("x=\xff") }, badRequest},
	{"a semicolon", func(r *raw) { r.body = strings.ReplaceAll(r.body, "&", ";") }, badRequest},
	{"a thousand fields", func(r *raw) { r.body += strings.Repeat("&a=b", 1000) }, badRequest},
	repeated("client_id=x"), repeated("client_id="),
	{"the secret repeated", func(r *raw) { r.add("client_secret=x"); r.add("client_secret=y") }, badRequest},
	{"the grant type repeated", func(r *raw) { r.add("grant_type=client_credentials"); r.add("grant_type=client_credentials") }, badRequest},
	{"the scope repeated", func(r *raw) { r.add("scope=orders:read"); r.add("scope=orders:read") }, badRequest},
	{"a client id in two spellings", func(r *raw) { r.add("Client_ID=x") }, map[string]string{"personify": "400 invalid_request", "comm100": "400 invalid_request"}},
	{"no body", func(r *raw) { r.body = "" }, map[string]string{"personio-v1": "400", "personio-v2": "400 invalid_request",
		"oauth2": "401 invalid_client", others: "400 invalid_client"}},
	{"ampersands", func(r *raw) { r.body = "&&&" }, map[string]string{"personio-v1": "400", "personio-v2": "400 invalid_request",
		"oauth2": "401 invalid_client", others: "400 invalid_client"}},
}

// noClient is the answer where no client id came.
var noClient = map[string]string{"personio-v1": "400", "personio-v2": "400 invalid_request", "oauth2": "401 invalid_client", others: "400 invalid_client"}

// noSecret is the answer where no secret came; a person's client has none.
var noSecret = map[string]string{"personio-v1": "400", "personio-v2": "400 invalid_request", "personify": "400 invalid_client", "oauth2": "401 invalid_client"}

// granted are the dialects in which a machine says which grant it wants.
func granted(v2, personify, comm100, oauth2 string) map[string]string {
	return map[string]string{"personio-v2": v2, "personify": personify, "comm100": comm100, "oauth2": oauth2}
}

// scoped are the dialects that read a scope.
var badScope = granted("400 invalid_scope", "400 invalid_scope", "", "400 invalid_scope")

// wrongValues are forms that can be read and make no sense.
var wrongValues = []wrong{
	{"no client id", func(r *raw) { r.drop("client_id") }, noClient},
	{"an empty client id", func(r *raw) { r.set("client_id", "") }, noClient},
	{"no secret", func(r *raw) { r.drop("client_secret") }, noSecret},
	{"an empty secret", func(r *raw) { r.set("client_secret", "") }, noSecret},
	{"an unknown client", func(r *raw) { r.set("client_id", "nobody") }, badClient},
	{"a client id of 10 KiB", func(r *raw) { r.set("client_id", strings.Repeat("a", 10<<10)) }, badClient},
	{"a client id with NUL", func(r *raw) { r.set("client_id", "a%00b") }, badClient},
	{"a client id with a line break", func(r *raw) { r.set("client_id", "a%0d%0ab") }, badClient},
	{"a client id of markup", func(r *raw) { r.set("client_id", "%3Cscript%3E'%22--%20") }, badClient},
	{"a client id of another alphabet", func(r *raw) { r.set("client_id", "%D0%B0%D0%B4%D0%B0") }, badClient},
	{"a secret of 10 KiB", func(r *raw) { r.set("client_id", "nobody", "client_secret", strings.Repeat("a", 10<<10)) }, badClient},
	{"a secret with NUL", func(r *raw) { r.set("client_id", "nobody", "client_secret", "a%00b") }, badClient},
	{"no grant type", func(r *raw) { r.drop("grant_type") },
		granted("400 invalid_request", "400 unsupported_grant_type", "400 unsupported_grant_type", "400 invalid_request")},
	{"an empty grant type", func(r *raw) { r.set("grant_type", "") },
		granted("400 invalid_request", "400 unsupported_grant_type", "400 unsupported_grant_type", "400 invalid_request")},
	{"an unknown grant type", func(r *raw) { r.set("grant_type", "urn:nobody") },
		granted("400 unsupported_grant_type", "400 unsupported_grant_type", "400 unsupported_grant_type", "400 unsupported_grant_type")},
	{"a grant type in capitals", func(r *raw) { r.set("grant_type", "CLIENT_CREDENTIALS") },
		granted("400 unsupported_grant_type", "400 unsupported_grant_type", "400 unsupported_grant_type", "400 unsupported_grant_type")},
	{"a grant type of 10 KiB", func(r *raw) { r.set("grant_type", strings.Repeat("a", 10<<10)) },
		granted("400 unsupported_grant_type", "400 unsupported_grant_type", "400 unsupported_grant_type", "400 unsupported_grant_type")},
	{"another's grant type", func(r *raw) { r.set("grant_type", "password") },
		granted("400 unsupported_grant_type", "400 unauthorized_client", "", "400 unsupported_grant_type")},
	{"a machine's grant type", func(r *raw) { r.set("grant_type", "client_credentials") }, granted("", "", "400 unauthorized_client", "")},
	{"a browser's grant type", func(r *raw) { r.set("grant_type", "authorization_code") },
		granted("400 unsupported_grant_type", "400 unauthorized_client", "400 unauthorized_client", "400 unsupported_grant_type")},
	{"an unknown scope", func(r *raw) { r.add("scope=orders:delete") }, badScope},
	{"a known scope beside an unknown one", func(r *raw) { r.add("scope=orders:read+orders:delete") }, badScope},
	{"a scope in capitals", func(r *raw) { r.add("scope=ORDERS:READ") }, badScope},
	{"a scope with a quote", func(r *raw) { r.add("scope=a%22b") }, badScope},
	{"a scope with a line break", func(r *raw) { r.add("scope=orders:read%0a") }, badScope},
	{"a scope of 3 KiB", func(r *raw) { r.add("scope=" + strings.Repeat("a", 3<<10)) }, badScope},
	{"a hundred scopes", func(r *raw) { r.add("scope=" + strings.Repeat("a+", 100)) }, badScope},
	{"a person's scope", func(r *raw) { r.add("scope=openid") }, badScope},
	{"an unknown resource", func(r *raw) { r.add("resource=https://api.nobody.test") }, granted("", "", "", "400 invalid_target")},
	{"a relative resource", func(r *raw) { r.add("resource=/api") }, granted("", "", "", "400 invalid_target")},
	{"a resource with a fragment", func(r *raw) { r.add("resource=https://api.nobody.test%23top") }, granted("", "", "", "400 invalid_target")},
	{"one known resource and one unknown", func(r *raw) { r.add("resource=https://a.test"); r.add("resource=https://b.test") }, granted("", "", "", "400 invalid_target")},
}

func authorization(name, want string, values ...string) wrong {
	return wrong{name, func(r *raw) { r.header["Authorization"] = values; r.drop("client_id", "client_secret") }, map[string]string{"oauth2": want}}
}

// wrongProofs are clients that prove themselves badly.
var wrongProofs = []wrong{
	authorization("no base64", "401 invalid_client", "Basic !!!"),
	authorization("no colon", "401 invalid_client", "Basic bm9ib2R5"),
	authorization("no client in Basic", "401 invalid_client", "Basic OnNlY3JldA=="),
	authorization("a broken escape in Basic", "401 invalid_client", "Basic JXp6OnNlY3JldA=="),
	authorization("a Bearer token", "401 invalid_client", "Bearer abc"),
	authorization("a scheme alone", "401 invalid_client", "Basic"),
	authorization("two headers", "400 invalid_request", "Basic eDp5", "Basic eDp5"),
	{"Basic beside a secret in the body", func(r *raw) { r.header.Set("Authorization", "Basic eDp5") }, map[string]string{"oauth2": "400 invalid_request"}},
	{"another client in Basic", func(r *raw) { r.header.Set("Authorization", "Basic eDp5"); r.drop("client_secret") }, map[string]string{"oauth2": "400 invalid_request"}},
	{"an assertion", func(r *raw) { r.drop("client_secret"); r.add("client_assertion=a.b.c") }, map[string]string{"oauth2": "401 invalid_client"}},
	{"an assertion beside a secret", func(r *raw) { r.add("client_assertion=a.b.c") }, map[string]string{"oauth2": "400 invalid_request"}},
	{"a secret in the query", func(r *raw) { r.query = "client_secret=x" }, map[string]string{"oauth2": "400 invalid_request"}},
	{"a client id in the query too", func(r *raw) { r.query = "client_id=x" }, map[string]string{"oauth2": "400 invalid_request", "personio-v1": "400"}},
	{"a secret in the query too", func(r *raw) { r.query = "client_secret=x" }, map[string]string{"personio-v1": "400"}},
	{"half of the credentials in the query", func(r *raw) { r.drop("client_id"); r.query = "client_id=x" }, map[string]string{"personio-v1": "400"}},
	{"a broken query", func(r *raw) { r.query = "client_id=%zz" }, map[string]string{"personio-v1": "400"}},
	{"an unknown pair in the query", func(r *raw) { r.body, r.query = "", "client_id=x&client_secret=y" }, map[string]string{"personio-v1": "403"}},
	{"an unknown client in Basic", func(r *raw) { r.header.Set("Authorization", "Basic eDp5") }, map[string]string{"personify": "400 invalid_client"}},
}

func partner(name, query, want string) wrong {
	return wrong{name, func(r *raw) { r.query = query }, map[string]string{"comm100": want}}
}

func person(name string, change func(*raw)) wrong {
	return wrong{name, change, map[string]string{"comm100": "400 invalid_grant"}}
}

// wrongPartners are people who cannot be found.
var wrongPartners = []wrong{
	partner("no partner", "", "400 invalid_request"), partner("an empty partner", "partnerId=", "400 invalid_request"),
	partner("two partners", "partnerId=10000&partnerId=10000", "400 invalid_request"),
	partner("two spellings", "partnerId=10000&partnerid=10000", "400 invalid_request"),
	partner("a long partner", "partnerId="+strings.Repeat("1", 100), "400 invalid_request"),
	partner("a broken query", "partnerId=%zz", "400 invalid_request"),
	partner("an unknown partner", "partnerId=30000", "400 invalid_grant"), partner("no number", "partnerId=acme", "400 invalid_grant"),
	partner("a negative partner", "partnerId=-10000", "400 invalid_grant"), partner("the partner that stands for none", "partnerId=0", "400 invalid_grant"),
	partner("a number beyond bounds", "partnerId=99999999999999999999", "400 invalid_grant"),
	person("no address", func(r *raw) { r.drop("email") }), person("an empty address", func(r *raw) { r.set("email", "") }),
	person("an address of 200 bytes", func(r *raw) { r.set("email", strings.Repeat("a", 200)) }),
	person("no address at all", func(r *raw) { r.set("email", "%00") }), person("no password", func(r *raw) { r.drop("password") }),
	person("an empty password", func(r *raw) { r.set("password", "") }),
	person("a password of 2 KiB", func(r *raw) { r.set("password", strings.Repeat("a", 2<<10)) }),
	person("a password with NUL", func(r *raw) { r.set("password", "a%00b") }),
	{"an address repeated", func(r *raw) { r.add("email=a@b.test") }, map[string]string{"comm100": "400 invalid_request"}},
}

func asJSON(name, body, want string) wrong {
	return wrong{name, func(r *raw) { r.header.Set("Content-Type", "application/json"); r.body = body }, map[string]string{"personio-v1": want}}
}

// wrongJSON is for the one dialect that reads it.
var wrongJSON = []wrong{
	asJSON("an array", `["client_id"]`, "400"), asJSON("a text", `"client_id"`, "400"), asJSON("nothing", `null`, "400"),
	asJSON("half an object", `{"client_id":"x","client_se`, "400"), asJSON("two objects", `{"client_id":"x","client_secret":"y"}{}`, "400"),
	asJSON("a member twice", `{"client_id":"x","client_id":"x","client_secret":"y"}`, "400"),
	asJSON("a number", `{"client_id":1,"client_secret":"y"}`, "400"), asJSON("an object within", `{"client_id":{"a":"b"},"client_secret":"y"}`, "400"),
	asJSON("null", `{"client_id":"x","client_secret":null}`, "400"), asJSON("no secret", `{"client_id":"x"}`, "400"),
	asJSON("a member in capitals", `{"CLIENT_ID":"x","client_secret":"y"}`, "400"), asJSON("bytes that are no text", "{\"client_id\":\"\xff\"}", "400"),
	asJSON("half a surrogate", `{"client_id":"\ud800","client_secret":"y"}`, "403"), asJSON("NUL", `{"client_id":"a\u0000b","client_secret":"y"}`, "403"),
	asJSON("a bare line break", "{\"client_id\":\"a\nb\",\"client_secret\":\"y\"}", "400"),
	asJSON("too deep", `{"client_id":"x","client_secret":"y","z":`+strings.Repeat("[", 1000)+strings.Repeat("]", 1000)+`}`, "400"),
	asJSON("too many members", `{"client_id":"x","client_secret":"y"`+strings.Repeat(`,"a":1`, 200)+`}`, "400"),
	asJSON("an unknown pair", `{"client_id":"x","client_secret":"y"}`, "403"),
}
