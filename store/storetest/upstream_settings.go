package storetest

import (
	"testing"

	"postern.dev/postern"
	"postern.dev/postern/store"
)

var settingsTests = []test{
	{"the settings of an upstream are replaced as a whole, recorded and forgotten", on(func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		saved := func(detail string) postern.Event {
			return postern.Event{At: at(1000), Action: postern.ActUpstreamSaved, Actor: "cli:t", Object: "acme", Detail: detail}
		}
		row := store.Upstream{Name: "acme", Settings: `{"dialect":"d"}`, Sealed: map[string]string{"client_secret": "s1.x", "password": "s1.y"}, CreatedAt: at(1000)}
		must(t, db.SaveUpstream(ctx, store.Upstream{Name: "zebra", Settings: "{}"}, saved("first")))
		must(t, db.SaveUpstream(ctx, store.Upstream{Name: "acme", Settings: "{}"}, saved("second")))
		must(t, db.SaveUpstream(ctx, row, saved("third")))
		all, err := db.Upstreams(ctx)
		must(t, err)
		same(t, all, []store.Upstream{row, {Name: "zebra", Settings: "{}", CreatedAt: at(1000)}})

		gone := postern.Event{At: at(2000), Action: postern.ActUpstreamGone, Actor: "cli:t", Object: "acme"}
		must(t, db.DeleteUpstream(ctx, "acme", gone))
		wantCode(t, db.DeleteUpstream(ctx, "acme", gone), postern.NotFound)
		all, err = db.Upstreams(ctx)
		must(t, err)
		same(t, len(all), 1)
		events, err := db.Events(ctx, postern.EventFilter{Tenant: postern.SystemTenant, Limit: 10})
		must(t, err)
		same(t, len(events), 4) // what failed left no record
	})},
}
