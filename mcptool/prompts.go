package mcptool

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"postern.dev/postern"
)

const (
	promptOut  = "who_is_out"
	promptFind = "find_employee"
)

// promptTool gives the tool that a prompt leads to.
func promptTool(prompt string) string {
	if prompt == promptOut {
		return "list_absence_periods"
	}
	return "list_persons"
}

// addPrompts offers the questions that people ask most.
func (p *port) addPrompts(s *mcp.Server) {
	s.AddPrompt(&mcp.Prompt{Name: promptOut, Title: "Who is out?", Description: "Who is away in a period, and why.",
		Arguments: []*mcp.PromptArgument{
			{Name: "period", Title: "Period", Description: "this-week, next-month or another word, or a day as YYYY-MM-DD; this-week without it"},
			{Name: "time_zone", Title: "Time zone", Description: "IANA name in which words such as today are read"},
		}}, p.askedOut)
	s.AddPrompt(&mcp.Prompt{Name: promptFind, Title: "Find an employee", Description: "The profile of the employee with an email address.",
		Arguments: []*mcp.PromptArgument{
			{Name: "email", Title: "Email", Description: "the whole email address", Required: true},
		}}, p.askedFind)
}

func (p *port) askedOut(_ context.Context, req *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
	period, err := p.promptArgument(req, "period", "this-week")
	if err != nil {
		return nil, err
	}
	zone, err := p.promptArgument(req, "time_zone", "")
	if err != nil {
		return nil, err
	}
	if zone != "" {
		zone = fmt.Sprintf(" and time_zone %q", zone)
	}
	return promptText("Who is out, and why", fmt.Sprintf("List the absence periods that overlap with %q and tell me who is out and why.\n"+
		"Call list_absence_periods once, with from and to both %q%s. Follow next_cursor while truncated is true. "+
		"Name each person with the type of absence, the first day and the last day; say which absences are not approved yet.",
		period, period, zone)), nil
}

func (p *port) askedFind(_ context.Context, req *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
	email, err := p.promptArgument(req, "email", "")
	if err != nil {
		return nil, err
	}
	if email == "" {
		return nil, refused(postern.Errorf(postern.Invalid, "the argument email is missing").WithHint("give the whole email address"))
	}
	return promptText("The profile of an employee", fmt.Sprintf("Find the employee with the email address %q and show their profile: "+
		"name, position, department, office, supervisor, status and dates of employment.\n"+
		"Call list_persons once, with email %q. If nobody has this address, say so and do not guess.", email, email)), nil
}

// promptArgument reads an argument of a prompt, on one line and of bounded length, for it
// becomes part of what a model reads.
func (p *port) promptArgument(req *mcp.GetPromptRequest, name, otherwise string) (string, error) {
	if p.Disabled {
		return "", refused(Disabled())
	}
	v := strings.TrimSpace(req.Params.Arguments[name])
	switch {
	case v == "":
		return otherwise, nil
	case len(v) > postern.MaxEmail || strings.ContainsFunc(v, func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) || r == '"' || r == '`' }):
		return "", refused(postern.Errorf(postern.Invalid, "the argument %s is too long, or holds a space, a quote or a control character", name))
	}
	return v, nil
}

func promptText(description, text string) *mcp.GetPromptResult {
	return &mcp.GetPromptResult{Description: description,
		Messages: []*mcp.PromptMessage{{Role: "user", Content: &mcp.TextContent{Text: text}}}}
}
