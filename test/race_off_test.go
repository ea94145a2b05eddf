//go:build !race

package test

import "time"

// raceDetector says whether the binary is built with the race detector too.
const raceDetector = false

// aSecond is what "within a second" means here.
const aSecond = time.Second
