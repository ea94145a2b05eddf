// Package browser tries the console as people do: in a real browser, by what they see.
package browser
