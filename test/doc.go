// Package test tells stories about the whole binary: two processes, two databases,
// load, and everything that goes wrong around a server. It holds tests only; the
// binary they run is built once, by TestMain.
package test
