package logbuf_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"postern.dev/postern/internal/logbuf"
)

// sink is what a log is written to. While held is not nil, writes wait for it.
type sink struct {
	mu     sync.Mutex
	buf    bytes.Buffer
	writes int
	held   chan struct{}
	fail   error
}

func (s *sink) Write(p []byte) (int, error) {
	if s.held != nil {
		<-s.held
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	if s.fail != nil {
		return 0, s.fail
	}
	return s.buf.Write(p)
}

func (s *sink) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

func (s *sink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

func put(t *testing.T, w io.Writer, line string) {
	t.Helper()
	if n, err := io.WriteString(w, line); n != len(line) || err != nil {
		t.Errorf("Write gave %d, %v; want %d, nil", n, err, len(line))
	}
}

func TestLinesWaitForCompanyButNotLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		w := logbuf.Open(s)
		put(t, w, "one\n")
		time.Sleep(logbuf.FlushAfter - time.Millisecond) // virtual
		put(t, w, "two\n")
		synctest.Wait()
		if n := s.count(); n != 0 {
			t.Errorf("%d writes before FlushAfter, want none", n)
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if got := s.String(); got != "one\ntwo\n" || s.count() != 1 {
			t.Errorf("got %q in %d writes, want both lines in one", got, s.count())
		}
		put(t, w, "three\n")
		time.Sleep(logbuf.FlushAfter)
		synctest.Wait()
		if got := s.String(); got != "one\ntwo\nthree\n" {
			t.Errorf("got %q after the second wait", got)
		}
		_ = w.Close()
	})
}

func TestMuchIsWrittenAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		w := logbuf.Open(s)
		put(t, w, strings.Repeat("x", logbuf.FlushSize))
		synctest.Wait() // no time passes
		if len(s.String()) != logbuf.FlushSize {
			t.Errorf("%d bytes written, want all at FlushSize", len(s.String()))
		}
		_ = w.Close()
	})
}

func TestFullBufferDropsAndCountsOrdinaryLinesFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sink{held: make(chan struct{})}
		w := logbuf.Open(s)
		line := strings.Repeat("x", 1023) + "\n"
		for range 2000 { // almost twice SoftLimit
			put(t, w, line)
		}
		synctest.Wait()
		kept := logbuf.SoftLimit / len(line)
		if got := w.Dropped(); got != uint64(2000-kept) {
			t.Errorf("dropped %d, want %d", got, 2000-kept)
		}
		put(t, w.Urgent(), "urgent\n")
		for range 2000 {
			put(t, w.Urgent(), line)
		}
		if got := w.Dropped(); got <= uint64(2000-kept) {
			t.Errorf("dropped %d, want urgent lines to have a bound too", got)
		}
		close(s.held)
		_ = w.Close()
		got := s.String()
		if len(got) > logbuf.HardLimit || !strings.Contains(got, "urgent\n") {
			t.Errorf("wrote %d bytes, urgent line %v; want at most HardLimit and the line", len(got), strings.Contains(got, "urgent\n"))
		}
		if lost := uint64(4001) - uint64(strings.Count(got, "\n")); lost != w.Dropped() {
			t.Errorf("%d lines lost and %d counted", lost, w.Dropped())
		}
	})
}

func TestFlushReturnsWhenAllIsWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		w := logbuf.Open(s)
		put(t, w, "one\n")
		w.Flush()
		if got := s.String(); got != "one\n" {
			t.Errorf("got %q after Flush", got)
		}
		_ = w.Close()
		w.Flush() // harmless
	})
}

func TestCloseWritesEverythingAndLaterLinesGoStraight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // fails if the flusher does not end
		s := &sink{}
		w := logbuf.Open(s)
		put(t, w, "one\n")
		if err := w.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		put(t, w, "two\n")
		put(t, w.Urgent(), "three\n")
		if got := s.String(); got != "one\ntwo\nthree\n" {
			t.Errorf("got %q", got)
		}
		if err := w.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
	})
}

func TestSinkThatHangsHoldsNobodyLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sink{held: make(chan struct{})}
		w := logbuf.Open(s)
		put(t, w.Urgent(), "one\n")
		synctest.Wait()
		for name, f := range map[string]func(){"Flush": w.Flush, "Close": func() { _ = w.Close() }} {
			began := time.Now()
			f()
			if took := time.Since(began); took != logbuf.CloseAfter {
				t.Errorf("%s took %v, want CloseAfter", name, took)
			}
		}
		close(s.held) // the flusher ends now
	})
}

func TestFailedWritesAreCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sink{fail: errors.New("disk full")}
		w := logbuf.Open(s)
		put(t, w, "one\n")
		put(t, w, "two\n")
		_ = w.Close()
		if w.Dropped() != 2 {
			t.Errorf("dropped %d, want 2", w.Dropped())
		}
	})
}

func TestHandlerKeepsOrderAndWritesWarningsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		w := logbuf.Open(s)
		log := slog.New(logbuf.NewHandler(w, func(w io.Writer) slog.Handler {
			return slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelInfo})
		})).With("a", 1).WithGroup("g")
		log.Debug("zero")
		log.Info("one", "b", 2)
		synctest.Wait()
		if got := s.String(); got != "" {
			t.Errorf("got %q, want an info record to wait", got)
		}
		log.Warn("two")
		synctest.Wait()
		got := s.String()
		if strings.Contains(got, "zero") || !strings.Contains(got, "msg=one a=1 g.b=2\n") || strings.Index(got, "one") > strings.Index(got, "two") {
			t.Errorf("got %q", got)
		}
		_ = w.Close()
	})
}

func TestConcurrentLinesStayWhole(t *testing.T) {
	t.Parallel()
	s := &sink{}
	w := logbuf.Open(s)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 500 {
				_, _ = fmt.Fprintf(w, "<%d %d>\n", g, i)
			}
		})
	}
	all.Go(func() { w.Flush() })
	all.Wait()
	_ = w.Close()
	next := map[int]int{}
	for line := range strings.Lines(s.String()) {
		var g, i int
		if _, err := fmt.Sscanf(line, "<%d %d>", &g, &i); err != nil || next[g] != i {
			t.Fatalf("got line %q, want the next one of its writer, %d", line, next[g])
		}
		next[g]++
	}
	for g := range 8 {
		if next[g] != 500 {
			t.Errorf("writer %d: %d lines, want 500", g, next[g])
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	w := logbuf.Open(io.Discard)
	defer func() { _ = w.Close() }()
	line := bytes.Repeat([]byte("x"), 300)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_, _ = w.Write(line)
		}
	})
}
