package mcptool_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postern.dev/postern"
	"postern.dev/postern/mcptool"
)

func TestEveryCallIsRecordedWithoutWhatWasSaid(t *testing.T) {
	t.Parallel()
	var kept []postern.Event
	dir := firm(t)
	tools := toolsOver(dir, func(c *mcptool.Config) {
		c.Record = func(_ context.Context, e postern.Event) error { kept = append(kept, e); return nil }
	})
	who := clerk()
	who.RequestID, who.Agent = "r-1", "Clippy\n\"2000\""
	low := clerk()
	low.Scopes = nil
	for _, tt := range []struct {
		who    mcptool.Caller
		tool   string
		args   args
		action string
		code   postern.Code
		cause  string
		object string
		detail string
	}{
		{who, "list_absence_periods", args{"from": "this-week", "limit": 2}, postern.ActToolCalled, "", "", "person 1,3",
			`list_absence_periods from=this-week limit=2 agent="Clippy?'2000'"`},
		{clerk(), "list_persons", args{"email": "bob@firm.example"}, postern.ActToolCalled, "", "", "person 2", "list_persons email"},
		{clerk(), "get_person", args{"person_id": 3}, postern.ActToolCalled, "", "", "person 3", "get_person person_id=3"},
		{clerk(), "get_person", args{"person_id": 99}, postern.ActToolRefused, postern.NotFound, "", "person 99", "get_person person_id=99"},
		{clerk(), "get_person", args{"person_id": "Ada Lovelace"}, postern.ActToolRefused, postern.Invalid, "", "", "get_person person_id"},
		{clerk(), "get_person", args{"person_id": "Adele"}, postern.ActToolRefused, postern.Invalid, "", "", "get_person person_id"},
		{clerk(), "list_absence_periods", args{"people": "Bob"}, postern.ActToolRefused, postern.Invalid, "", "", "list_absence_periods"},
		{clerk(), "list_absence_periods", args{"from": "Bob Noyce"}, postern.ActToolRefused, postern.Invalid, "", "", "list_absence_periods from"},
		{low, "get_person", args{"person_id": 3}, postern.ActToolRefused, postern.Forbidden, "scope", "", "get_person"},
		{clerk(), "drop bobby", nil, postern.ActToolRefused, postern.NotFound, "unknown tool", "", "unknown tool"},
		{judge(), "list_absence_types", nil, postern.ActToolCalled, "", "", "", "list_absence_types upstream=acme"},
	} {
		kept = nil
		_, _ = try(t, tools, tt.who, tt.tool, tt.args)
		if len(kept) != 1 {
			t.Errorf("%s %v: %d events", tt.tool, tt.args, len(kept))
			continue
		}
		e := kept[0]
		want := postern.Event{Tenant: tt.who.Tenant, At: firmNow, Action: tt.action, Actor: tt.who.Actor, ClientID: tt.who.ClientID, RequestID: tt.who.RequestID,
			Scope: e.Scope, Code: tt.code, Cause: tt.cause, Object: tt.object, Detail: tt.detail}
		if diff := cmp.Diff(want, e); diff != "" {
			t.Errorf("%s %v (-want +got):\n%s", tt.tool, tt.args, diff)
		}
		if tool, ok := tools.Named(tt.tool); ok && e.Scope != tool.Scope {
			t.Errorf("%s: scope %s", tt.tool, e.Scope)
		}
	}
	kept = nil
	must(t, toolsOver(firm(t, crowd(120)...), func(c *mcptool.Config) {
		c.Record = func(_ context.Context, e postern.Event) error { kept = append(kept, e); return nil }
	}), clerk(), "list_persons", args{"limit": 120})
	if o := kept[0].Object; !strings.HasPrefix(o, "person 1,2,3,4,5,101,") || !strings.HasSuffix(o, " and 100 more") {
		t.Errorf("many persons are recorded as %q", o)
	}
}

func TestAnAnswerWhoseRecordCannotBeKeptIsNotGiven(t *testing.T) {
	t.Parallel()
	tools := toolsOver(firm(t), func(c *mcptool.Config) {
		c.Record = func(context.Context, postern.Event) error { return errors.New("the disk is full") }
	})
	a, err := try(t, tools, clerk(), "list_persons", nil)
	if e := postern.AsError(err); a.Data != nil || postern.CodeOf(err) != postern.Unavailable || !strings.Contains(e.Msg, "audit") || strings.Contains(e.Msg+e.Hint, "disk") {
		t.Errorf("got %v, %v", a.Data, err)
	}
	if _, err := try(t, tools, clerk(), "get_person", args{"person_id": 99}); postern.CodeOf(err) != postern.NotFound {
		t.Errorf("what failed anyway: got %v", err)
	}
}
