package hr

type v1 struct{}

func (v1) rest() string            { return "/v1/company/" }
func (v1) before(c *call)          {}
func (v1) fail(c *call, err error) {}
