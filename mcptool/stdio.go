package mcptool

import (
	"context"
	"errors"
	"io"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// maxLine bounds a message that comes in over stdio, in bytes.
const maxLine = 1 << 20

// ServeStdio serves the tools to one caller over a pair of streams, which are a program's
// stdin and stdout: one message of MCP is one line, and nothing else is written to out. It
// ends without an error when in does or when ctx ends; calls that are under way are
// cancelled then, but for a booking, which is finished.
func (t *Tools) ServeStdio(ctx context.Context, who Caller, version string, in io.Reader, out io.Writer) error {
	server := t.Server(Surface{Version: version, Who: func(context.Context, *mcp.RequestExtra) (Caller, error) { return who, nil }})
	err := server.Run(ctx, &mcp.IOTransport{Reader: io.NopCloser(in), Writer: unclosed{out}, MaxLineLength: maxLine})
	if ctx.Err() != nil || errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// unclosed leaves a stream open that belongs to somebody else.
type unclosed struct{ io.Writer }

func (unclosed) Close() error { return nil }
