package hr

func hourlyRoutes() []route { return nil }
