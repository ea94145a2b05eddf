package store_test

import (
	"postern.dev/postern"
	"postern.dev/postern/broker"
	"postern.dev/postern/hr"
	"postern.dev/postern/issuer"
	"postern.dev/postern/store"
)

// A DB is what the issuer and the HR API ask for, without knowing them.
var (
	_ issuer.Registry = (*store.DB)(nil)
	_ issuer.Journal  = (*store.DB)(nil)
	_ issuer.Revoker  = (*store.DB)(nil)
	_ issuer.KeyStore = (*store.DB)(nil)
	_ issuer.Feed     = (*store.DB)(nil)

	_ broker.Store = (*store.DB)(nil)

	_ hr.Tenants        = (*store.DB)(nil)
	_ postern.Directory = (*store.Directory)(nil)
)
