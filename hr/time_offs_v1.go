package hr

func timeOffRoutes() []route { return nil }
