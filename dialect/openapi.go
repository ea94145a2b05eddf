package dialect

// openapiPath is where the descriptions of our endpoints are listed.
const openapiPath = "/openapi/"

func openapiRoutes() []Route { return nil }
