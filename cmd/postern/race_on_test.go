//go:build race

package main

import "time"

// aSecond is what "within a second" means here: the race detector makes everything
// several times slower.
const aSecond = 15 * time.Second
