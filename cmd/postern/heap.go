package main

import "runtime"

// ballastSize is memory that is asked for and never touched: it takes no room, but
// the garbage collector counts it and so works about a third as often while the heap
// is small. On the token path that is worth some five percent of the processor; a
// heap that is large for other reasons hardly notices.
const ballastSize = 12 << 20

// ballast holds it until release is called.
func ballast() (release func()) {
	b := make([]byte, ballastSize)
	return func() { runtime.KeepAlive(b) }
}
