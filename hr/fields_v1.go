package hr

import (
	"encoding/json"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern.dev/postern"
)

// What version 1 tells of an employee, each thing with a label. The value is written and
// read in one row of one table; a person's custom attributes follow it.
//
//	"first_name":{"label":"First name","value":"Ada","type":"standard","universal_id":"first_name"}

// attributeV1 is one thing that is told. Type and universal id were not always there.
type attributeV1 struct {
	Label       string     `json:"label"`
	Value       looseValue `json:"value"`
	Type        string     `json:"type"`
	UniversalID *string    `json:"universal_id"`
}

// employeeV1 is an employee on the wire, whole or short.
type employeeV1 = objectV1[map[string]attributeV1]

// The types of attributes.
const (
	standardType = "standard"
	integerType  = "integer"
	decimalType  = "decimal"
	dateType     = "date"
	tagsType     = "tags"
)

// isoTime is how employees have a time: with an offset, and never Z.
const isoTime = "2006-01-02T15:04:05-07:00"

// told is one employee while it is written or read.
type told struct {
	p     *postern.Person
	e     *postern.Employment // the newest, or an empty one
	zone  *time.Location
	base  string // of links
	types []postern.AbsenceType
	// supervisor writes the person that e names.
	supervisor func(postern.PersonID) any
}

// day writes a day as its first moment.
func (t *told) day(d postern.Date) any {
	if d == 0 {
		return nil
	}
	return d.At(0).In(t.zone).Format(isoTime)
}

func (t *told) moment(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at.In(t.zone).Format(isoTime)
}

// fieldV1 is a row of the table.
type fieldV1 struct {
	key, label, kind string
	write            func(*told) any
	read             func(*told, looseValue)
}

// field makes a row of a field that holds text.
func field(key, label string, of func(*told) *string) fieldV1 {
	return fieldV1{key, label, standardType,
		func(t *told) any { return looseText(*of(t)) },
		func(t *told, v looseValue) { *of(t) = v.text() }}
}

// lowered makes a row of a field whose words are in upper case elsewhere.
func lowered(key, label string, of func(*told) *string) fieldV1 {
	return fieldV1{key, label, standardType,
		func(t *told) any { return looseText(strings.ToLower(*of(t))) },
		func(t *told, v looseValue) { *of(t) = strings.ToUpper(v.text()) }}
}

// dated makes a row of a field that holds a day.
func dated(key, label string, of func(*told) *postern.Date) fieldV1 {
	return fieldV1{key, label, dateType,
		func(t *told) any { return t.day(*of(t)) },
		func(t *told, v looseValue) { *of(t) = dayOf(v.text()) }}
}

// named makes a row of a field that names something else.
func named(key, label string, of func(*told) *postern.Ref) fieldV1 {
	return fieldV1{key, label, standardType,
		func(t *told) any {
			if r := of(t); r.ID != "" || r.Name != "" {
				return objectV1[refV1]{label, refV1{wholeOf(r.ID), looseText(r.Name)}}
			}
			return nil
		},
		func(t *told, v looseValue) {
			if r := into[looseObject[objectV1[refV1]]](v).it; r != nil {
				*of(t) = r.Attributes.ref()
			}
		}}
}

// refV1 is something that has an id and a name.
type refV1 struct {
	ID   looseInt  `json:"id"`
	Name looseText `json:"name"`
}

func (r refV1) ref() postern.Ref {
	return postern.Ref{ID: strconv.FormatInt(int64(r.ID), 10), Name: string(r.Name)}
}

func wholeOf(s string) looseInt {
	n, _ := strconv.ParseInt(s, 10, 64) // 0 for an id that is not of this wire
	return looseInt(n)
}

// dayOf reads the day that a time is on, by its own wall; none for what is no time.
func dayOf(s string) postern.Date {
	d, _ := postern.ParseDate(s[:min(len(s), len("2006-01-02"))])
	return d
}

// fieldsV1 is the table, in the order of the attributes' list.
func fieldsV1() []fieldV1 {
	return slices.Concat(personFields(), jobFields(), placeFields(), timeFields())
}

func personFields() []fieldV1 {
	return []fieldV1{
		{"id", "ID", integerType,
			func(t *told) any { return t.p.ID },
			func(t *told, v looseValue) { t.p.ID = postern.PersonID(into[looseInt](v)) }},
		field("first_name", "First name", func(t *told) *string { return &t.p.FirstName }),
		field("last_name", "Last name", func(t *told) *string { return &t.p.LastName }),
		field("preferred_name", "Preferred name", func(t *told) *string { return &t.p.PreferredName }),
		field("email", "Email", func(t *told) *string { return &t.p.Email }),
		{"gender", "Gender", standardType,
			func(t *told) any {
				if t.p.Gender == postern.GenderUnspecified {
					return nil
				}
				return looseText(strings.ToLower(string(t.p.Gender)))
			},
			func(t *told, v looseValue) {
				if t.p.Gender = postern.Gender(strings.ToUpper(v.text())); t.p.Gender == "" {
					t.p.Gender = postern.GenderUnspecified
				}
			}},
		{"profile_picture", "Profile picture", standardType,
			func(t *told) any {
				if !t.p.Picture {
					return nil
				}
				return t.base + employeesV1Path + "/" + strconv.FormatInt(int64(t.p.ID), 10) + "/profile-picture"
			},
			func(t *told, v looseValue) { t.p.Picture = v.text() != "" }},
		{"created_at", "Created at", dateType,
			func(t *told) any { return t.moment(t.p.CreatedAt) },
			func(t *told, v looseValue) { t.p.CreatedAt = momentV1(v.text()) }},
		{"last_modified_at", "Last modified", dateType,
			func(t *told) any { return t.moment(t.p.UpdatedAt) },
			func(t *told, v looseValue) { t.p.UpdatedAt = momentV1(v.text()) }},
	}
}

func jobFields() []fieldV1 {
	return []fieldV1{
		{"status", "Status", standardType,
			func(t *told) any {
				if t.e.Status == "" {
					return "inactive" // nobody works without an employment
				}
				return strings.ToLower(string(t.e.Status))
			},
			func(t *told, v looseValue) {
				t.e.Status = postern.EmploymentStatus(strings.ToUpper(v.text()))
				t.p.Active = t.e.Works()
			}},
		field("position", "Position", func(t *told) *string { return &t.e.Position }),
		{"supervisor", "Supervisor", standardType,
			func(t *told) any { return t.supervisor(t.e.Supervisor) },
			func(t *told, v looseValue) {
				if s := into[looseObject[employeeV1]](v).it; s != nil {
					t.e.Supervisor = postern.PersonID(into[looseInt](s.Attributes["id"].Value))
				}
			}},
		lowered("employment_type", "Employment type", func(t *told) *string { return &t.e.Type }),
		dated("hire_date", "Hire date", func(t *told) *postern.Date { return &t.e.Start }),
		dated("probation_period_end", "Probation period end", func(t *told) *postern.Date { return &t.e.ProbationEnd }),
		dated("contract_end_date", "Contract ends", func(t *told) *postern.Date { return &t.e.ContractEnd }),
		dated("termination_date", "Termination date", func(t *told) *postern.Date { return &t.e.Termination.Date }),
		dated("last_working_day", "Last day of work", func(t *told) *postern.Date { return &t.e.Termination.LastWorkingDay }),
		lowered("termination_type", "Termination type", func(t *told) *string { return &t.e.Termination.Type }),
		field("termination_reason", "Termination reason", func(t *told) *string { return &t.e.Termination.Reason }),
		{"cost_centers", "Cost center", standardType, writeCostCenters, readCostCenters},
	}
}

func placeFields() []fieldV1 {
	return []fieldV1{
		named("subcompany", "Subcompany", func(t *told) *postern.Ref { return &t.e.LegalEntity }),
		named("office", "Office", func(t *told) *postern.Ref { return &t.e.Office }),
		named("department", "Department", func(t *told) *postern.Ref { return &t.e.Department }),
		named("team", "Team", func(t *told) *postern.Ref { return &t.e.Team }),
		{"holiday_calendar", "Public holidays", standardType, writeHolidays, readHolidays},
	}
}

func timeFields() []fieldV1 {
	return []fieldV1{
		{"weekly_working_hours", "Weekly hours", standardType,
			func(t *told) any { return strconv.FormatFloat(t.e.WeeklyHours, 'f', -1, 64) },
			func(t *told, v looseValue) { t.e.WeeklyHours = float64(into[looseFloat](v)) }},
		{"work_schedule", "Work schedule", standardType, writeSchedule, readSchedule},
		{"absence_entitlement", "Absence entitlement", standardType, writeEntitlements, func(*told, looseValue) {}},
	}
}

type costCenterV1 struct {
	ID         looseInt   `json:"id"`
	Name       looseText  `json:"name"`
	Percentage looseFloat `json:"percentage"`
}

func writeCostCenters(t *told) any {
	out := []objectV1[costCenterV1]{}
	for _, c := range t.e.CostCenters {
		out = append(out, objectV1[costCenterV1]{"CostCenter", costCenterV1{wholeOf(c.ID), looseText(c.Name), looseFloat(c.Weight)}})
	}
	return out
}

func readCostCenters(t *told, v looseValue) {
	for _, c := range into[looseList[objectV1[costCenterV1]]](v) {
		a := c.Attributes
		ref := refV1{a.ID, a.Name}.ref()
		t.e.CostCenters = append(t.e.CostCenters, postern.CostCenter{Ref: ref, Weight: float64(a.Percentage)})
	}
}

type calendarV1 struct {
	ID      looseInt  `json:"id"`
	Name    looseText `json:"name"`
	Country looseText `json:"country"`
	State   looseText `json:"state"`
}

// writeHolidays writes the calendar DE-BE as the one of a country and a state.
func writeHolidays(t *told) any {
	if t.e.Holidays == "" {
		return nil
	}
	country, state, _ := strings.Cut(t.e.Holidays, "-")
	return objectV1[calendarV1]{"HolidayCalendar", calendarV1{stableID(t.e.Holidays), looseText(t.e.Holidays), looseText(country), looseText(state)}}
}

func readHolidays(t *told, v looseValue) {
	c := into[looseObject[objectV1[calendarV1]]](v).it
	if c == nil {
		return
	}
	t.e.Holidays = string(c.Attributes.Country)
	if s := c.Attributes.State; s != "" {
		t.e.Holidays += "-" + string(s)
	}
}

// stableID numbers something that has only a name here, the same on every machine.
func stableID(name string) looseInt {
	return looseInt(crc32.ChecksumIEEE([]byte(name))>>1) + 1
}

type scheduleV1 struct {
	ID        looseInt  `json:"id"`
	Name      looseText `json:"name"`
	ValidFrom looseText `json:"valid_from"`
	Monday    string    `json:"monday"`
	Tuesday   string    `json:"tuesday"`
	Wednesday string    `json:"wednesday"`
	Thursday  string    `json:"thursday"`
	Friday    string    `json:"friday"`
	Saturday  string    `json:"saturday"`
	Sunday    string    `json:"sunday"`
}

// days lists the fields of the days, Monday first.
func (s *scheduleV1) days() []*string {
	return []*string{&s.Monday, &s.Tuesday, &s.Wednesday, &s.Thursday, &s.Friday, &s.Saturday, &s.Sunday}
}

func writeSchedule(t *told) any {
	if t.e.Start == 0 {
		return nil
	}
	from, _ := t.day(t.e.Start).(string)
	s := scheduleV1{Name: looseText(strconv.FormatFloat(t.e.Schedule.Hours(), 'f', -1, 64) + " hours a week"), ValidFrom: looseText(from)}
	key := ""
	for i, day := range s.days() {
		*day = clockText(t.e.Schedule[i])
		key += *day
	}
	s.ID = stableID(key)
	return objectV1[scheduleV1]{"WorkSchedule", s}
}

func readSchedule(t *told, v looseValue) {
	s := into[looseObject[objectV1[scheduleV1]]](v).it
	if s == nil {
		return
	}
	for i, day := range s.Attributes.days() {
		t.e.Schedule[i], _ = clockOf(*day)
	}
}

// clockText writes minutes as 08:30.
func clockText(minutes int) string {
	return string([]byte{byte('0' + minutes/600), byte('0' + minutes/60%10), ':', byte('0' + minutes%60/10), byte('0' + minutes%10)})
}

// clockOf reads 08:30 and 8:30, up to 24:00, as minutes.
func clockOf(s string) (int, bool) {
	h, m, ok := strings.Cut(s, ":")
	hours, err1 := strconv.ParseUint(h, 10, 8)
	minutes, err2 := strconv.ParseUint(m, 10, 8)
	total := int(hours*60 + minutes)
	if !ok || err1 != nil || err2 != nil || len(m) != 2 || minutes > 59 || total > 24*60 {
		return 0, false
	}
	return total, true
}

type entitlementV1 struct {
	ID          looseInt   `json:"id"`
	Name        looseText  `json:"name"`
	Category    looseText  `json:"category"`
	Entitlement looseFloat `json:"entitlement"`
}

func writeEntitlements(t *told) any {
	out := []objectV1[entitlementV1]{}
	for _, a := range t.types {
		if a.Entitlement > 0 {
			out = append(out, objectV1[entitlementV1]{"TimeOffType",
				entitlementV1{looseInt(a.Number), looseText(a.Name), looseText(a.Category), looseFloat(a.Entitlement)}})
		}
	}
	return out
}

// customV1 writes an attribute that the tenant added. Version 1 has no lists: values are
// parted by commas, or where one has a comma itself, put in JSON.
func customV1(a postern.Attribute) attributeV1 {
	out := attributeV1{Label: a.Label, Type: kindV1(a.Kind)}
	switch a.Kind {
	case postern.AttributeInt, postern.AttributeDouble, postern.AttributeBool:
		out.Value.it = looseText(a.Value)
		if b := []byte(a.Value); json.Valid(b) { // the same text is a JSON number or boolean
			out.Value.it = json.RawMessage(b)
		}
	case postern.AttributeList:
		joined := strings.Join(a.Values, ",")
		if strings.Count(joined, ",") != max(0, len(a.Values)-1) {
			b, _ := json.Marshal(a.Values) // of strings
			joined = string(b)
		}
		out.Value.it = looseText(joined)
	default:
		out.Value.it = looseText(a.Value)
	}
	return out
}

// kindsV1 pairs the kinds of attributes with the types of this wire; a boolean has none
// of its own.
var kindsV1 = []struct {
	kind postern.AttributeKind
	wire string
}{
	{postern.AttributeText, standardType}, {postern.AttributeInt, integerType}, {postern.AttributeDouble, decimalType},
	{postern.AttributeDate, dateType}, {postern.AttributeList, tagsType}, {postern.AttributeBool, standardType},
}

func kindV1(k postern.AttributeKind) string {
	for _, row := range kindsV1 {
		if row.kind == k {
			return row.wire
		}
	}
	return standardType
}

// attributeOf reads an attribute that the tenant added.
func attributeOf(key string, a attributeV1) postern.Attribute {
	out := postern.Attribute{Key: key, Label: a.Label, Kind: postern.AttributeText, Value: a.Value.text()}
	for _, row := range kindsV1 {
		if row.wire == a.Type {
			out.Kind = row.kind
			break
		}
	}
	switch raw := strings.TrimSpace(string(a.Value.raw)); {
	case raw == "true" || raw == "false":
		out.Kind = postern.AttributeBool
	case out.Kind == postern.AttributeDate && dayOf(out.Value) != 0:
		out.Value = dayOf(out.Value).String()
	case out.Kind == postern.AttributeList || strings.HasPrefix(raw, "["):
		out.Kind, out.Values, out.Value = postern.AttributeList, tagsOf(raw, out.Value), ""
	}
	return out
}

// tagsOf reads a list that is JSON, JSON in text, or parted by commas.
func tagsOf(raw, plain string) []string {
	var out []string
	for _, s := range []string{raw, plain} {
		if strings.HasPrefix(s, "[") && json.Unmarshal([]byte(s), &out) == nil {
			return out
		}
	}
	out = nil
	for part := range strings.SplitSeq(plain, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// momentV1 reads a time in any of the ways that version 1 has; none for what is no time.
func momentV1(s string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
