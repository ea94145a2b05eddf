package dialect

// What the tests in the external package need of the inside.

// FormFields decodes a form and lists its fields.
func FormFields(s string, fold bool) (map[string]string, []string, error) {
	f, err := parseForm(s, fold)
	out := map[string]string{}
	for _, v := range f.fields {
		out[v.name] = v.value
	}
	return out, f.resources, err
}

// FormBody builds a form.
func FormBody(nameValue ...string) string { return pairs(nameValue...) }

// BasicAuth and BasicHeader are inverses.
func BasicAuth(header string) (id, secret string, ok bool) { return basicAuth(header) }

// BasicHeader is the other.
func BasicHeader(id, secret string) string { return basicHeader(id, secret) }

// ObjectNames parses an object and lists the names of its members.
func ObjectNames(s string) ([]string, error) {
	o, err := parseObject(s)
	var out []string
	for _, m := range o {
		out = append(out, m.name)
	}
	return out, err
}

// Text writes and reads a JSON string.
func Text(s string) (string, string, bool) {
	b := appendText(nil, s)
	back, ok := value(b).text()
	return string(b), back, ok
}

// Tables gives every code table by name.
func Tables() map[string]table {
	return map[string]table{"personio-v1": personioV1Rows, "personio-v2": personioV2Rows, "personify": personifyRows,
		"comm100": comm100Rows, "comm100 userinfo": comm100InfoRows, "oauth2": oauth2Rows}
}

// ForError gives the status of a table for an error.
func ForError(t table, err error) (status int, text string) {
	r, e := t.forError(err)
	return r.status, r.description(e)
}
