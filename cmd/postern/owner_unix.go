//go:build unix

package main

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// writtenByOthers says why a file that was found in the working directory is not to be
// trusted with where secrets go, "" when it is: somebody else may have put it there.
func writtenByOthers(info fs.FileInfo) string {
	if info.Mode().Perm()&0o002 != 0 {
		return fmt.Sprintf("anybody can write it (mode %04o)", info.Mode().Perm())
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok && s.Uid != 0 && int(s.Uid) != os.Geteuid() {
		return fmt.Sprintf("it belongs to another user (%d)", s.Uid)
	}
	return ""
}
