package hr

func attendanceRoutes() []route { return nil }
