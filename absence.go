package postern

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Unit is what absences of a type are counted in.
type Unit string

// The units.
const (
	Days  Unit = "DAY"
	Hours Unit = "HOUR"
)

// AbsenceType is a reason to be away.
type AbsenceType struct {
	ID            string // UUID
	Number        int64  // within the tenant, from 1: the id of the older wire
	Name          string
	Category      string // one of AbsenceCategories, or empty
	Unit          Unit
	NeedsApproval bool
	HalfDays      bool    // whether half a day can be taken; of unit Days
	Entitlement   float64 // of a full year, in Unit; 0 is none
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// AbsenceCategories lists the categories of absence types.
var AbsenceCategories = []string{
	"family_care", "maternity_parental_leave", "child_care", "short_time_allowance", "quarantine", "irrevocable_exemption",
	"sick_leave", "strike_and_lockout", "public_duty", "unpaid_suspension", "paid_vacation", "unpaid_vacation",
	"unexcused_absence", "offsite_work", "other", "undefined",
}

// Check fails with Invalid, and Param naming the field, for a type that cannot be.
func (t *AbsenceType) Check() error {
	switch {
	case t.Name == "" || len(t.Name) > MaxName:
		return Errorf(Invalid, "the name of an absence type has 1 to %d bytes", MaxName).at("name")
	case t.Unit != Days && t.Unit != Hours:
		return Errorf(Invalid, "there is no unit %q", Shorten(string(t.Unit), 40)).at("unit").WithHint("use %s or %s", Days, Hours)
	case t.Category != "" && !slices.Contains(AbsenceCategories, t.Category):
		return Errorf(Invalid, "there is no category %q", Shorten(t.Category, 40)).at("category")
	case t.HalfDays && t.Unit == Hours:
		return Errorf(Invalid, "a type counted in hours has no half days").at("half_days")
	case t.Unit == Days && !(t.Entitlement >= 0 && t.Entitlement <= 366):
		return Errorf(Invalid, "an entitlement is 0 to 366 days").at("entitlement")
	case !(t.Entitlement >= 0 && t.Entitlement <= 366*24):
		return Errorf(Invalid, "an entitlement is 0 to %d hours", 366*24).at("entitlement")
	}
	return nil
}

// Approval is how far a request of a person is decided.
type Approval string

// The approvals. Attendance that was approved is confirmed.
const (
	Pending         Approval = "PENDING"
	Approved        Approval = "APPROVED"
	Confirmed       Approval = "CONFIRMED"
	Rejected        Approval = "REJECTED"
	DeletionPending Approval = "DELETION_PENDING"
)

// AbsenceApprovals lists those that an absence may have.
var AbsenceApprovals = []Approval{Pending, Approved, Rejected, DeletionPending}

// MaxComment bounds a comment on an absence, in characters.
const MaxComment = 2000

// checkText fails with Invalid for text of more than limit characters, and for text that
// not every database keeps.
func checkText(what, param, text string, limit int) error {
	switch {
	case utf8.RuneCountInString(text) > limit:
		return Errorf(Invalid, "the %s is longer than %d characters", what, limit).at(param)
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return Errorf(Invalid, "the %s has characters that cannot be kept", what).at(param).
			WithHint("send UTF-8 without the character NUL")
	}
	return nil
}

// MaxAbsence bounds how long an absence with an end is, in days.
const MaxAbsence = 3660

// Absence is a stretch of time for which a person is away.
type Absence struct {
	ID     string // UUID
	Number int64  // within the tenant, from 1: the id of the older wire
	Person PersonID
	Type   string // id of the AbsenceType
	// Span is on the wall of Zone. Of a type counted in days it begins at midnight or,
	// for half a day, at noon, and ends there. An open end is one not known yet.
	Span
	Zone       string // IANA name; empty where an API elsewhere does not say
	Comment    string
	Status     Approval
	Substitute PersonID // 0 is nobody
	Origin     string   // web, api, mobile, slack, msteams
	CreatedBy  string   // "API", or a name
	CreatedAt  time.Time
	UpdatedAt  time.Time
	ApprovedAt time.Time
	// Days is what the absence takes of each of its days, as Breakdown gives it. It is
	// nil unless AbsenceQuery.Detail asked for it, and may be nil even then.
	Days []AbsenceDay
}

// DaySpan makes the span of an absence counted in days: from first to last, both
// included, beginning or ending at noon for a half. A last of zero is an open end.
func DaySpan(first, last Date, startHalf, endHalf bool) Span {
	s := Span{From: first.At(0)}
	if startHalf {
		s.From = first.At(noon)
	}
	switch {
	case last == 0:
	case endHalf:
		s.To = last.At(noon)
	default:
		s.To = (last + 1).At(0)
	}
	return s
}

// StartHalf says whether a span of days begins at noon.
func (s Span) StartHalf() bool { return !s.From.Midnight() }

// EndHalf says whether a span of days ends at noon.
func (s Span) EndHalf() bool { return s.To != 0 && !s.To.Midnight() }

// Check fails with Invalid, and Param naming the field, for an absence that cannot be
// one of type t: that ends before it starts, takes halves of days where there are
// none, or hours where days are counted. One counted in hours may begin and end at any
// time, on any day.
func (a *Absence) Check(t *AbsenceType) error {
	switch {
	case a.Person <= 0:
		return Errorf(Invalid, "the person is missing").at("person")
	case a.From == 0:
		return Errorf(Invalid, "the start is missing").at("starts_from")
	case a.To != 0 && a.To <= a.From && t.Unit == Days && a.From.Date() > a.Last():
		return Errorf(Invalid, "the last day, %s, is before the first, %s", a.Last(), a.From.Date()).at("ends_at")
	case a.To != 0 && a.To <= a.From:
		return Errorf(Invalid, "the absence ends at %s, not after its start at %s", a.To, a.From).at("ends_at")
	case a.To != 0 && a.To.Date()-a.From.Date() > MaxAbsence:
		return Errorf(Invalid, "the absence is longer than %d days", MaxAbsence).at("ends_at")
	case a.Substitute != 0 && a.Substitute == a.Person:
		return Errorf(Invalid, "person %d cannot stand in for themselves", a.Person).at("substitute")
	}
	if err := checkText("comment", "comment", a.Comment, MaxComment); err != nil || t.Unit == Hours {
		return err
	}
	return a.checkDays(t)
}

func (a *Absence) checkDays(t *AbsenceType) error {
	for _, edge := range []struct {
		at    LocalTime
		param string
	}{{a.From, "starts_from"}, {a.To, "ends_at"}} {
		switch since := edge.at.SinceMidnight(); {
		case since != 0 && since != noon:
			return Errorf(Invalid, "%s is counted in days, and %s is neither a day nor half of one", t.Name, edge.at).at(edge.param)
		case since == noon && !t.HalfDays:
			return Errorf(Invalid, "%s cannot be taken for half a day", t.Name).at(edge.param)
		}
	}
	return nil
}

// InitialStatus gives the status of an absence that is just made.
func (t *AbsenceType) InitialStatus(skipApproval bool) Approval {
	if t.NeedsApproval && !skipApproval {
		return Pending
	}
	return Approved
}

// Blocks says whether the absence keeps others of the same person from overlapping it.
func (a *Absence) Blocks() bool { return a.Status != Rejected }

// Fits says whether a may stand beside others, which are absences of its person, of the
// one who stands in for them, and those for which its person does. It fails with Conflict
// when a overlaps one of its own person, or when someone stands in who is away.
func (a *Absence) Fits(others []Absence) error {
	for i := range others {
		o := &others[i]
		if o.ID == a.ID || !o.Blocks() || !a.Blocks() || !o.Overlaps(a.Span) {
			continue
		}
		switch {
		case o.Person == a.Person:
			return Errorf(Conflict, "the absence overlaps the one from %s", o.From).at("starts_from").
				WithHint("change or delete the absence %s, or take other days", o.ID)
		case o.Substitute == a.Person:
			return Errorf(Conflict, "person %d stands in for person %d from %s", a.Person, o.Person, o.From).at("person")
		case a.Substitute == o.Person:
			return Errorf(Conflict, "person %d, who is to stand in, is away from %s", o.Person, o.From).at("substitute")
		}
	}
	return nil
}

// AbsenceQuery asks for absences, in order of their start and then of their id.
// Filters that are set all have to hold; of a list one value has to.
type AbsenceQuery struct {
	IDs, Types []string
	Numbers    []int64 // of Absence.Number
	People     []PersonID
	// Within selects the absences that overlap it; an absence that starts in the last
	// moment of it does, one that ends in its first does not.
	Within LocalRange
	// Contained selects only those that lie within Within as a whole.
	Contained bool
	Unit      Unit // of the type; "" is any
	Updated   TimeRange
	// Detail asks for Absence.Days too.
	Detail bool
	Paging
}

// AbsenceChange changes what is not nil of an absence.
type AbsenceChange struct {
	From, To   *LocalTime // a To of zero opens the end
	Comment    *string
	Substitute *PersonID
}

// Apply changes a and checks it against its type.
func (c *AbsenceChange) Apply(a *Absence, t *AbsenceType) error {
	set(&a.From, c.From)
	set(&a.To, c.To)
	set(&a.Comment, c.Comment)
	set(&a.Substitute, c.Substitute)
	return a.Check(t)
}
