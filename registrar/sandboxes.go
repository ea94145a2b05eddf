package registrar

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"postern.dev/postern"
)

// Bounds of the request log that is asked for.
const (
	defaultVisits = 50
	maxVisits     = 1000
)

func (o *office) Sandbox(ctx context.Context, tenant string) (postern.Sandbox, error) {
	if err := o.may(ReadSandbox); err != nil {
		return postern.Sandbox{}, err
	}
	if _, err := o.tenant(ctx, tenant); err != nil {
		return postern.Sandbox{}, err
	}
	s, err := o.store().Sandbox(ctx, tenant)
	s.Tenant = tenant
	return s, err
}

func (o *office) SetSandbox(ctx context.Context, s postern.Sandbox) error {
	if err := o.may(ChangeSandbox); err != nil {
		return err
	}
	if _, err := o.tenant(ctx, s.Tenant); err != nil {
		return err
	}
	if err := o.r.cfg.CheckSandbox(&s); err != nil {
		return err
	}
	old, err := o.store().Sandbox(ctx, s.Tenant)
	if err != nil {
		return err
	}
	return o.store().SetSandbox(ctx, s, o.event(s.Tenant, postern.ActSandbox, s.Tenant, differences(old, s).String()))
}

// differences says what of a sandbox was changed.
func differences(old, s postern.Sandbox) (done words) {
	names := slices.Sorted(maps.Keys(s.Switches))
	for name := range old.Switches {
		if _, still := s.Switches[name]; !still {
			names = append(names, name)
		}
	}
	for _, name := range names {
		if value, set := s.Switches[name]; !set {
			done = append(done, name+" as by default")
		} else if value != old.Switches[name] {
			done = append(done, name+"="+value)
		}
	}
	if s.Log != old.Log {
		done.choose(&s.Log, "log=on", "log=off")
	}
	if !slices.Equal(old.Faults, s.Faults) {
		done = append(done, "faults: "+strconv.Itoa(len(s.Faults)))
	}
	return done
}

func (o *office) Visits(ctx context.Context, q postern.VisitQuery) ([]postern.Visit, error) {
	if err := o.may(ReadSandbox); err != nil {
		return nil, err
	}
	if q.Limit == 0 {
		q.Limit = defaultVisits
	}
	if q.Limit < 1 || q.Limit > maxVisits {
		return nil, invalid("limit", "calls are read 1 to %d at a time", maxVisits)
	}
	if _, err := o.tenant(ctx, q.Tenant); err != nil {
		return nil, err
	}
	return o.store().Visits(ctx, q.Tenant, q.ClientID, q.Before, q.Limit)
}

func (o *office) ResetTenant(ctx context.Context, tenant string) (int, error) {
	if err := o.may(ResetTenant); err != nil {
		return 0, err
	}
	if _, err := o.tenant(ctx, tenant); err != nil {
		return 0, err
	}
	leave, err := o.r.resets.enter(ctx, 0, "as many tenants are being reset as may be at once")
	if err != nil {
		return 0, err
	}
	defer leave()
	return o.r.cfg.Reset(ctx, tenant, postern.Write{Actor: o.actor.Name, RequestID: o.actor.RequestID})
}
