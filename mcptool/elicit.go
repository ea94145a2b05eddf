package mcptool

import (
	"context"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"postern.dev/postern"
)

// A client that can ask its user is asked to, in the way of its revision. From 2026-07-28
// the question is the answer of a call, and the same call comes again with the user's
// answer (input-required results). Before, a session is asked by elicitation/create, and
// the SDK makes the second call of it. Without a session there is nobody to ask, and what
// such a client says it can in a request does not matter.

const (
	statelessSince = "2026-07-28"
	askConfirm     = "confirm" // the question
	askBook        = "book"    // its field
)

// canAsk says whether the sender of a call can ask its user by a form.
func canAsk(req *mcp.CallToolRequest) bool {
	caps := req.ClientCapabilities()
	if begun := req.Session.InitializeParams(); begun != nil && begun.ProtocolVersion < statelessSince {
		caps = begun.Capabilities
	}
	if caps == nil || caps.Elicitation == nil {
		return false
	}
	return caps.Elicitation.Form != nil || caps.Elicitation.URL == nil // before 2025-11-25 forms were all there was
}

// question is the result that asks the user of a client.
func question(q *Question) *mcp.CallToolResult {
	return &mcp.CallToolResult{
		Content: []mcp.Content{},
		InputRequests: mcp.InputRequestMap{askConfirm: &mcp.ElicitParams{
			Mode:    "form",
			Message: q.Text,
			RequestedSchema: map[string]any{"type": "object", "required": []string{askBook}, "properties": map[string]any{
				askBook: map[string]any{"type": "boolean", "title": "Book it", "description": "true books the absence, false does not"},
			}},
		}},
		RequestState: q.State,
	}
}

// replyOf reads what the user of a client answered: yes is a form that was accepted with
// true in it, and everything else is no. It is nil when no answer to the question came
// along: then it is asked again.
func replyOf(req *mcp.CallToolRequest) *reply {
	answer, there := req.Params.InputResponses[askConfirm]
	if !there {
		return nil
	}
	r := &reply{state: req.Params.RequestState}
	if said, ok := answer.(*mcp.ElicitResult); ok && said != nil && said.Action == "accept" {
		r.yes = said.Content[askBook] == true
	}
	return r
}

// unasked is the answer to a call whose question did not reach the user, or came back as
// something that was not asked for: nothing was done, and a model can read so. Every
// other error of the protocol stays what it is.
func (p *port) unasked(ctx context.Context, req mcp.Request, err error) (mcp.Result, error) {
	call, ok := req.(*mcp.CallToolRequest)
	if _, own := err.(*jsonrpc.Error); own || !ok || ctx.Err() != nil {
		return nil, err
	}
	if _, known := p.Named(call.Params.Name); !known {
		return nil, err
	}
	p.Log.WarnContext(ctx, "the user of a client could not be asked", "tool", call.Params.Name, "err", err)
	return failed(postern.Errorf(postern.Conflict, "the user could not be asked, so nothing was booked").
		WithHint("call again, and let the user answer the question with yes or no")), nil
}
