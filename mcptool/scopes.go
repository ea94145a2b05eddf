package mcptool

// The permissions that the tools need, as the HR API names them.
const (
	readPersons     = "personio:persons:read"
	readAbsences    = "personio:absences:read"
	writeAbsences   = "personio:absences:write"
	readAttendances = "personio:attendances:read"
)

// permission gives the words of a scope on the page of settings where it is granted, as
// `postern doctor` prints them; a scope that is not ours stands for itself.
func permission(scope string) string {
	switch scope {
	case readPersons:
		return "Employees: Read"
	case readAbsences:
		return "Absences: Read"
	case writeAbsences:
		return "Absences: Write"
	case readAttendances:
		return "Attendances: Read"
	}
	return scope
}
