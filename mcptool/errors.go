package mcptool

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"time"

	"postern.dev/postern"
	"postern.dev/postern/internal/near"
)

// What goes wrong is told to somebody who can read and try again, a person or an agent:
// one line what happened, one line what to do next. What an API wrote stays on its line.

// Disabled gives the error of tools that are not enabled: they are experimental. It is
// Forbidden.
func Disabled() error {
	e := postern.Errorf(postern.Forbidden, "the tools are experimental, and not enabled here")
	e.Cause = "disabled"
	return e.WithHint("enable them by POSTERN_EXPERIMENTAL=tools, by --experimental tools, or by experimental: [tools] in the configuration")
}

func writesOff() error {
	e := postern.Errorf(postern.Forbidden, "only tools that read are offered here, so nothing can be booked")
	e.Cause = "read-only"
	return e.WithHint("whoever runs this can offer the other: postern mcp without --read-only, postern serve with --mcp-writes or mcp_writes: true")
}

func (t *Tools) unknownTool(name string) error {
	known := namesOf(t.all)
	e := postern.Errorf(postern.NotFound, "there is no tool %q", postern.Shorten(printable(name), 40))
	e.Cause = "unknown tool"
	if meant := near.Of(strings.ReplaceAll(name, "-", "_"), known); meant != "" {
		return e.WithHint("did you mean %s?", meant)
	}
	return e.WithHint("the tools are %s", strings.Join(known, ", "))
}

// unrecorded is the error of a call whose record could not be kept.
func unrecorded(err error) error {
	return &postern.Error{Code: postern.Unavailable, Cause: "audit", Err: err,
		Msg: "the audit trail cannot be written, so there is no answer", Hint: "try again later; whoever runs this finds the reason in its log"}
}

// explain says of a call that failed what happened and what to do.
func (c *call) explain(err error) error { return c.explainOf(c.tool.Scope, err) }

// explainOf is explain for a call that needs a scope.
func (c *call) explainOf(scope string, err error) error {
	if errors.Is(err, context.Canceled) && c.ctx.Err() != nil {
		return &postern.Error{Code: postern.Unavailable, Cause: "cancelled", Msg: "the call was cancelled before it was answered"}
	}
	e := *postern.AsError(err)
	switch e.Code {
	case postern.Unauthenticated:
		c.unproven(&e, scope)
	case postern.Forbidden:
		if e.Cause != "disabled" && e.Cause != "read-only" {
			c.forbidden(&e, scope)
		}
	case postern.NotFound:
		if !c.aboutOne() {
			e.Hint = cmp.Or(e.Hint, "check that the base address is one of an HR API; `postern doctor` tries it")
		}
		e.Hint = cmp.Or(e.Hint, "check the id; the list tools give the ids of what is there")
	case postern.Conflict:
		e.Hint = cmp.Or(e.Hint, "look at what is there already, and ask for something that does not stand against it")
	case postern.Invalid:
		e.Hint = cmp.Or(e.Hint, "correct the argument and call again")
	case postern.TooMany:
		tooMany(&e)
	case postern.Unavailable:
		unavailable(&e)
	default:
		c.Log.ErrorContext(c.ctx, "a tool failed", slog.String("tool", c.tool.Name), slog.Any("err", err))
		if errors.Is(err, context.DeadlineExceeded) {
			e.Code = postern.Unavailable
			unavailable(&e)
			break
		}
		e.Msg, e.Hint = postern.Public(err), "this is a fault of the program; whoever runs it finds more in its log"
	}
	e.Msg, e.Hint = line(e.Msg), line(e.Hint)
	return &e
}

// aboutOne says whether the call names something that may not be there.
func (c *call) aboutOne() bool {
	for name := range c.given {
		if strings.HasSuffix(name, "_id") {
			return true
		}
	}
	return false
}

// unproven explains a credential that was not accepted. An API may answer so to one that
// only lacks a permission. What the token server said explains itself.
func (c *call) unproven(e *postern.Error, scope string) {
	if e.Reason != postern.BadToken && e.Hint != "" {
		return
	}
	e.Msg = "the HR API did not accept the credential (401)"
	e.Hint = fmt.Sprintf("check its client id and secret, for example with `postern doctor`; an API also answers so where the permission %s (%q) is missing",
		scope, permission(scope))
}

// forbidden explains a permission that is missing: which, where it is granted, and what
// can be done without it.
func (c *call) forbidden(e *postern.Error, scope string) {
	if strings.Contains(e.Param, ":") { // the API says which
		scope = e.Param
	}
	e.Msg = fmt.Sprintf("the credential lacks the permission %s (%q)", scope, permission(scope))
	e.Hint = fmt.Sprintf("get a token with that scope; where the client was not granted it, an operator does so by `postern client update %s --add-scope %s`", cmp.Or(c.who.ClientID, "CLIENT"), scope)
	if c.who.Judged {
		e.Hint = fmt.Sprintf("tick %q for this credential in %s, and get a new token", permission(scope), cmp.Or(c.Grant, "the settings of the HR system"))
	}
	var others []string
	for _, t := range c.Visible(c.who) {
		// Over an API that judges, the one that writes reads absences before.
		if t.Scope != scope && t != c.tool && !(t.Write && c.who.Judged && scope == readAbsences) {
			others = append(others, t.Name)
		}
	}
	if len(others) > 0 {
		e.Hint += "; these need another permission: " + strings.Join(others, ", ")
	}
	e.Param = scope
}

func tooMany(e *postern.Error) {
	e.Msg = "the HR API takes no more calls for now (429)"
	if e.Hint = "wait a minute and call again"; e.Wait > 0 {
		e.Hint = fmt.Sprintf("wait %s and call again", e.Wait.Round(time.Second))
	}
	e.Hint += "; a narrower range or a smaller limit needs fewer calls"
}

// unavailable explains what did not answer, or not in a way that can be read.
func unavailable(e *postern.Error) {
	if e.Msg == "" {
		e.Msg = "the HR API did not answer"
	}
	why, hint := wayFailed(e)
	switch {
	case why != "":
		e.Msg += ": " + why
		e.Hint = cmp.Or(e.Hint, hint)
	case e.Hint == "" && e.Wait > 0:
		e.Hint = fmt.Sprintf("wait %s and call again", e.Wait.Round(time.Second))
	case e.Hint == "":
		e.Hint = "try again later; if it stays so, `postern doctor` finds out why"
	}
}

// wayFailed tells what went wrong on the way to a host, "" when something else did.
func wayFailed(err error) (why, hint string) {
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var slow net.Error
	switch {
	case errors.As(err, &dns):
		return "its name could not be looked up", "check the address for a misspelling, and that this machine has a network"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "it refused the connection", "check that it runs, and the host and port of its address"
	case errors.As(err, &cert):
		return "its certificate is not accepted", "`postern doctor` says why"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &slow) && slow.Timeout():
		return "it took too long", "try again, with a narrower range or a smaller limit"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "there is no way to it from here", "check the network of this machine"
	}
	return "", ""
}
