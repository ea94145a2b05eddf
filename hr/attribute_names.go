package hr

// AttributeNames lists the fields of persons that a client's whitelist can name, in the
// order of the older wire; the attributes that a tenant added come beside them. The id
// is not among them: it is always shown.
func AttributeNames() (names []string) {
	for _, f := range fieldsV1() {
		if f.key != "id" {
			names = append(names, f.key)
		}
	}
	return names
}
