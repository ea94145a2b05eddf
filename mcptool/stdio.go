package mcptool

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const (
	// maxLine bounds a message that comes in over stdio, in bytes.
	maxLine = 1 << 20
	// drainFor is how long calls may go on after the end of the input.
	drainFor = 10 * time.Second
)

// ServeStdio serves the tools to one caller over a pair of streams, which are a program's
// stdin and stdout: one message of MCP is one line, and nothing else is written to out. It
// ends without an error when in does, once the calls that came before are answered, for
// which they have ten seconds; and when ctx ends, at once. A booking that has begun is
// finished. It fails for input that is no message.
func (t *Tools) ServeStdio(ctx context.Context, who Caller, version string, in io.Reader, out io.Writer) error {
	server := t.Server(Surface{Version: version, Who: func(context.Context, *mcp.RequestExtra) (Caller, error) { return who, nil }})
	err := server.Run(ctx, &streams{mcp.IOTransport{Reader: io.NopCloser(in), Writer: unclosed{out}, MaxLineLength: maxLine}})
	if ctx.Err() != nil || errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// unclosed leaves a stream open that belongs to somebody else.
type unclosed struct{ io.Writer }

func (unclosed) Close() error { return nil }

// streams is a transport whose connections answer what came in before they end: a script
// may write its calls into a pipe and close it.
type streams struct{ mcp.IOTransport }

// Connect begins the one connection.
func (s *streams) Connect(ctx context.Context) (mcp.Connection, error) {
	c, err := s.IOTransport.Connect(ctx)
	return &draining{Connection: c, server: ctx, idle: make(chan struct{}, 1)}, err
}

// draining is a connection that counts the calls it has not answered.
type draining struct {
	mcp.Connection
	server context.Context // ends with the server; the SDK reads in one that does not

	mu     sync.Mutex
	open   int
	ending bool
	idle   chan struct{} // told when the last is answered after the end of the input
}

// Read gives the next message, and the end of the input once nothing is open.
func (d *draining) Read(ctx context.Context) (jsonrpc.Message, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(d.server, cancel)()
	msg, err := d.Connection.Read(ctx)
	if call, ok := msg.(*jsonrpc.Request); ok && call.IsCall() {
		d.count(1)
	}
	if errors.Is(err, io.EOF) && d.end() {
		patience := time.NewTimer(drainFor)
		defer patience.Stop()
		select {
		case <-d.idle:
		case <-patience.C:
		case <-ctx.Done():
		}
	}
	return msg, err
}

// Write sends a message.
func (d *draining) Write(ctx context.Context, msg jsonrpc.Message) error {
	err := d.Connection.Write(ctx, msg)
	if _, ok := msg.(*jsonrpc.Response); ok {
		d.count(-1)
	}
	return err
}

func (d *draining) count(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open += n; d.open <= 0 && d.ending {
		select {
		case d.idle <- struct{}{}:
		default: // it is told already
		}
	}
}

// end says whether something is still to be waited for.
func (d *draining) end() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ending = true
	return d.open > 0
}
