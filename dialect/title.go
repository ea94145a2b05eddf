package dialect

// Title is what people call a dialect; one that is not known is called by its name.
func Title(name string) string {
	switch name {
	case "personio-v1":
		return "Personio v1"
	case "personio-v2":
		return "Personio v2"
	case "personify":
		return "Personify"
	case "comm100":
		return "Comm100"
	case "oauth2":
		return "Plain OAuth 2.0"
	}
	return name
}
