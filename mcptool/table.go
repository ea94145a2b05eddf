package mcptool

// Table gives the answer as a table for people.
func (a *Answer) Table() (head []string, rows [][]string) { return nil, nil }
