//go:build !unix

package main

import "io/fs"

// writtenByOthers cannot be told from the mode of a file here.
func writtenByOthers(fs.FileInfo) string { return "" }
