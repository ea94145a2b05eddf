// Package interop is where clients and verifiers that no one here wrote meet a real
// postern: the tests build the program, start `serve --demo` on a free port and know
// of it only what any caller does, its addresses, its credentials and its documents.
// The Go half is part of `go test ./...`; the JavaScript half is in node/ and is run
// by the script beside this file.
package interop
