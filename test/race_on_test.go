//go:build race

package test

import "time"

// raceDetector says whether the binary is built with the race detector too.
const raceDetector = true

// aSecond is what "within a second" means here: the race detector makes everything
// several times slower.
const aSecond = 15 * time.Second
