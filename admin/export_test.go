package admin

import "net/http"

// Operation is one row of the table.
type Operation struct {
	Method, Path string
	Write        bool
	Query        []string
	Match, Key   bool
}

// Operations lists the table.
func Operations() []Operation {
	var out []Operation
	for _, r := range routes() {
		out = append(out, Operation{r.method, r.path, r.write(), r.query, r.match, r.key})
	}
	return out
}

// Status is the status of an answer with that failure.
var Status = statusOf

// Bodies are an empty value of everything that a body is decoded into.
func Bodies() map[string]func() any {
	return map[string]func() any{
		"NewTenant": func() any { return &newTenant{} }, "TenantChange": func() any { return &tenantChange{} },
		"NewClient": func() any { return &newClient{} }, "ClientChange": func() any { return &clientChange{} },
		"NewSecret": func() any { return &newSecret{} }, "NewUser": func() any { return &newUser{} },
		"UserChange": func() any { return &userChange{} }, "NewPassword": func() any { return &newPassword{} },
		"NewKey": func() any { return &newKey{} }, "NewResource": func() any { return &newResource{} },
		"Sandbox": func() any { return &Sandbox{} }, "NewOperator": func() any { return &newOperator{} },
		"OperatorChange": func() any { return &operatorChange{} },
	}
}

// DecodeStrictly is what every body goes through.
var DecodeStrictly = decodeStrictly

// FromOwnPage says whether a change of a browser is taken.
func FromOwnPage(h http.Header) bool { return fromOwnPage(h) }
