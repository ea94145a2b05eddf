package console

import "slices"

// page is one address and what happens there.
type page struct {
	pattern string // of http.ServeMux, with the method
	do      func(*call) error
	open    bool // to those who are not signed in
	long    bool // may take minutes
}

// pages lists every page.
func pages() []page {
	return slices.Concat(signInPages(), setupPages(), provePages(), overviewPages(), clientsPages(), clientNewPages(),
		clientPages(), clientEditPages(), clientSecretPages(), clientEndPages(), usersPages(), tenantsPages(), keysPages(),
		operatorsPages(), accountPages(), auditPages(), sandboxPages(), tryPages())
}
