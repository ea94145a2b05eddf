package main

import (
	"postern.dev/postern/admin"
	"postern.dev/postern/hr"
)

// adminPath is where the operator API is.
const adminPath = "/admin/v1"

// knownScopes are those that mean something on every tenant.
func knownScopes() []string { return append(hr.Scopes(), admin.Scopes()...) }
