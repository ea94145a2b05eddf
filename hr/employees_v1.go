package hr

func employeeRoutes() []route { return nil }
