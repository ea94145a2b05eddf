package hr

func absenceRoutes() []route { return nil }
