package hr

func employmentRoutes() []route { return nil }
