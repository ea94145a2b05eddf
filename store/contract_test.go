package store_test

import (
	"postern.dev/postern/issuer"
	"postern.dev/postern/store"
)

// A DB is what the issuer asks for, without knowing the issuer.
var (
	_ issuer.Registry = (*store.DB)(nil)
	_ issuer.Journal  = (*store.DB)(nil)
	_ issuer.Revoker  = (*store.DB)(nil)
	_ issuer.KeyStore = (*store.DB)(nil)
	_ issuer.Feed     = (*store.DB)(nil)
)
