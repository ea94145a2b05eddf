package main

import "runtime"

// ballastSize is memory that is asked for and never touched: it takes no room, but
// the garbage collector counts it and so works about half as often while the heap is
// small. On the token path that is worth some percent of the processor; a heap that is
// large for other reasons hardly notices. More of it would cost room: the collector lets
// as much garbage lie about as it counts, and a server under load is to fit in 64 MiB.
const ballastSize = 9 << 20

// ballast holds it until release is called.
func ballast() (release func()) {
	b := make([]byte, ballastSize)
	return func() { runtime.KeepAlive(b) }
}
