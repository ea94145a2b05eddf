package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"unsafe"
)

// counter counts the instructions that the threads of a process execute in user mode,
// those that it starts later among them.
type counter struct{ fds []int }

// Of perf_event_open(2).
const (
	perfInherit       = 1 << 1
	perfExcludeKernel = 1 << 5
	perfExcludeHV     = 1 << 6
	perfInstructions  = 1
	perfAttrSize      = 64 // PERF_ATTR_SIZE_VER0
	perfCloseOnExec   = 1 << 3
)

// countInstructions begins to count. It fails where the processor or the system does
// not let it, as in many virtual machines.
func countInstructions(pid int) (*counter, error) {
	threads, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), "task"))
	if err != nil {
		return nil, err
	}
	var attr [perfAttrSize]byte // its type is 0: a generic event of the processor
	binary.NativeEndian.PutUint32(attr[4:], perfAttrSize)
	binary.NativeEndian.PutUint64(attr[8:], perfInstructions)
	binary.NativeEndian.PutUint64(attr[40:], perfInherit|perfExcludeKernel|perfExcludeHV)
	c := &counter{}
	for _, t := range threads {
		tid, err := strconv.Atoi(t.Name())
		if err != nil {
			return nil, err
		}
		const any = ^uintptr(0) // any processor; no group
		fd, _, errno := syscall.Syscall6(syscall.SYS_PERF_EVENT_OPEN, uintptr(unsafe.Pointer(&attr)), uintptr(tid), any, any,
			perfCloseOnExec, 0)
		if errno == syscall.ESRCH {
			continue // the thread has ended meanwhile
		}
		if errno != 0 {
			c.stop()
			return nil, fmt.Errorf("perf_event_open: %w", errno)
		}
		c.fds = append(c.fds, int(fd))
	}
	return c, nil
}

// stop ends the counting and gives the sum.
func (c *counter) stop() (total uint64, err error) {
	if c == nil {
		return 0, nil
	}
	for _, fd := range c.fds {
		var n [8]byte
		_, rerr := syscall.Read(fd, n[:])
		err = errors.Join(err, rerr, syscall.Close(fd))
		total += binary.NativeEndian.Uint64(n[:])
	}
	return total, err
}
