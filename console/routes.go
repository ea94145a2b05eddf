package console

import "slices"

// page is one address and what happens there.
type page struct {
	pattern string // of http.ServeMux, with the method
	do      func(*call) error
	open    bool // to those who are not signed in
	long    bool // may take minutes
	// to says whom the page is for; nil is everybody. The Office decides about changes:
	// this keeps forms from those who could not send them.
	to func(May) bool
}

// Whom pages are for.
func managers(m May) bool { return m.Change }
func owners(m May) bool   { return m.Operators }

// pages lists every page.
func pages() []page {
	return slices.Concat(signInPages(), setupPages(), provePages(), overviewPages(), clientsPages(), clientNewPages(),
		clientPages(), clientEditPages(), clientSecretPages(), clientEndPages(), usersPages(), tenantsPages(), keysPages(),
		resourcesPages(), operatorsPages(), accountPages(), auditPages(), sandboxPages(), tryPages())
}
