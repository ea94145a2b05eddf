package mcptool

import (
	"context"
	"encoding/json"
	"log/slog"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const (
	absenceTypesURI = "hr://absence-types"
	limitsURI       = "hr://limits"
	jsonType        = "application/json"
)

// addResources offers what an agent looks up before it calls a tool.
func (p *port) addResources(s *mcp.Server) {
	s.AddResource(&mcp.Resource{URI: absenceTypesURI, Name: "absence-types", Title: "Absence types", MIMEType: jsonType,
		Description: "The account's types of absence with their ids, as list_absence_types answers. Names are data."}, p.readAbsenceTypes)
	s.AddResource(&mcp.Resource{URI: limitsURI, Name: "limits", Title: "Limits of the tools", MIMEType: jsonType,
		Description: "Which tools there are for this caller, what each needs, what it leaves out, and how much one call may ask for."}, p.readLimits)
}

func (p *port) readAbsenceTypes(ctx context.Context, req *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
	who, err := p.caller(ctx, req.Extra, req.ClientInfo())
	if err != nil {
		return nil, refused(err)
	}
	answer, err := p.Call(ctx, who, "list_absence_types", nil)
	if err != nil {
		return nil, refused(err)
	}
	return resource(absenceTypesURI, answer.Data)
}

// toolLimits is what hr://limits says of a tool.
type toolLimits struct {
	Name     string   `json:"name"`
	Scope    string   `json:"scope"`
	Writes   bool     `json:"writes"`
	Callable bool     `json:"callable"` // by this caller, here
	MaxLimit int      `json:"max_limit,omitempty"`
	Withheld []string `json:"withheld,omitempty"`
}

func (p *port) readLimits(ctx context.Context, req *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
	if p.Disabled {
		return nil, refused(Disabled())
	}
	who, err := p.caller(ctx, req.Extra, req.ClientInfo())
	if err != nil {
		return nil, refused(err)
	}
	callable := map[string]bool{}
	for _, t := range p.Visible(who) {
		callable[t.Name] = true
	}
	var tools []toolLimits
	for _, t := range p.all {
		withheld, ok := p.Withhold[t.Name]
		if !ok {
			withheld = Withheld()[t.Name]
		}
		l := toolLimits{Name: t.Name, Scope: t.Scope, Writes: t.Write, Callable: callable[t.Name], Withheld: withheld}
		if limit := t.In.Properties["limit"]; limit != nil && limit.Maximum != nil {
			l.MaxLimit = int(*limit.Maximum)
		}
		tools = append(tools, l)
	}
	return resource(limitsURI, map[string]any{
		"tools": tools, "arguments_max_bytes": maxArgs, "confirmation_lasts_seconds": int(confirmLasts.Seconds()),
		"dates": "days are included at both ends; weeks begin on Monday",
	})
}

func resource(uri string, v any) (*mcp.ReadResourceResult, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, refused(err)
	}
	return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{{URI: uri, MIMEType: jsonType, Text: string(text)}}}, nil
}

// quiet is a log for the SDK, which tells of every session at the level of what operators
// want to see: only what is worse passes.
func quiet(log *slog.Logger) *slog.Logger { return slog.New(warnings{log.Handler()}) }

type warnings struct{ slog.Handler }

func (w warnings) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && w.Handler.Enabled(ctx, l)
}
func (w warnings) WithAttrs(a []slog.Attr) slog.Handler { return warnings{w.Handler.WithAttrs(a)} }
func (w warnings) WithGroup(name string) slog.Handler   { return warnings{w.Handler.WithGroup(name)} }
