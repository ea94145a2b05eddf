package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// crowd is the clients of a row that ask, with their requests ready to be sent: the
// load generator shares the processors with the server and must cost little.
type crowd struct {
	row      row
	numbers  []int    // of the clients that ask
	requests [][]byte // one for each number; nil where there are too many
	asked    atomic.Int64
}

// newCrowd prepares the requests. tokens are those of the clients, where the row needs
// them.
func newCrowd(r row, tokens []string) *crowd {
	c := &crowd{row: r, numbers: r.people.working(r.asks())}
	if len(c.numbers) > bulk {
		return c
	}
	c.requests = make([][]byte, len(c.numbers))
	for j, i := range c.numbers {
		who := r.people.credential(i)
		if tokens != nil {
			who.token = tokens[j]
		}
		c.requests[j] = r.ask.request(nil, &who)
	}
	return c
}

// request appends the request of a client, as a common library would send it.
func (a ask) request(b []byte, who *credential) []byte {
	var room [1024]byte
	body := a.body(room[:0], who)
	b = append(append(b, "POST "...), a.path...)
	b = append(b, " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: postern-bench\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\nAccept-Encoding: gzip\r\n"...)
	if a.basic {
		b = append(who.basic(append(b, "Authorization: Basic "...)), "\r\n"...)
	}
	b = strconv.AppendInt(append(b, "Content-Length: "...), int64(len(body)), 10)
	return append(append(b, "\r\n\r\n"...), body...)
}

// load is one run: connections that each ask, wait for the answer and ask again.
type load struct {
	addr  string
	conns int
	lasts time.Duration // and at least once a connection
	least int64         // how many requests there must be at least, whatever time they take
	// inOrder goes through the clients one by one, from load to load, instead of
	// drawing them.
	inOrder bool
}

// outcome is what a run was like for those who asked.
type outcome struct {
	tokens    int
	took      time.Duration
	latencies []time.Duration // sorted
}

func (o outcome) quantile(q float64) time.Duration {
	return o.latencies[min(len(o.latencies)-1, int(q*float64(len(o.latencies))))]
}

func (o outcome) rate() float64 { return float64(o.tokens) / o.took.Seconds() }

// run drives the load to its end. Any answer that is not 200 with what was asked for
// fails it.
func (l load) run(ctx context.Context, c *crowd) (o outcome, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		wg   sync.WaitGroup
		done atomic.Int64
		each = make([][]time.Duration, l.conns)
	)
	start := time.Now()
	for i := range l.conns {
		wg.Go(func() {
			var err error
			if each[i], err = l.one(ctx, c, i, start, &done); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	o.took = time.Since(start)
	if err := context.Cause(ctx); err != nil {
		return o, err
	}
	o.latencies = slices.Concat(each...)
	slices.Sort(o.latencies)
	o.tokens = len(o.latencies)
	return o, nil
}

// one is one connection.
func (l load) one(ctx context.Context, c *crowd, number int, start time.Time, done *atomic.Int64) ([]time.Duration, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", l.addr)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	var (
		in       = bufio.NewReaderSize(conn, 8<<10)
		draw     = rand.New(rand.NewPCG(uint64(number), uint64(start.UnixNano()))) //nolint:gosec // a load, no secret
		times    = make([]time.Duration, 0, 4096)
		out, got []byte
	)
	for last := start; last.Sub(start) < l.lasts || done.Load() < l.least || len(times) == 0; {
		if out, err = c.next(out, draw, l.inOrder); err != nil {
			return nil, err
		}
		sent := time.Now()
		if _, err := conn.Write(out); err != nil {
			return nil, err
		}
		if got, err = readAnswer(in, got); err != nil {
			return nil, err
		}
		if !bytes.Contains(got, []byte(c.row.ask.before)) {
			return nil, fmt.Errorf("%s: an answer without what was asked for: %q", c.row.name, got)
		}
		last = time.Now()
		times = append(times, last.Sub(sent))
		done.Add(1)
	}
	return times, nil
}

// next gives the request to send now; out is room for one.
func (c *crowd) next(out []byte, draw *rand.Rand, inOrder bool) ([]byte, error) {
	j := 0
	if inOrder {
		j = int(c.asked.Add(1) - 1)
		if c.row.fresh && j >= len(c.numbers) {
			return nil, errors.New("every client has asked once")
		}
		j %= len(c.numbers)
	} else {
		j = draw.IntN(len(c.numbers))
	}
	if c.requests != nil {
		return c.requests[j], nil
	}
	who := c.row.people.credential(c.numbers[j])
	return c.row.ask.request(out[:0], &who), nil
}

// readAnswer reads one answer of HTTP/1.1 and gives its body. It fails for a status
// other than 200 and for a body of unknown length.
func readAnswer(in *bufio.Reader, body []byte) ([]byte, error) {
	status, length := "", -1
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return nil, fmt.Errorf("read an answer: %w", err)
		}
		line = bytes.TrimRight(line, "\r\n")
		if status == "" {
			status = string(line)
			continue
		}
		if len(line) == 0 {
			break
		}
		if name, value, ok := bytes.Cut(line, []byte(":")); ok && bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return nil, err
			}
		}
	}
	if length < 0 {
		return nil, fmt.Errorf("an answer without Content-Length: %s", status)
	}
	body = slices.Grow(body[:0], length)[:length]
	if _, err := io.ReadFull(in, body); err != nil {
		return nil, err
	}
	if status != "HTTP/1.1 200 OK" {
		return nil, fmt.Errorf("%s: %s", status, body)
	}
	return body, nil
}

// ask sends one request on a connection of its own and gives the answer.
func askOnce(ctx context.Context, addr string, request []byte) ([]byte, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write(request); err != nil {
		return nil, err
	}
	return readAnswer(bufio.NewReader(conn), nil)
}
