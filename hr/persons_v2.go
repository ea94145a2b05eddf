package hr

func personRoutes() []route { return nil }
