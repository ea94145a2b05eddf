package main

import (
	"syscall"
	"time"
)

// ownTime is the processor time of this process.
func ownTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0 // impossible: the arguments are right
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
