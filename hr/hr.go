// Package hr is the HR API in the shape of Personio's: the handlers that serve a
// Directory, and the remotes that are one elsewhere. Each file shows one noun of one
// version from both ends, which share their wire structs.
package hr
