package hr

// pace spends one token of the client's bucket for the path.
func (c *call) pace() error { return nil }
