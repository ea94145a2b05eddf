package mcptool

import "encoding/json"

// show makes the answer of a tool: what is withheld is gone from it.
func (c *call) show(out any) (map[string]any, error) {
	raw, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	var data map[string]any
	err = json.Unmarshal(raw, &data)
	return data, err
}
