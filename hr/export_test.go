package hr

// Operation is one row of the tables.
type Operation struct{ Method, Path, Scope string }

// Operations lists both tables.
func Operations() []Operation {
	var out []Operation
	for _, r := range append(routesV2(), routesV1()...) {
		out = append(out, Operation{r.method, r.path, r.scope})
	}
	return out
}
