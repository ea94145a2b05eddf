package hr

func timeRoutes() []route { return nil }
