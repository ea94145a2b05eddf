package hr

import (
	"maps"
	"slices"
	"strings"
	"time"

	"postern.dev/postern"
)

// Switch is one difference to choose a side of.
type Switch struct {
	Name   string
	Values []string // the default first
	Help   string
}

// Switches lists every switch.
var Switches = []Switch{
	{"absence-end", []string{"inclusive", "exclusive"}, "on write, ends_at of an absence counted in days names the last day, or the midnight after it as on read"},
	{"approval-place", []string{"nested", "top"}, "attendance has approval.status, or status beside the other fields"},
	{"attendance-utc-filter", []string{"refuse", "accept"}, "a time with Z in an attendance filter is answered with 400, or understood"},
	{"attribute-type", []string{"lower", "upper"}, "custom attributes are of type string, or STRING"},
	{"failure-status", []string{"http", "ok"}, "failures of the v1 API have a status of their own, or 200 with success:false"},
	{"half-day", []string{"number", "boolean"}, "half_day_start of a v1 time-off is 0 or 1, or false or true"},
	{"last-working-day", []string{"day", "date"}, "a termination has last_working_day, or last_working_date"},
	{"missing-right", []string{"documented", "live"}, "a missing right is a 403 that names it, or what the live service was seen to answer"},
	{"next-link", []string{"absolute", "relative"}, "the link to the next page has an origin, or none"},
	{"patch-attendance", []string{"empty", "body"}, "a changed attendance is answered with 204, or with 200 and its id"},
	{"rate-limit", []string{"on", "off"}, "calls are paced, or answered as fast as they come, for a load test"},
	{"retry-after", []string{"off", "on"}, "a 429 has no Retry-After, or one"},
	{"single-get", []string{"bare", "wrapped"}, "one object is answered bare, or in _data"},
	{"time-off-window", []string{"contained", "overlap"}, "v1 time-offs are found when they lie within the dates, or when they overlap them"},
	{"v1-header", []string{"all", "live", "none"}, "v1 answers repeat the token in an authorization header: all, all but attendances, or none"},
}

// switchOf gives the value of a switch.
func switchOf(s *postern.Sandbox, name string) string {
	if v, ok := s.Switches[name]; ok {
		return v
	}
	i := slices.IndexFunc(Switches, func(w Switch) bool { return w.Name == name })
	return Switches[i].Values[0] // of ours: a name that does not exist would panic in every test
}

// FaultKinds lists what can go wrong: an answer of that status, a slow answer, a token
// said to have expired, and a next link that loops, is relative, or leads to another
// host.
var FaultKinds = []string{"429", "500", "502", "503", "slow", "expired", "loop", "relative", "foreign"}

// Bounds of a sandbox.
const (
	MaxFaults = 32
	MaxDelay  = 20 * time.Second
)

// CheckSandbox fails with Invalid for a switch, a value or a fault that does not exist.
func CheckSandbox(s *postern.Sandbox) error {
	for _, name := range slices.Sorted(maps.Keys(s.Switches)) {
		i := slices.IndexFunc(Switches, func(w Switch) bool { return w.Name == name })
		if i < 0 {
			return postern.Errorf(postern.Invalid, "there is no switch %q", postern.Shorten(name, 40))
		}
		if w := Switches[i]; !slices.Contains(w.Values, s.Switches[name]) {
			return postern.Errorf(postern.Invalid, "the switch %s cannot be %q", name, postern.Shorten(s.Switches[name], 40)).
				WithHint("it is one of %s", strings.Join(w.Values, ", "))
		}
	}
	if len(s.Faults) > MaxFaults {
		return postern.Errorf(postern.Invalid, "a tenant has at most %d faults", MaxFaults)
	}
	for _, f := range s.Faults {
		switch {
		case !slices.Contains(FaultKinds, f.Kind):
			return postern.Errorf(postern.Invalid, "there is no fault %q", postern.Shorten(f.Kind, 40)).WithHint("it is one of %s", strings.Join(FaultKinds, ", "))
		case !(f.Rate > 0 && f.Rate <= 1):
			return postern.Errorf(postern.Invalid, "the rate of a fault is above 0 and at most 1")
		case f.Delay < 0 || f.Delay > MaxDelay:
			return postern.Errorf(postern.Invalid, "a slow answer is at most %v late", MaxDelay)
		case len(f.Path) > postern.MaxName || f.Path != "" && f.Path[0] != '/':
			return postern.Errorf(postern.Invalid, "the path of a fault begins with /")
		}
	}
	return nil
}
