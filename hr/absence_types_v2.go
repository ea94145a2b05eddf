package hr

func absenceTypeRoutes() []route { return nil }
