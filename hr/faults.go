package hr

import "time"

// misbehave lets go wrong what the sandbox says.
func (c *call) misbehave() error { return nil }

// visited tells the request log.
func (c *call) visited(start time.Time, status int, err error) {}
