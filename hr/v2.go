package hr

type v2 struct{}

func (v2) rest() string            { return "/v2/" }
func (v2) before(c *call)          {}
func (v2) fail(c *call, err error) {}
