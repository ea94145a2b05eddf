package mcptool

import (
	"strconv"
	"strings"
)

// Table gives the answer as a table for people, of the tool's columns; an answer that is
// one thing is a table of one row. A column of which no row has anything is left out.
func (a *Answer) Table() (head []string, rows [][]string) {
	if a.Question != nil || a.Data == nil {
		return nil, nil
	}
	items, isList := a.Data["items"].([]any)
	if !isList {
		items = []any{a.Data}
	}
	for range items {
		rows = append(rows, []string{})
	}
	for _, c := range a.Tool.Columns {
		var cells []string
		some := len(items) == 0
		for _, item := range items {
			cells = append(cells, cell(item, c.Key))
			some = some || cells[len(cells)-1] != ""
		}
		if !some {
			continue
		}
		head = append(head, c.Head)
		for i := range cells {
			rows[i] = append(rows[i], cells[i])
		}
	}
	return head, rows
}

// cell gives the value of the first of keys that an item has. A key a.b is b of the first
// of a; a+b gives the names of those that are true.
func cell(item any, keys string) string {
	for key := range strings.SplitSeq(keys, "|") {
		if names := strings.Split(key, "+"); len(names) > 1 {
			var set []string
			for _, name := range names {
				if at(item, name) == true {
					set = append(set, strings.TrimSuffix(name, "_half_day"))
				}
			}
			return strings.Join(set, ", ")
		}
		v := item
		for name := range strings.SplitSeq(key, ".") {
			v = at(v, name)
		}
		if s := plainly(v); s != "" {
			return s
		}
	}
	return ""
}

// at gives a member of an object, or of the first object of a list.
func at(v any, name string) any {
	if list, ok := v.([]any); ok && len(list) > 0 {
		v = list[0]
	}
	if m, ok := v.(map[string]any); ok {
		return m[name]
	}
	return nil
}

func plainly(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}
