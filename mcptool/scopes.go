package mcptool

// The permissions that the tools need, as the HR API names them.
const (
	readPersons     = "personio:persons:read"
	readAbsences    = "personio:absences:read"
	writeAbsences   = "personio:absences:write"
	readAttendances = "personio:attendances:read"
)

// permission gives the words under which a page of settings lists a scope.
func permission(scope string) string {
	switch scope {
	case readPersons:
		return "Persons: read"
	case readAbsences:
		return "Absences: read"
	case writeAbsences:
		return "Absences: write"
	case readAttendances:
		return "Attendances: read"
	}
	return ""
}
